/** A client as its session resource: what a request to its Location may do. @module */
import { layersOf } from "../../core/stream/mod.ts";
import type { SignalSession, WatchedStream } from "../signal.ts";
import type { Client } from "./client.ts";
import type { RtcContext } from "./context.ts";
import { layerWish } from "./layer_wish.ts";

export function signalSession(context: RtcContext, client: Client): SignalSession {
  const { clients, log, metrics } = context;
  const { action, name, ice } = client;
  return {
    action,
    app: name.app,
    stream: name.stream,
    bearer: client.bearer,
    get etag() {
      return ice.etag;
    },
    get peer() {
      return ice.remote;
    },
    get restarts() {
      return ice.restarts;
    },
    fragment: () => ice.fragment(),
    restart: (remote) => {
      const local = ice.restart(remote);
      // It may have ended while the body was on its way.
      if (!clients.renew(client, local.ufrag)) return;
      client.session.restartIce(local);
      metrics.count("monoport_ice_restarts_total");
      log.event("ICE restarts", { stream: name.key, client: client.id });
      context.drain();
    },
    chooseLayer: (words) => {
      const subscriber = client.viewing?.subscriber;
      if (subscriber === undefined) return "This session plays nothing";
      const wish = layerWish(words, subscriber.stream);
      if (typeof wish === "string") return wish;
      subscriber.chooseLayer(wish, context.runtime.now());
      context.drain();
      return undefined;
    },
    watched: () => watchedStream(context, client),
    waits: false,
    answer: () => ({ status: 409, message: "No offer of this session waits for an answer" }),
    end: () => {
      client.session.close();
      context.drain();
    },
  };
}

function watchedStream({ hub, runtime }: RtcContext, { name, ice }: Client): WatchedStream {
  const stream = hub.stream(name.key);
  if (stream === undefined) return { active: false, viewers: 0, layers: {} };
  // Asked every second for each who listens: it must not cost a walk over all viewers.
  const told = layersOf(stream, runtime.now()).map(
    ({ rid, description, bitsPerSecond, alive }) => ({
      rid,
      width: description?.width ?? 0,
      height: description?.height ?? 0,
      bitrate: alive ? Math.round(bitsPerSecond) : 0,
    }),
  );
  return {
    active: stream.live,
    viewers: stream.viewers.length,
    layers: told.length === 0 ? {} : { [`${ice.videoLine}`]: told },
  };
}
