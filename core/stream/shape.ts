import type { PacketId, SenderId, SrtpEngine } from "../base/mod.ts";
import type { MediaKind } from "../media/mod.ts";
import { type ExtensionShape, type ReshapedPacket, rewriteExtensions } from "../wire/rtp/mod.ts";
import type { Batch } from "./batch.ts";
import type { StreamPacket } from "./packet.ts";
import type { ExtensionIds, Track } from "./track.ts";

const TRANSPORT_SEQUENCE =
  "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
/** Extensions that mean something between the publisher and us only. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  TRANSPORT_SEQUENCE,
  "http://www.webrtc.org/experiments/rtp-hdrext/transport-wide-cc-02",
  "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
  "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
  "urn:ietf:params:rtp-hdrext:sdes:mid",
  "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
  "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
]);

/** What a viewer negotiated for one m-line's header extensions. */
export interface ViewerExtensions {
  readonly extensions: ExtensionIds;
  /** `a=extmap-allow-mixed`. */
  readonly twoByte: boolean;
}

/** Which of a group's packets its viewers get. */
export const AUDIO_MASK = 1;
export const VIDEO_MASK = 2;
/** Whether they get them as datagrams, and not framed for TCP. */
export const DATAGRAM_MASK = 4;

/** Viewers whose packets differ in nothing the engine cannot rewrite: they share plaintexts. */
export class Shape {
  readonly key: string;
  users = 0;
  /** Whether packets carry a transport-wide sequence number. */
  readonly transport: boolean;
  /** Whether those of all kinds do. */
  readonly allTransport: boolean;
  /** In-step viewers of the batch, by mask of what they get. */
  readonly groups: readonly SenderId[][] = [[], [], [], [], [], [], [], []];
  readonly #audio: KindShape | undefined;
  readonly #video: KindShape | undefined;
  /** By position in the batch; -1 until put. */
  readonly #ids: PacketId[] = [];
  readonly #list: PacketId[] = [];
  /** The batch under way that viewers of this shape are in. */
  begun: Batch | undefined;

  constructor(audio: ViewerExtensions | undefined, video: ViewerExtensions | undefined) {
    this.key = shapeKey(audio, video);
    this.#audio = audio && new KindShape(audio);
    this.#video = video && new KindShape(video);
    this.transport = this.#audio?.transport === true || this.#video?.transport === true;
    this.allTransport =
      this.transport && this.#audio?.transport !== false && this.#video?.transport !== false;
  }

  /** A batch begins that viewers of this shape are in. */
  begin(batch: Batch): void {
    this.begun = batch;
    this.#ids.length = 0;
    for (let i = 0; i < batch.packets.length; i++) this.#ids.push(-1);
  }

  /** The batch is over: the engine forgets its packets. */
  end(): void {
    this.begun = undefined;
  }

  /** The engine's packet for position `at` of the batch; put on first demand. */
  idOf(engine: SrtpEngine, packet: StreamPacket, track: Track, at: number): PacketId {
    const known = this.#ids[at] ?? -1;
    if (known >= 0) return known;
    const { packet: bytes, transportSequenceAt } = this.reshape(packet, track);
    const id = engine.putPacket(bytes, engineTrack(packet.kind), packet.index, transportSequenceAt);
    this.#ids[at] = id;
    return id;
  }

  /** The batch's packets of the kinds in `mask`; valid until the next call. */
  list(engine: SrtpEngine, batch: Batch, audio: Track, video: Track, mask: number): PacketId[] {
    const list = this.#list;
    list.length = 0;
    for (let at = 0; at < batch.packets.length; at++) {
      const packet = batch.packets[at];
      if (packet === undefined) continue;
      const isAudio = packet.kind === "audio";
      if ((mask & (isAudio ? AUDIO_MASK : VIDEO_MASK)) === 0) continue;
      list.push(this.idOf(engine, packet, isAudio ? audio : video, at));
    }
    return list;
  }

  /** A copy of `packet` with these viewers' extensions. */
  reshape(packet: StreamPacket, track: Track): ReshapedPacket {
    const kind = packet.kind === "audio" ? this.#audio : this.#video;
    return rewriteExtensions(packet.bytes, packet.header, kind?.for(track) ?? NO_EXTENSIONS);
  }
}

export function shapeKey(
  audio: ViewerExtensions | undefined,
  video: ViewerExtensions | undefined,
): string {
  return `${keyOf(audio)}|${keyOf(video)}`;
}

/** The engine's number of a track; retransmissions are tracks of their own. */
export function engineTrack(kind: MediaKind): number {
  return kind === "audio" ? 0 : 1;
}

export function engineRtxTrack(kind: MediaKind): number {
  return kind === "audio" ? 2 : 3;
}

const NO_EXTENSIONS: ExtensionShape = {
  ids: new Uint8Array(256),
  transportSequenceId: 0,
  twoByte: false,
};

function keyOf(viewer: ViewerExtensions | undefined): string {
  if (viewer === undefined) return "";
  const ids = [...viewer.extensions].map(([uri, id]) => `${id} ${uri}`).sort();
  return `${viewer.twoByte ? "mixed" : "plain"},${ids.join(",")}`;
}

/** One kind's extensions, from the current source's IDs to the viewers'. */
class KindShape {
  readonly transport: boolean;
  readonly #viewer: ViewerExtensions;
  /** What `#shape` was made from; layers of one line have the same. */
  #from: ExtensionIds | undefined;
  #shape: ExtensionShape = NO_EXTENSIONS;

  constructor(viewer: ViewerExtensions) {
    this.#viewer = viewer;
    this.transport = viewer.extensions.has(TRANSPORT_SEQUENCE);
  }

  for(track: Track): ExtensionShape {
    const from = track.source?.extensions;
    if (from !== undefined && this.#from === from) return this.#shape;
    const { extensions, twoByte } = this.#viewer;
    const ids = new Uint8Array(256);
    for (const [uri, sourceId] of from ?? []) {
      if (!HOP_BY_HOP.has(uri)) ids[sourceId] = extensions.get(uri) ?? 0;
    }
    const transportSequenceId = extensions.get(TRANSPORT_SEQUENCE) ?? 0;
    this.#shape = { ids, transportSequenceId, twoByte };
    this.#from = from;
    return this.#shape;
  }
}
