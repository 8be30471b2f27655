/**
 * The plain SRTP engine: TypeScript around long-lived native objects. Per sender and call one
 * encryption makes the keystream of all packets, and one buffer holds the result. It is the oracle
 * of faster engines, and what runs where they cannot.
 *
 * @module
 */
import {
  type CryptoProvider,
  type Deliver,
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
import { claim, indexOn, type Sender, type Track } from "./engine_sender.ts";
import { KeystreamAhead } from "./keystream_ahead.ts";
import { LaneBatch } from "./lane_batch.ts";
import { PacketStore, type StoredPacket } from "./packet_store.ts";
import { MAX_SRTP_SSRCS } from "./receiver.ts";
import { SentIndexes } from "./sent_indexes.ts";
import type { SealBatch } from "./transform.ts";

/** Bytes of the length in front of a packet (RFC 4571 §2). */
const FRAME_BYTES = 2;

export class PlainSrtpEngine implements SrtpEngine {
  refused = 0;
  readonly #crypto: CryptoProvider;
  readonly #blocks = new CounterBlocks();
  readonly #senders = new Map<SenderId, Sender>();
  readonly #store = new PacketStore();
  readonly #batch = new Batch();
  readonly #lanes: LaneBatch | undefined;
  readonly #one: SenderId[] = [0];
  #lastSender = 0;

  constructor(crypto: CryptoProvider) {
    this.#crypto = crypto;
    const lanes = crypto.srtpLanes?.();
    this.#lanes = lanes && new LaneBatch(lanes, this.#store);
  }

  addSender(keys: SrtpKeys): SenderId {
    const id = ++this.#lastSender;
    this.#senders.set(id, {
      id,
      transform: createTransform(this.#crypto, keys, "rtp", this.#blocks, this.#lanes?.lanes),
      tracks: new Map(),
      ssrcs: new Map(),
      transportSequence: 0,
    });
    return id;
  }

  removeSender(sender: SenderId): void {
    const found = this.#senders.get(sender);
    if (found === undefined) return;
    for (const { ahead } of found.tracks.values()) ahead?.end();
    found.transform.laneKeys?.states.fill(0);
    found.transform.laneKeys?.salt.fill(0);
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
    const ahead = this.#aheadFor(found, found.tracks.get(track), rewrite.ssrc);
    found.tracks.set(track, { rewrite: { ...rewrite }, sent, ahead });
  }

  #aheadFor(sender: Sender, before: Track | undefined, ssrc: number): KeystreamAhead | undefined {
    if (before?.rewrite.ssrc === ssrc) return before.ahead;
    before?.ahead?.end();
    const lanes = this.#lanes?.lanes;
    if (lanes === undefined || sender.transform.laneKeys === undefined) return undefined;
    return new KeystreamAhead(lanes, ssrc, sender.id);
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
    deliver: Deliver,
  ): void {
    this.#sealAll(senders, packets, framed, false, deliver);
  }

  resend(sender: SenderId, packets: readonly PacketId[], framed: boolean, deliver: Deliver): void {
    this.#one[0] = sender;
    this.#sealAll(this.#one, packets, framed, true, deliver);
  }

  /** In lanes who can be, then the others one by one. */
  #sealAll(
    senders: readonly SenderId[],
    packets: readonly PacketId[],
    framed: boolean,
    again: boolean,
    deliver: Deliver,
  ): void {
    const lanes = this.#lanes;
    const most = lanes?.begin(packets, framed) ?? 0;
    let others = 0;
    for (const id of senders) {
      const sender = this.#senders.get(id);
      if (sender === undefined) this.refused += packets.length;
      else if (lanes === undefined || most === 0 || sender.transform.laneKeys === undefined) {
        others++;
      } else {
        this.refused += lanes.add(sender, sender.transform.laneKeys, again);
        if (lanes.viewers === most) lanes.seal(this.#isThere, deliver);
      }
    }
    if (lanes !== undefined && lanes.viewers > 0) lanes.seal(this.#isThere, deliver);
    if (others === 0) return;
    for (const id of senders) {
      const sender = this.#senders.get(id);
      if (sender === undefined || (most > 0 && sender.transform.laneKeys !== undefined)) continue;
      this.#sealOne(sender, packets, framed, again, deliver);
    }
  }

  readonly #isThere = (sender: SenderId): boolean => this.#senders.has(sender);

  #sealOne(
    sender: Sender,
    packets: readonly PacketId[],
    framed: boolean,
    again: boolean,
    deliver: Deliver,
  ): void {
    const batch = this.#batch;
    const { tagBytes } = sender.transform;
    batch.start(packets.length);
    let size = 0;
    for (const packetId of packets) {
      const packet = this.#store.get(packetId);
      const track = packet && sender.tracks.get(packet.track);
      const index = packet && track ? indexOn(track, packet) : -1;
      if (packet === undefined || track === undefined || index < 0) {
        this.refused++;
        continue;
      }
      const sequence = claim(sender, track, this.#store, packet, index, again);
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
    batch.deliver(sender.id, framed, tagBytes, deliver);
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

  deliver(id: SenderId, framed: boolean, tagBytes: number, deliver: Deliver): void {
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
