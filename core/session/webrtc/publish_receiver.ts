/**
 * The receiving half of a publisher's session: which m-line a packet belongs to, retransmissions
 * and RED undone, and what is fed back to the publisher.
 *
 * @module
 */
import { Fault, isFault, type Millis } from "../../base/mod.ts";
import { u8, u16 } from "../../bytes/mod.ts";
import {
  decodeRtp,
  extendIndex,
  extensionLength,
  findExtension,
  primaryOfRed,
  type RtpHeader,
  unwrapRtx,
} from "../../wire/rtp/mod.ts";
import type { NegotiatedMedia } from "./negotiation/mod.ts";
import { PublisherFeedback, type PublisherFeedbackOptions } from "./publisher_feedback.ts";
import type { MediaSink } from "./transport.ts";

/**
 * SSRCs of one publisher; a browser has two per m-line. When there are so many, a new one takes the
 * place of one that said BYE or was silent for long, but never of one that the offer names.
 */
export const MAX_SOURCES = 32;
export const SILENT_SOURCE_MILLIS: Millis = 5_000;
/** A packet of no line that was agreed on. */
export const UNKNOWN_SOURCE: Fault = /* @__PURE__ */ new Fault(
  "core/session/webrtc",
  "unknown-source",
  "RFC 9143 §9.2",
);
export const TOO_MANY_SOURCES: Fault = /* @__PURE__ */ new Fault(
  "core/session/webrtc",
  "too-many-sources",
  "RFC 3550 §8",
);

/** A packet of an SSRC whose layer is not told, or of none that was agreed on. */
export const UNKNOWN_LAYER: Fault = /* @__PURE__ */ new Fault(
  "core/session/webrtc",
  "unknown-layer",
  "RFC 8852 §3",
);

/**
 * Takes a plaintext media packet of `line`, retransmissions and RED undone. `bytes` is the callee's
 * from then on; `index` is the extended index (rollover counter << 16 | sequence number) on `ssrc`.
 * `layer` is the place of its layer among the line's `rids`, 0 without simulcast.
 */
export type PacketHandler = (
  line: NegotiatedMedia,
  ssrc: number,
  bytes: Uint8Array,
  index: number,
  now: Millis,
  layer: number,
) => void;

/** What packets of a payload type hold. */
const MEDIA = 1;
const RETRANSMISSION = 2;
const REDUNDANT = 3;

/** One SSRC of the publisher. */
interface Source {
  readonly line: NegotiatedMedia;
  /** By payload type: one of the constants above, 0 for what was not agreed on. */
  readonly holds: Uint8Array;
  readonly ssrc: number;
  /** Place of its layer among the line's rids. */
  readonly layer: number;
  /** The SSRC whose packets this one repeats; 0 while unknown, `undefined` for media. */
  repairs: number | undefined;
  /** Highest extended index received. */
  highest: number;
  /** Whether the offer names it. */
  readonly offered: boolean;
  /** When it was last heard; `NEVER_HEARD` once it said BYE. */
  heardAt: Millis;
}

const NEVER_HEARD = Number.NEGATIVE_INFINITY;

export interface PublishReceiverOptions extends PublisherFeedbackOptions {
  readonly media: readonly NegotiatedMedia[];
  readonly onPacket: PacketHandler;
}

export class PublishReceiver implements MediaSink {
  /** The lines, and for each what its payload types hold. */
  readonly #media: ReadonlyMap<NegotiatedMedia, Uint8Array>;
  readonly #onFault: (fault: Fault) => void;
  readonly #sources = new Map<number, Source>();
  readonly #feedback: PublisherFeedback;
  readonly #onPacket: PacketHandler;

  constructor(options: PublishReceiverOptions) {
    this.#media = new Map(options.media.map((line) => [line, payloadTypesOf(line)]));
    this.#onPacket = options.onPacket;
    this.#onFault = options.onFault;
    this.#feedback = new PublisherFeedback({
      ...options,
      onLost: (ssrc, now) => {
        if (this.#sources.get(ssrc)?.line.kind === "video") options.onLost(ssrc, now);
      },
      onGoodbye: (ssrc) => {
        const source = this.#sources.get(ssrc);
        if (source !== undefined) source.heardAt = NEVER_HEARD;
      },
    });
    for (const line of options.media) {
      for (const { ssrc, rtxSsrc, rid } of line.remoteSources) {
        const layer = line.rids.length > 0 ? line.rids.indexOf(rid ?? "") : 0;
        if (layer < 0) continue; // its first packet tells
        this.#add(line, ssrc, layer, undefined);
        if (rtxSsrc !== undefined) this.#add(line, rtxSsrc, layer, ssrc);
      }
    }
  }

  onRtp(bytes: Uint8Array, index: number, now: Millis): void {
    const header = decodeRtp(bytes);
    if (isFault(header)) {
      this.#onFault(header);
      return;
    }
    const source = this.#sources.get(header.ssrc) ?? this.#discover(bytes, header, now);
    if (source === undefined) return;
    source.heardAt = now;
    source.highest = Math.max(source.highest, index);
    this.#feedback.handlePacket(
      source.line,
      bytes,
      header,
      index,
      source.repairs !== undefined,
      now,
    );
    if (source.repairs === undefined) this.#take(source, bytes, header, index, now);
    else this.#takeRetransmission(source, bytes, header, now);
  }

  onRtcp(bytes: Uint8Array, now: Millis): void {
    this.#feedback.handleRtcp(bytes, now);
  }

  /** Asks for a keyframe of the video SSRC `ssrc`. */
  requestKeyframe(ssrc: number): void {
    const line = this.#sources.get(ssrc)?.line;
    if (line !== undefined) this.#feedback.requestKeyframe(line, ssrc);
  }

  nextTimeout(): Millis {
    return this.#feedback.nextTimeout();
  }

  /** The next compound RTCP packet for the publisher that is due, in plaintext. */
  pollRtcp(now: Millis): Uint8Array | undefined {
    return this.#feedback.pollRtcp(now);
  }

  #take(source: Source, bytes: Uint8Array, header: RtpHeader, index: number, now: Millis): void {
    if (header.payloadEnd <= header.payloadAt) return; // padding only: a probe for bandwidth
    const holds = source.holds[header.payloadType];
    if (holds === MEDIA) {
      this.#onPacket(source.line, source.ssrc, bytes, index, now, source.layer);
    } else if (holds === REDUNDANT) {
      const plain = withoutRed(bytes, header, source.line.red?.blockPayloadType);
      if (isFault(plain)) this.#onFault(plain);
      else this.#onPacket(source.line, source.ssrc, plain, index, now, source.layer);
    } else {
      this.#onFault(UNKNOWN_SOURCE);
    }
  }

  #takeRetransmission(source: Source, bytes: Uint8Array, header: RtpHeader, now: Millis): void {
    source.repairs ||= this.#mediaSsrc(source.line, source.layer);
    const original = this.#sources.get(source.repairs);
    const codec = source.line.codecs.find((one) => one.rtxPayloadType === header.payloadType);
    if (original === undefined || codec === undefined) return;
    if (header.payloadEnd - header.payloadAt <= 2) return; // a probe on the RTX SSRC
    const packet = unwrapRtx(bytes, header, original.ssrc, codec.payloadType);
    if (isFault(packet)) {
      this.#onFault(packet);
      return;
    }
    const sequenceNumber = u16(packet, 2);
    const { highest } = original;
    const index = highest < 0 ? sequenceNumber : extendIndex(highest, sequenceNumber);
    if (index < 0) return; // from before the first packet
    this.#feedback.handleRepaired(original.ssrc, index, now);
    this.#onPacket(source.line, original.ssrc, packet, index, now, source.layer);
  }

  /**
   * A new SSRC: its MID says the line, else its payload type does (RFC 9143 §9.2); its RID says the
   * layer. Browsers send them until a receiver report has told that they arrived.
   */
  #discover(bytes: Uint8Array, header: RtpHeader, now: Millis): Source | undefined {
    const line = this.#lineOf(bytes, header);
    if (line === undefined) {
      this.#onFault(UNKNOWN_SOURCE);
      return undefined;
    }
    const named = line.remoteSources.find(({ rtxSsrc }) => rtxSsrc === header.ssrc);
    const repairs = this.#holds(line, header) === RETRANSMISSION;
    const repairedSource = named && this.#sources.get(named.ssrc);
    const layer = repairedSource?.layer ?? layerOf(line, bytes, header, repairs);
    if (layer < 0) {
      this.#onFault(UNKNOWN_LAYER);
      return undefined;
    }
    const repaired = repairs ? this.#mediaSsrc(line, layer) : undefined;
    return this.#add(line, header.ssrc, layer, repaired, now);
  }

  #lineOf(bytes: Uint8Array, header: RtpHeader): NegotiatedMedia | undefined {
    let found: NegotiatedMedia | undefined;
    for (const line of this.#media.keys()) {
      const takes = this.#holds(line, header) !== 0;
      if (takes) found ??= line;
      if (line.mid === undefined || line.midExtensionId === undefined) continue;
      if (hasText(bytes, header, line.midExtensionId, line.mid)) return takes ? line : undefined;
    }
    return found;
  }

  /** What a packet holds if it is of `line`; 0 when it cannot be. */
  #holds(line: NegotiatedMedia, header: RtpHeader): number {
    return this.#media.get(line)?.[header.payloadType] ?? 0;
  }

  /** The newest media SSRC of a line's layer; 0 when there is none. */
  #mediaSsrc(line: NegotiatedMedia, layer: number): number {
    let ssrc = 0;
    for (const source of this.#sources.values()) {
      if (source.line !== line || source.layer !== layer) continue;
      if (source.repairs === undefined) ssrc = source.ssrc;
    }
    return ssrc;
  }

  /** `now` is given for a source that the offer does not name. */
  #add(
    line: NegotiatedMedia,
    ssrc: number,
    layer: number,
    repairs: number | undefined,
    now?: Millis,
  ): Source | undefined {
    if (this.#sources.size >= MAX_SOURCES && (now === undefined || !this.#makeRoom(now))) {
      this.#onFault(TOO_MANY_SOURCES);
      return undefined;
    }
    const holds = this.#media.get(line) ?? NONE;
    const offered = now === undefined;
    const heardAt = now ?? NEVER_HEARD;
    const source: Source = { line, holds, ssrc, layer, repairs, highest: -1, offered, heardAt };
    this.#sources.set(ssrc, source);
    return source;
  }

  /** Forgets the source that was silent longest, if that was long enough. */
  #makeRoom(now: Millis): boolean {
    let oldest: Source | undefined;
    for (const source of this.#sources.values()) {
      if (source.offered || now - source.heardAt < SILENT_SOURCE_MILLIS) continue;
      if (oldest === undefined || source.heardAt < oldest.heardAt) oldest = source;
    }
    if (oldest === undefined) return false;
    this.#sources.delete(oldest.ssrc);
    this.#feedback.forget(oldest.ssrc);
    return true;
  }
}

const NONE: Uint8Array = /* @__PURE__ */ new Uint8Array(0);

/** What each of the 128 payload types of a line holds. */
function payloadTypesOf(line: NegotiatedMedia): Uint8Array {
  const holds = new Uint8Array(128);
  for (const { payloadType, rtxPayloadType } of line.codecs) {
    holds[payloadType] = MEDIA;
    if (rtxPayloadType !== undefined) holds[rtxPayloadType] = RETRANSMISSION;
  }
  if (line.red !== undefined) holds[line.red.payloadType] = REDUNDANT;
  return holds;
}

/**
 * Place of a packet's layer among the line's rids, by its RID or, if it `repairs`, by its repaired
 * RID (RFC 8852 §3). 0 without simulcast, -1 when nothing tells.
 */
function layerOf(
  line: NegotiatedMedia,
  bytes: Uint8Array,
  header: RtpHeader,
  repairs: boolean,
): number {
  const { rids } = line;
  if (rids.length === 0) return 0;
  const id = repairs ? line.repairedRidExtensionId : line.ridExtensionId;
  if (id === undefined) return -1;
  return rids.findIndex((rid) => hasText(bytes, header, id, rid));
}

/** Whether extension `id` of a packet is `text`: its MID (RFC 9143 §15.1), or a RID (RFC 8852). */
function hasText(bytes: Uint8Array, header: RtpHeader, id: number, text: string): boolean {
  const at = findExtension(bytes, header, id);
  if (at === 0 || extensionLength(bytes, header, at) !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (u8(bytes, at + i) !== text.charCodeAt(i)) return false;
  return true;
}

/** The packet with its primary block alone, in a fresh array (RFC 2198 §3). */
function withoutRed(
  bytes: Uint8Array,
  header: RtpHeader,
  payloadType: number | undefined,
): Uint8Array | Fault {
  const primary = primaryOfRed(bytes, header.payloadAt, header.payloadEnd);
  if (isFault(primary)) return primary;
  if (primary.payloadType !== payloadType) return UNKNOWN_SOURCE;
  const out = new Uint8Array(header.payloadAt + primary.end - primary.at);
  out.set(bytes.subarray(0, header.payloadAt));
  out.set(bytes.subarray(primary.at, primary.end), header.payloadAt);
  out[0] = u8(out, 0) & ~0x20; // no padding
  out[1] = (u8(out, 1) & 0x80) | primary.payloadType;
  return out;
}
