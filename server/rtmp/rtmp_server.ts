/** RTMP served: publishers' connections meet the hub, players' the streams' tags. @module */
import type { Conn, Millis, Runtime } from "../../core/base/mod.ts";
import type { RtmpEvent, RtmpTarget } from "../../core/session/rtmp/mod.ts";
import {
  type FrameSink,
  type Hub,
  isBadStreamName,
  parseStreamName,
  receivedPerSecond,
  type StreamName,
} from "../../core/stream/mod.ts";
import { type Casts, rtmpFraming, type Wanted } from "../cast/mod.ts";
import type { Config } from "../config/config.ts";
import type { ClientFacts, MoreClients } from "../facts.ts";
import type { FrameSource } from "../frames/mod.ts";
import { type Door, enter, type Visit } from "../hooks/mod.ts";
import type { HeldBytes } from "../limits/held_bytes.ts";
import type { Inflow, Inflows } from "../limits/inflow.ts";
import type { Sessions } from "../limits/sessions.ts";
import { toldInflow } from "../limits/told_inflow.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { word } from "../routes/envelope.ts";
import { randomSsrc } from "../rtc/context.ts";
import { streamId } from "../rtc/stream_facts.ts";
import { Ingest } from "./ingest.ts";
import { RtmpConnection, type RtmpHost } from "./rtmp_connection.ts";

export interface RtmpServerOptions extends Door {
  readonly runtime: Runtime;
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly hub: Hub;
  readonly held: HeldBytes;
  readonly inflows: Inflows;
  readonly sessions: Sessions;
  readonly frames: FrameSource;
  /** Who plays is its viewer. */
  readonly casts: Casts;
  /** To be called after anything that may have changed the hub. */
  readonly drain: () => void;
}

export class RtmpServer implements RtmpHost, MoreClients {
  readonly runtime: Runtime;
  readonly held: HeldBytes;
  readonly #options: RtmpServerOptions;
  readonly #connections = new Set<RtmpConnection>();
  #refuses = false;

  constructor(options: RtmpServerOptions) {
    this.#options = options;
    this.runtime = options.runtime;
    this.held = options.held;
  }

  /** Publishers at the moment. */
  get sessions(): number {
    let sessions = 0;
    for (const { publishing } of this.#connections) if (publishing !== undefined) sessions++;
    return sessions;
  }

  /** Takes a connection whose first byte is C0. */
  serve(conn: Conn, first: Uint8Array): void {
    const connection = new RtmpConnection(this, conn);
    this.#connections.add(connection);
    connection.start(first);
  }

  /** Closes up to `count` connections that neither publish nor play; returns how many. */
  shedIdle(count: number): number {
    let shed = 0;
    for (const connection of this.#connections) {
      if (shed === count) break;
      if (!connection.idle) continue;
      connection.destroy();
      shed++;
    }
    return shed;
  }

  refuseNew(): void {
    this.#refuses = true;
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  clients(): ClientFacts[] {
    const now = this.runtime.now();
    return [...this.#connections].flatMap((one) => factsOf(one, now) ?? []);
  }

  kick(id: string): boolean {
    const found = [...this.#connections].find(({ publishing }) => publishing?.id === id);
    found?.close();
    return found !== undefined;
  }

  publisherOf(key: string): string | undefined {
    for (const { publishing } of this.#connections) {
      if (publishing?.name.key === key) return publishing.id;
    }
    return undefined;
  }

  onPublish(connection: RtmpConnection, target: RtmpTarget): void {
    this.#publish(connection, target).catch((error) => {
      this.#options.log.limited("error", "RTMP failed", { error: String(error) });
      connection.refused(false, "Something failed here");
    });
  }

  onPlay(connection: RtmpConnection, target: RtmpTarget): void {
    this.#play(connection, target).catch((error) => {
      this.#options.log.limited("error", "RTMP failed", { error: String(error) });
      connection.refused(false, "Something failed here");
    });
  }

  onEvent(event: RtmpEvent): void {
    if (event.type === "fault") this.#options.metrics.fault(event.fault);
  }

  inflowOf(connection: RtmpConnection): Inflow | undefined {
    const address = connection.conn.remote.host;
    return toldInflow(this.#options, address, () => {
      const { publishing } = connection;
      return { address, stream: publishing?.name.key, client: publishing?.id };
    });
  }

  onShed(): void {
    this.#options.metrics.count("monoport_connections_shed_total", "unproven-bytes");
  }

  afterInput(): void {
    this.#options.drain();
  }

  forget(connection: RtmpConnection): void {
    this.#connections.delete(connection);
    const { inflow, conn } = connection;
    this.#options.inflows.end(conn.remote.host, inflow);
    if (inflow?.exceeded !== undefined) {
      this.#options.metrics.count("monoport_sessions_ended_total", "publisher-rate");
    }
    const { publishing } = connection;
    if (publishing === undefined) return;
    this.#options.log.event("Session ended", {
      stream: publishing.name.key,
      client: publishing.id,
      action: "publish",
      reason: inflow?.exceeded && "publisher-rate",
      seconds: Math.round((this.runtime.now() - connection.since) / 1000),
    });
  }

  /** Why an address may not publish a stream. */
  #refusalOf(address: string, { key }: StreamName): string | undefined {
    if (this.#refuses) return "The server is about to end";
    return this.#options.sessions.refusal(address, key)?.message;
  }

  /** An encoder sends keyframes when he likes: who joins later gets the last one and what followed. */
  #keepPictures(name: StreamName): Disposable {
    const { config, frames } = this.#options;
    if (!config["vhost.play.gop_cache"]) return { [Symbol.dispose]: () => {} };
    return frames.tap(name, { audio: "source", fromKeyframe: false }, NO_SINK);
  }

  async #play(connection: RtmpConnection, target: RtmpTarget): Promise<void> {
    const { casts } = this.#options;
    const name = parseStreamName(target.app || "live", target.stream);
    if (isBadStreamName(name)) return connection.refused(false, name.message);
    const query = new URLSearchParams(target.query);
    const audio = query.get("audio") === "opus" ? "opus" : "aac";
    const address = connection.conn.remote.host;
    const { tcUrl } = target;
    const asked = { token: query.get("token") ?? "", query: target.query, tcUrl, pageUrl: "" };
    const wanted: Wanted = { name, audio, type: "rtmp-play", address, ...asked };
    const admitted = await casts.admit(wanted);
    if ("reason" in admitted) return connection.refused(false, admitted.reason);
    connection.play(
      (outlet) => casts.play(admitted, casts.flv, rtmpFraming, outlet),
      admitted.visit,
    );
  }

  async #publish(connection: RtmpConnection, target: RtmpTarget): Promise<void> {
    const { config, log, metrics, hub } = this.#options;
    let visit: Visit | undefined;
    const refuse = (reason: string, busy = false): void => {
      visit?.left();
      log.limited("info", "Refused to publish", { reason, address });
      metrics.count("monoport_sessions_refused_total", "rtmp");
      connection.refused(busy, reason);
    };
    const address = connection.conn.remote.host;
    const name = parseStreamName(target.app || "live", target.stream);
    if (isBadStreamName(name)) return refuse(name.message);
    const tooMany = this.#refusalOf(address, name);
    if (tooMany !== undefined) return refuse(tooMany);
    const { app, stream } = name;
    const token = new URLSearchParams(target.query).get("token") ?? "";
    const entered = await enter(this.#options, {
      ...{ action: "publish", app, stream, token, address },
      param: target.query === "" ? "" : `?${target.query}`,
      tcUrl: target.tcUrl,
      pageUrl: "",
    });
    if (!entered.admitted) return refuse(entered.reason);
    visit = entered.visit;
    // Others may have come while that was asked.
    const late = this.#refusalOf(address, name);
    if (late !== undefined) return refuse(late);
    const publisher = hub.publish(name, `${address} rtmp`, this.runtime.now());
    if (publisher === "busy") {
      return refuse(`${name.key} is being published by another client`, true);
    }
    if (publisher === "too-many-streams") return refuse("Too many streams (limits.streams)");
    publisher.way = "rtmp";
    metrics.count("monoport_sessions_total", "rtmp-publish");
    const id = visit?.id ?? word(this.runtime, 8);
    log.event("Publishing", { stream: name.key, client: id, address, protocol: "rtmp" });
    const ingest = new Ingest({
      publisher,
      randomSsrc: () => randomSsrc(this.runtime),
      wallClock: () => this.runtime.wallClock(),
      onFault: (fault) => metrics.fault(fault),
      toRtc: config["vhost.rtc.rtmp_to_rtc"],
      keepBFrames: config["vhost.rtc.keep_bframe"],
      tell: (trouble) => {
        if (!publisher.warn(trouble)) return;
        connection.troubles.push(trouble);
        log.warn("A stream does not reach all its viewers whole", { stream: name.key, trouble });
      },
    });
    const kept = this.#keepPictures(name);
    const session = this.#options.sessions.begin(address, name.key, "publish");
    connection.admitted({ id, name, publisher, ingest, kept, session, visit });
  }
}

const NO_SINK: FrameSink = { handleFormat() {}, handleFrame() {}, handleEnd() {} };

function factsOf(connection: RtmpConnection, now: Millis): ClientFacts | undefined {
  const { publishing, conn } = connection;
  if (publishing === undefined) return undefined;
  const received = receivedPerSecond(publishing.publisher.stream, now);
  return {
    id: publishing.id,
    streamId: streamId(publishing.name.key),
    app: publishing.name.app,
    name: publishing.name.stream,
    address: conn.remote.host,
    type: "fmle-publish",
    alive: (now - connection.since) / 1000,
    sentBytes: connection.sentBytes,
    receivedBytes: connection.receivedBytes,
    sentKbps: 0,
    receivedKbps: Math.round((received * 8) / 1000),
    transport: "tcp",
    mapped: undefined,
    trouble: troubleOf(connection, now),
    droppedFrames: 0,
  };
}

function troubleOf({ inflow, troubles }: RtmpConnection, now: Millis): string {
  const held = inflow?.trouble(now) ?? "";
  return [...(held === "" ? [] : [held]), ...troubles].join("; ");
}
