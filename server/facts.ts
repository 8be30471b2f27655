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
      const watching = more.clients().filter(({ type }) => type.endsWith("-play"));
      return facts.streams().map((known) => {
        const one = withViewers(known, watching);
        const publisher =
          one.publisher === "" ? more.publisherOf(`${one.app}/${one.name}`) : undefined;
        return publisher === undefined ? one : { ...one, publisher };
      });
    },
  };
}

/** A stream with those of `watching` who watch it. */
function withViewers(stream: StreamFacts, watching: readonly ClientFacts[]): StreamFacts {
  const own = watching.filter(({ app, name }) => app === stream.app && name === stream.name);
  if (own.length === 0) return stream;
  let { clients, sentBytes, sentKbps } = stream;
  for (const viewer of own) {
    clients++;
    sentBytes += viewer.sentBytes;
    sentKbps += viewer.sentKbps;
  }
  return { ...stream, clients, sentBytes, sentKbps };
}
