/** A WebRTC peer, as the API knows it. @module */
import type { Millis } from "../../core/base/mod.ts";
import { encodingName, type Format } from "../../core/media/mod.ts";
import { receivedPerSecond, type StreamName, type ViewerTrack } from "../../core/stream/mod.ts";
import type { ClientFacts } from "../facts.ts";
import type { IceSession } from "./ice_session.ts";
import { Publishing } from "./publishing.ts";
import type { RtcSession } from "./session.ts";
import { streamId } from "./stream_facts.ts";
import { type Offered, UNREACHED_MILLIS, whyUnreached } from "./unreached.ts";
import { Viewing } from "./viewing.ts";

export interface ClientOptions {
  readonly id: string;
  readonly token: string;
  readonly bearer: string;
  readonly ufrag: string;
  readonly ice: IceSession;
  readonly action: "publish" | "play";
  readonly name: StreamName;
  readonly address: string;
  readonly session: RtcSession;
  readonly role: Publishing | Viewing;
  readonly since: Millis;
  readonly offered: Offered;
}

export class Client {
  readonly id: string;
  /** What its owner shows to end it. */
  readonly token: string;
  /** What its owner was admitted by; requests to the session show it too. Often empty. */
  readonly bearer: string;
  /** Our ufrags: the newest last, and those before it that are still answered. */
  readonly ufrags: Set<string>;
  readonly ice: IceSession;
  readonly action: "publish" | "play";
  readonly name: StreamName;
  readonly address: string;
  readonly session: RtcSession;
  readonly since: Millis;
  /** What his answer offered to connect to. */
  readonly offered: Offered;
  readonly publishing: Publishing | undefined;
  readonly viewing: Viewing | undefined;

  constructor(options: ClientOptions) {
    this.id = options.id;
    this.token = options.token;
    this.bearer = options.bearer;
    this.ufrags = new Set([options.ufrag]);
    this.ice = options.ice;
    this.action = options.action;
    this.name = options.name;
    this.address = options.address;
    this.session = options.session;
    this.since = options.since;
    this.offered = options.offered;
    this.publishing = options.role instanceof Publishing ? options.role : undefined;
    this.viewing = options.role instanceof Viewing ? options.role : undefined;
  }
}

export function clientFacts(client: Client, now: Millis): ClientFacts {
  const { session, name, viewing, publishing } = client;
  const sent = viewing?.subscriber.byteRate.perSecond(now) ?? 0;
  const received = publishing ? receivedPerSecond(publishing.publisher.stream, now) : 0;
  return {
    id: client.id,
    streamId: streamId(name.key),
    app: name.app,
    name: name.stream,
    address: client.address,
    type: client.action === "publish" ? "rtc-publish" : "rtc-play",
    alive: (now - client.since) / 1000,
    sentBytes: session.sentBytes,
    receivedBytes: session.receivedBytes,
    sentKbps: Math.round((sent * 8) / 1000),
    receivedKbps: Math.round((received * 8) / 1000),
    transport: (session.connected && session.selected?.transport) || "",
    mapped: session.selected?.remote,
    trouble:
      pathTrouble(client, now) ||
      session.trouble(now) ||
      (viewing === undefined ? "" : troubleOf(viewing)),
    droppedFrames: viewing?.subscriber.video?.stats.droppedFrames ?? 0,
    layer: viewing && layerOf(viewing),
  };
}

/** What keeps a client from connecting, in words. */
function pathTrouble({ session, since, offered }: Client, now: Millis): string {
  if (session.connected || now - since < UNREACHED_MILLIS) return "";
  if (session.receivedBytes > 0) return "STUN has come, but the DTLS handshake is not done";
  const why = whyUnreached(offered);
  return `no STUN has come: the answer offered ${why.offered || "nothing"}. ${why.advice}`;
}

function layerOf({ subscriber }: Viewing): ClientFacts["layer"] {
  const { video } = subscriber;
  const rid = video?.source.source?.rid;
  return rid === undefined ? undefined : { rid, switches: video?.stats.switches ?? 0 };
}

/** What keeps a viewer from seeing or hearing, in words; empty when nothing does. */
function troubleOf({ subscriber }: Viewing): string {
  const { audio, video, stream } = subscriber;
  if (stream.publisher === undefined) return "nobody publishes the stream";
  const unsupported = [video, audio].filter((track) => track?.state === "unsupported");
  const words = unsupported.map((track) => {
    const live = track && stream.track(track.kind).format;
    return `the stream's ${track?.kind} is ${live ? encodingName(live.codec) : "unknown"}, this viewer takes ${namesOf(track)}`;
  });
  if (video?.state === "behind")
    words.push("the viewer's connection is too slow: frames are dropped");
  return words.join("; ");
}

function namesOf(track: ViewerTrack | undefined): string {
  const formats: readonly Format[] = track?.options.formats.map((one) => one.format) ?? [];
  return [...new Set(formats.map((format) => encodingName(format.codec)))].join(", ") || "nothing";
}
