/** What the API tells about streams and clients, independent of how they came in. @module */
import type { Endpoint, Millis } from "../core/base/mod.ts";

/** In kbit/s, over the last 30 s. */
export interface Rates {
  readonly receivedKbps: number;
  readonly sentKbps: number;
}

export interface VideoFacts {
  readonly codec: string;
  readonly profile: string;
  readonly level: string;
  readonly width: number;
  readonly height: number;
  /** Frames per second over the last seconds. */
  readonly frameRate: number;
  /** In kbit/s, over the last seconds. */
  readonly kbps: number;
  /** From one keyframe to the next; `undefined` until there were two. */
  readonly gop: { readonly millis: Millis; readonly frames: number } | undefined;
  readonly bFrames: boolean;
}

/** A layer of simulcast. */
export interface LayerFacts {
  readonly rid: string;
  readonly ssrc: number;
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  /** In kbit/s, over the last seconds. */
  readonly kbps: number;
  /** Whether it is sent while others are. */
  readonly active: boolean;
}

export interface AudioFacts {
  readonly codec: string;
  readonly sampleRate: number;
  readonly channels: number;
  readonly profile: string;
  /** In kbit/s, over the last seconds. */
  readonly kbps: number;
}

/** How somebody publishes. */
export interface WayIn {
  /** `whip`, `rtmp`, `pull`, `demo`, `diagnose`. */
  readonly by: string;
  readonly transport: "tcp" | "udp" | "";
}

/** Who watches, by the way it goes to him. */
export interface ViewersByWay {
  whep: number;
  /** Of those, whose media goes over this. */
  whepUdp: number;
  whepTcp: number;
  /** Pushes to other servers. */
  push: number;
  flv: number;
  /** MPEG-TS and AAC over HTTP. */
  ts: number;
  aac: number;
  rtmp: number;
  hls: number;
}

export interface StreamFacts extends Rates {
  readonly id: string;
  readonly app: string;
  readonly name: string;
  /** Since when it has been live, on the wall clock; 0 when it is not. */
  readonly liveSince: Millis;
  readonly clients: number;
  readonly frames: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Client id of the publisher, `undefined` while nobody publishes. */
  readonly publisher: string | undefined;
  readonly wayIn: WayIn | undefined;
  readonly viewers: Readonly<ViewersByWay>;
  /** What is wrong with what the publisher sends, in words that name what to change. */
  readonly warnings: readonly string[];
  readonly video: VideoFacts | undefined;
  /** The worst first; empty without simulcast. */
  readonly layers: readonly LayerFacts[];
  readonly audio: AudioFacts | undefined;
}

export interface ClientFacts extends Rates {
  readonly id: string;
  readonly streamId: string;
  readonly app: string;
  readonly name: string;
  readonly address: string;
  readonly type:
    | "rtc-publish"
    | "rtc-play"
    | "fmle-publish"
    | "hls-play"
    | "flv-play"
    | "rtmp-play";
  /** Of who is `flv-play`, as with SRS, what he gets. */
  readonly format?: "flv" | "ts" | "aac" | undefined;
  /** Seconds. */
  readonly alive: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** What carries its media, once connected. */
  readonly transport: "tcp" | "udp" | "";
  /** Where his media path comes from, as STUN tells him: behind a NAT, the NAT. */
  readonly mapped: Endpoint | undefined;
  /** What keeps a viewer from seeing, in words; empty when nothing does. */
  readonly trouble: string;
  readonly droppedFrames: number;
  /** The layer of simulcast that a viewer gets. */
  readonly layer?: { readonly rid: string; readonly switches: number } | undefined;
}

/** Where the API asks. */
export interface Facts {
  /** What WebRTC is served over. */
  readonly transports: { readonly udp: boolean; readonly tcp: boolean };
  streams(): readonly StreamFacts[];
  clients(): readonly ClientFacts[];
  client(id: string): ClientFacts | undefined;
  /** Ends a client's session; false when there is none of that id. */
  kick(id: string): boolean;
}

/** Clients of another kind, whose publishers are in the same streams. */
export interface MoreClients {
  clients(): readonly ClientFacts[];
  kick(id: string): boolean;
  /** Id of the one that publishes a stream (`app/stream`). */
  publisherOf(key: string): string | undefined;
}

/** What `facts` tells, with the clients of `more`. */
export function withClients(facts: Facts, more: MoreClients): Facts {
  const clients = (): ClientFacts[] => [...facts.clients(), ...more.clients()];
  return {
    transports: facts.transports,
    clients,
    client: (id) => facts.client(id) ?? more.clients().find((one) => one.id === id),
    kick: (id) => facts.kick(id) || more.kick(id),
    streams: () => {
      const watching = viewersByStream(more.clients());
      return facts.streams().map((known) => {
        const one = withViewers(known, watching.get(`${known.app}/${known.name}`) ?? []);
        const publisher =
          one.publisher === "" ? more.publisherOf(`${one.app}/${one.name}`) : undefined;
        return publisher === undefined ? one : { ...one, publisher };
      });
    },
  };
}

function viewersByStream(clients: readonly ClientFacts[]): Map<string, ClientFacts[]> {
  const found = new Map<string, ClientFacts[]>();
  for (const client of clients) {
    if (!client.type.endsWith("-play")) continue;
    const key = `${client.app}/${client.name}`;
    const known = found.get(key);
    if (known === undefined) found.set(key, [client]);
    else known.push(client);
  }
  return found;
}

/** A stream with those who watch it. */
function withViewers(stream: StreamFacts, viewers: readonly ClientFacts[]): StreamFacts {
  if (viewers.length === 0) return stream;
  let { clients, sentBytes, sentKbps } = stream;
  const count = { ...stream.viewers };
  for (const viewer of viewers) {
    clients++;
    sentBytes += viewer.sentBytes;
    sentKbps += viewer.sentKbps;
    if (viewer.type === "flv-play") count[viewer.format ?? "flv"]++;
    else if (viewer.type === "rtmp-play") count.rtmp++;
    else if (viewer.type === "hls-play") count.hls++;
  }
  return { ...stream, clients, sentBytes, sentKbps, viewers: count };
}
