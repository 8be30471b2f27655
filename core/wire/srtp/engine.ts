/**
 * The plain SRTP engine: TypeScript around long-lived native objects. Per sender and call one
 * encryption makes the keystream of all packets, and one buffer holds the result. It is the oracle
 * of faster engines, and what runs where they cannot.
 *
 * @module
 */
import {
  type CryptoProvider,
  MonoportError,
  type PacketId,
  type SenderId,
  type SrtpEngine,
  type SrtpKeys,
  type TrackRewrite,
} from "../../base/mod.ts";
import { putU16, putU32, u8, u32 } from "../../bytes/mod.ts";
import { CounterBlocks } from "./counter_mode.ts";
import { createTransform } from "./create_transform.ts";
import { PacketStore, type StoredPacket } from "./packet_store.ts";
import { MAX_SRTP_SSRCS, SRTP_INDEX_END } from "./receiver.ts";
import { SentIndexes } from "./sent_indexes.ts";
import type { SealBatch, Transform } from "./transform.ts";

/** Bytes of the length in front of a packet (RFC 4571 §2). */
const FRAME_BYTES = 2;

interface Track {
  readonly rewrite: TrackRewrite;
  readonly sent: SentIndexes;
}

interface Sender {
  readonly transform: Transform;
  readonly tracks: Map<number, Track>;
  /**
   * By SSRC, and kept as long as the keys: an SSRC that comes back goes on behind its old indexes.
   */
  readonly ssrcs: Map<number, SentIndexes>;
  transportSequence: number;
}

export class PlainSrtpEngine implements SrtpEngine {
  refused = 0;
  readonly #crypto: CryptoProvider;
  readonly #blocks = new CounterBlocks();
  readonly #senders = new Map<SenderId, Sender>();
  readonly #store = new PacketStore();
  readonly #batch = new Batch();
  #lastSender = 0;

  constructor(crypto: CryptoProvider) {
    this.#crypto = crypto;
  }

  addSender(keys: SrtpKeys): SenderId {
    const id = ++this.#lastSender;
    this.#senders.set(id, {
      transform: createTransform(this.#crypto, keys, "rtp", this.#blocks),
      tracks: new Map(),
      ssrcs: new Map(),
      transportSequence: 0,
    });
    return id;
  }

  removeSender(sender: SenderId): void {
    this.#senders.delete(sender);
  }

  setTrack(sender: SenderId, track: number, rewrite: TrackRewrite): void {
    const found = this.#senders.get(sender);
    if (found === undefined) return;
    let sent = found.ssrcs.get(rewrite.ssrc);
    if (sent === undefined) {
      if (found.ssrcs.size >= MAX_SRTP_SSRCS) {
        throw new MonoportError(
          "api-misuse",
          `Cannot seal more than ${MAX_SRTP_SSRCS} SSRCs for one viewer`,
        );
      }
      sent = new SentIndexes();
      found.ssrcs.set(rewrite.ssrc, sent);
    }
    sent.describe(rewrite.payloadType, rewrite.timestampOffset, rewrite.resendable ?? false);
    found.tracks.set(track, { rewrite: { ...rewrite }, sent });
  }

  putPacket(
    packet: Uint8Array,
    track: number,
    index: number,
    transportSequenceAt: number,
  ): PacketId {
    return this.#store.put(packet, track, index, transportSequenceAt);
  }

  clearPackets(): void {
    this.#store.clear();
  }

  nextTransportSequence(sender: SenderId): number {
    return this.#senders.get(sender)?.transportSequence ?? 0;
  }

  seal(
    senders: readonly SenderId[],
    packets: readonly PacketId[],
    framed: boolean,
    deliver: (sender: SenderId, bytes: Uint8Array) => void,
  ): void {
    for (const id of senders) this.#sealOne(id, packets, framed, false, deliver);
  }

  resend(
    sender: SenderId,
    packets: readonly PacketId[],
    framed: boolean,
    deliver: (sender: SenderId, bytes: Uint8Array) => void,
  ): void {
    this.#sealOne(sender, packets, framed, true, deliver);
  }

  #sealOne(
    id: SenderId,
    packets: readonly PacketId[],
    framed: boolean,
    again: boolean,
    deliver: (sender: SenderId, bytes: Uint8Array) => void,
  ): void {
    const sender = this.#senders.get(id);
    if (sender === undefined) {
      this.refused += packets.length;
      return;
    }
    const batch = this.#batch;
    const { tagBytes } = sender.transform;
    batch.start(packets.length);
    let size = 0;
    for (const packetId of packets) {
      const packet = this.#store.get(packetId);
      const track = packet && sender.tracks.get(packet.track);
      const index = packet && track ? packet.index + track.rewrite.indexOffset : -1;
      if (packet === undefined || track === undefined || index < 0 || index >= SRTP_INDEX_END) {
        this.refused++;
        continue;
      }
      const sequence = this.#claim(sender, track, packet, index, again);
      if (sequence < 0) {
        this.refused++;
        continue;
      }
      if (framed) size += FRAME_BYTES;
      size = batch.add(packet, track.rewrite, index, sequence, size, tagBytes);
    }
    if (batch.count === 0) return;
    batch.write(this.#store, size, framed ? tagBytes : -1);
    sender.transform.sealBatch(batch);
    batch.deliver(id, framed, tagBytes, deliver);
  }

  /**
   * Marks the index as used and returns the packet's transport-wide sequence number; -1 when the
   * packet must not be sealed. Sent again, a packet gets the number it had.
   */
  #claim(
    sender: Sender,
    track: Track,
    packet: StoredPacket,
    index: number,
    again: boolean,
  ): number {
    const { sent } = track;
    const fingerprint = sent.resendable ? this.#store.fingerprint(packet) : 0;
    if (again) return sent.isSame(index, fingerprint) ? sent.transportSequence(index) : -1;
    if (!sent.isFresh(index)) return -1;
    let sequence = 0;
    if (packet.transportSequenceAt !== 0) {
      sequence = sender.transportSequence;
      sender.transportSequence = (sequence + 1) & 0xffff;
    }
    sent.mark(index, fingerprint, sequence);
    return sequence;
  }
}

const NOTHING = new Uint8Array(0);

/** What is sealed for one sender; the arrays are used again for the next. */
class Batch implements SealBatch {
  out: Uint8Array = NOTHING;
  source: Uint8Array = NOTHING;
  sourceWords: Uint32Array = new Uint32Array(0);
  count = 0;
  at: Uint32Array = new Uint32Array(0);
  payloadAt: Uint32Array = new Uint32Array(0);
  payloadEnd: Uint32Array = new Uint32Array(0);
  sourceAt: Uint32Array = new Uint32Array(0);
  ssrc: Uint32Array = new Uint32Array(0);
  index: Float64Array = new Float64Array(0);
  #sequence = new Uint16Array(0);
  readonly #packets: StoredPacket[] = [];
  readonly #rewrites: TrackRewrite[] = [];

  /** Makes room for `most` packets. */
  start(most: number): void {
    this.count = 0;
    if (most <= this.at.length) return;
    this.at = new Uint32Array(most * 2);
    this.payloadAt = new Uint32Array(most * 2);
    this.payloadEnd = new Uint32Array(most * 2);
    this.sourceAt = new Uint32Array(most * 2);
    this.ssrc = new Uint32Array(most * 2);
    this.index = new Float64Array(most * 2);
    this.#sequence = new Uint16Array(most * 2);
  }

  /** Lays the packet out at `at`; returns the offset behind its tag. */
  add(
    packet: StoredPacket,
    rewrite: TrackRewrite,
    index: number,
    transportSequence: number,
    at: number,
    tagBytes: number,
  ): number {
    const i = this.count++;
    this.at[i] = at;
    this.payloadAt[i] = at + packet.payloadAt - packet.at;
    this.payloadEnd[i] = at + packet.end - packet.at;
    this.sourceAt[i] = packet.payloadAt;
    this.ssrc[i] = rewrite.ssrc;
    this.index[i] = index;
    this.#sequence[i] = transportSequence;
    this.#packets[i] = packet;
    this.#rewrites[i] = rewrite;
    return at + packet.end - packet.at + tagBytes;
  }

  /** Writes every header, and the length in front unless `framedTag` is negative. */
  write(store: PacketStore, size: number, framedTag: number): void {
    const out = new Uint8Array(size);
    this.out = out;
    this.source = store.bytes;
    this.sourceWords = store.words;
    for (let i = 0; i < this.count; i++) {
      const packet = this.#packets[i];
      const rewrite = this.#rewrites[i];
      if (packet === undefined || rewrite === undefined) continue;
      const at = this.at[i] ?? 0;
      store.copyHeader(packet, out, at);
      out[at + 1] = (u8(out, at + 1) & 0x80) | rewrite.payloadType;
      putU16(out, at + 2, (this.index[i] ?? 0) & 0xffff);
      putU32(out, at + 4, u32(out, at + 4) + rewrite.timestampOffset);
      putU32(out, at + 8, rewrite.ssrc);
      if (packet.transportSequenceAt !== 0) {
        putU16(out, at + packet.transportSequenceAt, this.#sequence[i] ?? 0);
      }
      if (framedTag >= 0) {
        putU16(out, at - FRAME_BYTES, packet.end - packet.at + framedTag);
      }
    }
  }

  deliver(
    id: SenderId,
    framed: boolean,
    tagBytes: number,
    deliver: (sender: SenderId, bytes: Uint8Array) => void,
  ): void {
    const { out, count } = this;
    this.out = NOTHING;
    if (framed) {
      deliver(id, out);
      return;
    }
    for (let i = 0; i < count; i++) {
      deliver(id, out.subarray(this.at[i], (this.payloadEnd[i] ?? 0) + tagBytes));
    }
  }
}
