/** The plaintext packets of one batch, side by side in one buffer. @module */
import { isFault } from "../../base/mod.ts";
import { u8 } from "../../bytes/mod.ts";
import { rtpHeaderLength } from "../rtp/mod.ts";
import { SCRATCH_BYTES } from "./counter_mode.ts";
import { MAX_SRTP_OVERHEAD_BYTES } from "./profile.ts";

/** Packets put between two `clear`s; more are refused. */
export const MAX_BATCH_PACKETS = 8192;
/** Bytes put between two `clear`s; more are refused. */
export const MAX_BATCH_BYTES: number = 16 * 1024 * 1024;
/** The longest RTP packet whose SRTP form fits a frame of RFC 4571. */
export const MAX_RTP_BYTES: number = 0xffff - MAX_SRTP_OVERHEAD_BYTES;

/** One packet. Offsets count in the store, and are multiples of four but for `end`. */
export interface StoredPacket {
  readonly track: number;
  readonly index: number;
  readonly at: number;
  readonly payloadAt: number;
  readonly end: number;
  /** Offset in the packet, 0 for none. */
  readonly transportSequenceAt: number;
  /** Hash of the packet, 0 until somebody asked. */
  fingerprint: number;
}

export class PacketStore {
  bytes: Uint8Array = new Uint8Array(SCRATCH_BYTES);
  words: Uint32Array = new Uint32Array(this.bytes.buffer);
  #packets: (StoredPacket | undefined)[] = [];
  #size = 0;

  clear(): void {
    this.#packets = [];
    this.#size = 0;
    if (this.bytes.length > SCRATCH_BYTES) this.#resize(SCRATCH_BYTES);
  }

  /** Copies the packet; returns the number to `get` it by, also for one that is refused. */
  put(packet: Uint8Array, track: number, index: number, transportSequenceAt: number): number {
    if (this.#packets.length >= MAX_BATCH_PACKETS) return -1;
    const headerLength = rtpHeaderLength(packet);
    const at = this.#size;
    // RTP headers, CSRCs and extensions are whole words, so header and payload are both aligned.
    const next = at + ((packet.length + 3) & ~3);
    const tooLong = packet.length > MAX_RTP_BYTES || next > MAX_BATCH_BYTES;
    const outside =
      transportSequenceAt !== 0 && !isFault(headerLength)
        ? transportSequenceAt < 12 || transportSequenceAt + 2 > headerLength
        : false;
    if (isFault(headerLength) || tooLong || outside) return this.#packets.push(undefined) - 1;
    if (next > this.bytes.length) this.#resize(Math.min(MAX_BATCH_BYTES, next * 2));
    this.bytes.fill(0, next - 4, next);
    this.bytes.set(packet, at);
    this.#size = next;
    const payloadAt = at + headerLength;
    const end = at + packet.length;
    return (
      this.#packets.push({
        track,
        index,
        at,
        payloadAt,
        end,
        transportSequenceAt,
        fingerprint: 0,
      }) - 1
    );
  }

  /** The packet, or `undefined` for one that was refused. */
  get(id: number): StoredPacket | undefined {
    return this.#packets[id];
  }

  /**
   * A hash of the packet as it was put, never 0. It catches our own mistakes, not an attacker: it
   * has no key.
   */
  fingerprint(packet: StoredPacket): number {
    if (packet.fingerprint !== 0) return packet.fingerprint;
    let hash = packet.end - packet.at;
    const end = (packet.end + 3) >> 2;
    for (let word = packet.at >> 2; word < end; word++) {
      hash = Math.imul(hash ^ (this.words[word] ?? 0), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    packet.fingerprint = hash === 0 ? 1 : hash;
    return packet.fingerprint;
  }

  /** Copies the header of a packet to `out` at `to`. */
  copyHeader(packet: StoredPacket, out: Uint8Array, to: number): void {
    const length = packet.payloadAt - packet.at;
    for (let i = 0; i < length; i++) out[to + i] = u8(this.bytes, packet.at + i);
  }

  #resize(size: number): void {
    const bytes = new Uint8Array(size);
    bytes.set(this.bytes.subarray(0, this.#size));
    this.bytes = bytes;
    this.words = new Uint32Array(bytes.buffer);
  }
}
