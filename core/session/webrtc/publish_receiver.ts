/**
 * The receiving half of a publisher's session: which m-line a packet belongs to, retransmissions and
 * RED undone, and what is fed back to the publisher.
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

/** SSRCs of one publisher; a browser has two per m-line. */
export const MAX_SOURCES = 32;
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

/**
 * Takes a plaintext media packet of `line`, retransmissions and RED undone. `bytes` is the callee's
 * from then on; `index` is the extended index (rollover counter << 16 | sequence number) on `ssrc`.
 */
export type PacketHandler = (
  line: NegotiatedMedia,
  ssrc: number,
  bytes: Uint8Array,
  index: number,
  now: Millis,
) => void;

/** One SSRC of the publisher. */
interface Source {
  readonly line: NegotiatedMedia;
  readonly ssrc: number;
  /** The SSRC whose packets this one repeats; 0 while unknown, `undefined` for media. */
  repairs: number | undefined;
  /** Highest extended index received. */
  highest: number;
}

export interface PublishReceiverOptions extends PublisherFeedbackOptions {
  readonly media: readonly NegotiatedMedia[];
  readonly onPacket: PacketHandler;
}

export class PublishReceiver implements MediaSink {
  readonly #media: readonly NegotiatedMedia[];
  readonly #onFault: (fault: Fault) => void;
  readonly #sources = new Map<number, Source>();
  readonly #feedback: PublisherFeedback;
  readonly #onPacket: PacketHandler;

  constructor(options: PublishReceiverOptions) {
    this.#media = options.media;
    this.#onPacket = options.onPacket;
    this.#onFault = options.onFault;
    this.#feedback = new PublisherFeedback(options);
    for (const line of options.media) {
      for (const { ssrc, rtxSsrc } of line.remoteSources) {
        this.#add(line, ssrc, undefined);
        if (rtxSsrc !== undefined) this.#add(line, rtxSsrc, ssrc);
      }
    }
  }

  onRtp(bytes: Uint8Array, index: number, now: Millis): void {
    const header = decodeRtp(bytes);
    if (isFault(header)) {
      this.#onFault(header);
      return;
    }
    const source = this.#sources.get(header.ssrc) ?? this.#discover(bytes, header);
    if (source === undefined) return;
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
    const { red } = source.line;
    if (red !== undefined && header.payloadType === red.payloadType) {
      const plain = withoutRed(bytes, header);
      if (isFault(plain)) this.#onFault(plain);
      else this.#onPacket(source.line, source.ssrc, plain, index, now);
    } else {
      this.#onPacket(source.line, source.ssrc, bytes, index, now);
    }
  }

  #takeRetransmission(source: Source, bytes: Uint8Array, header: RtpHeader, now: Millis): void {
    source.repairs ||= this.#mediaSsrc(source.line);
    const original = this.#sources.get(source.repairs);
    const codec = source.line.codecs.find((one) => one.rtxPayloadType === header.payloadType);
    if (original === undefined || codec === undefined) return;
    if (header.payloadEnd - header.payloadAt <= 2) return; // a probe on the RTX SSRC
    const packet = unwrapRtx(bytes, header, original.ssrc, codec.payloadType);
    if (isFault(packet)) {
      this.#onFault(packet);
      return;
    }
    const index = extendIndex(original.highest, u16(packet, 2));
    this.#feedback.handleRepaired(original.ssrc, index, now);
    this.#onPacket(source.line, original.ssrc, packet, index, now);
  }

  /** A new SSRC: its MID says the line, else its payload type does (RFC 9143 §9.2). */
  #discover(bytes: Uint8Array, header: RtpHeader): Source | undefined {
    const line = this.#lineOf(bytes, header);
    if (line === undefined) {
      this.#onFault(UNKNOWN_SOURCE);
      return undefined;
    }
    const repairs = line.codecs.some((one) => one.rtxPayloadType === header.payloadType);
    return this.#add(line, header.ssrc, repairs ? this.#mediaSsrc(line) : undefined);
  }

  #lineOf(bytes: Uint8Array, header: RtpHeader): NegotiatedMedia | undefined {
    const takes = (line: NegotiatedMedia): boolean =>
      line.red?.payloadType === header.payloadType ||
      line.codecs.some(
        (one) =>
          one.payloadType === header.payloadType || one.rtxPayloadType === header.payloadType,
      );
    for (const line of this.#media) {
      if (line.mid === undefined || line.midExtensionId === undefined) continue;
      if (hasMid(bytes, header, line.midExtensionId, line.mid))
        return takes(line) ? line : undefined;
    }
    return this.#media.find(takes);
  }

  /** The media SSRC of a line that was heard last; 0 when none was. */
  #mediaSsrc(line: NegotiatedMedia): number {
    let ssrc = 0;
    for (const source of this.#sources.values()) {
      if (source.line === line && source.repairs === undefined) ssrc = source.ssrc;
    }
    return ssrc;
  }

  #add(line: NegotiatedMedia, ssrc: number, repairs: number | undefined): Source | undefined {
    if (this.#sources.size >= MAX_SOURCES) {
      this.#onFault(TOO_MANY_SOURCES);
      return undefined;
    }
    const source: Source = { line, ssrc, repairs, highest: -1 };
    this.#sources.set(ssrc, source);
    return source;
  }
}

/** Whether the MID extension of a packet (RFC 9143 §15.1) is `mid`. */
function hasMid(bytes: Uint8Array, header: RtpHeader, id: number, mid: string): boolean {
  const at = findExtension(bytes, header, id);
  if (at === 0 || extensionLength(bytes, header, at) !== mid.length) return false;
  for (let i = 0; i < mid.length; i++) if (u8(bytes, at + i) !== mid.charCodeAt(i)) return false;
  return true;
}

/** The packet with its primary block alone, in a fresh array (RFC 2198 §3). */
function withoutRed(bytes: Uint8Array, header: RtpHeader): Uint8Array | Fault {
  const primary = primaryOfRed(bytes, header.payloadAt, header.payloadEnd);
  if (isFault(primary)) return primary;
  const out = new Uint8Array(header.payloadAt + primary.end - primary.at);
  out.set(bytes.subarray(0, header.payloadAt));
  out.set(bytes.subarray(primary.at, primary.end), header.payloadAt);
  out[0] = u8(out, 0) & ~0x20; // no padding
  out[1] = (u8(out, 1) & 0x80) | primary.payloadType;
  return out;
}
