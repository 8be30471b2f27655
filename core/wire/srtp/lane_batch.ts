/** What `SrtpLanes` seal in one call: the same packets for several viewers. @module */
import {
  type Deliver,
  LANE_JOB_WORDS,
  LANE_NO_PACKET,
  LANE_PACKET_WORDS,
  LANE_STATE_WORDS,
  type PacketId,
  type SenderId,
  type SrtpLanes,
} from "../../base/mod.ts";
import { claim, indexOn, type Sender } from "./engine_sender.ts";
import { OutBuffers } from "./out_buffers.ts";
import type { PacketStore, StoredPacket } from "./packet_store.ts";
import type { LaneKeys } from "./transform.ts";

const TAG_BYTES = 10;
const FRAME_BYTES = 2;

export class LaneBatch {
  readonly lanes: SrtpLanes;
  /** Viewers added since `begin` or `seal`. */
  viewers = 0;
  readonly #store: PacketStore;
  /** Put packets only; the others are refused for everybody. */
  readonly #packets: StoredPacket[] = [];
  #count = 0;
  #missing = 0;
  /** What one viewer takes at most, in `out` and in `keystream`. */
  #outBytes = 0;
  #keyBytes = 0;
  readonly #senders: (Sender | undefined)[] = [];
  readonly #sealed: (Uint8Array | undefined)[] = [];
  /** Of each viewer: where his packets end. */
  readonly #ends: Uint32Array;
  /** Of each job: where its packet ends among the viewer's; 0 for none. */
  readonly #jobEnds: Uint32Array;
  readonly #buffers = new OutBuffers();
  #framed = true;
  /** Of the batch, for who refers to what. */
  #number = 0;

  constructor(lanes: SrtpLanes, store: PacketStore) {
    this.lanes = lanes;
    this.#store = store;
    this.#ends = new Uint32Array(lanes.mostViewers);
    this.#jobEnds = new Uint32Array(lanes.mostJobs);
  }

  /** Takes the packets; returns how many viewers may be added before `seal`, 0 when they are too many. */
  begin(packets: readonly PacketId[], framed: boolean): number {
    const { lanes } = this;
    this.viewers = 0;
    this.#framed = framed;
    this.#count = 0;
    this.#missing = 0;
    if (packets.length > lanes.mostPackets) return 0;
    let from = Number.POSITIVE_INFINITY;
    let to = 0;
    for (const id of packets) {
      const packet = this.#store.get(id);
      if (packet === undefined) {
        this.#missing++;
        continue;
      }
      this.#packets[this.#count++] = packet;
      if (packet.at < from) from = packet.at;
      if (packet.end > to) to = packet.end;
    }
    if (to - from > lanes.plain.length) return 0;
    if (this.#count > 0) lanes.plain.set(this.#store.bytes.subarray(from, to));
    this.#layOut(from);
    const { mostViewers, mostJobs, out, keystreamBytes, counterBytes, slotBytes } = lanes;
    if (this.#keyBytes + slotBytes > counterBytes) return 0;
    const jobs = this.#count === 0 ? mostViewers : Math.floor(mostJobs / this.#count);
    const outs = Math.floor(out.length / this.#outBytes);
    return Math.min(mostViewers, jobs, outs, Math.floor(keystreamBytes / this.#keyBytes));
  }

  #layOut(from: number): void {
    const { packets } = this.lanes;
    let outBytes = 0;
    let keyBytes = 0;
    for (let i = 0; i < this.#count; i++) {
      const packet = this.#packets[i];
      if (packet === undefined) continue;
      const bytes = packet.end - packet.at;
      const word = i * LANE_PACKET_WORDS;
      packets[word] = packet.at - from;
      packets[word + 1] = packet.payloadAt - packet.at;
      packets[word + 2] = bytes;
      packets[word + 3] = packet.transportSequenceAt;
      outBytes += FRAME_BYTES + bytes + TAG_BYTES;
      keyBytes += (packet.end - packet.payloadAt + 15) & ~15;
    }
    this.#outBytes = Math.max(16, (outBytes + 15) & ~15);
    this.#keyBytes = Math.max(16, keyBytes);
  }

  /** Adds a viewer; returns how many packets he is refused. */
  add(sender: Sender, keys: LaneKeys, again: boolean): number {
    const { lanes } = this;
    const viewer = this.viewers++;
    this.#senders[viewer] = sender;
    lanes.states.set(keys.states, viewer * LANE_STATE_WORDS);
    const start = viewer * this.#outBytes;
    const keystreamAt = viewer * this.#keyBytes;
    const head = this.#framed ? FRAME_BYTES : 0;
    let at = start;
    let counters = 0;
    let refused = this.#missing;
    for (let i = 0; i < this.#count; i++) {
      const job = viewer * this.#count + i;
      const word = job * LANE_JOB_WORDS;
      const packet = this.#packets[i];
      const track = packet && sender.tracks.get(packet.track);
      const index = packet && track ? indexOn(track, packet) : -1;
      const sequence =
        packet && track && index >= 0
          ? claim(sender, track, this.#store, packet, index, again)
          : -1;
      if (packet === undefined || track === undefined || sequence < 0) {
        lanes.jobs[word + 6] = LANE_NO_PACKET;
        this.#jobEnds[job] = 0;
        refused++;
        continue;
      }
      const { ssrc, timestampOffset, payloadType } = track.rewrite;
      at += head;
      const blocks = (packet.end - packet.payloadAt + 15) >> 4;
      let key = track.ahead?.find(index, blocks, this.#number) ?? -1;
      if (key < 0 && !again)
        key = track.ahead?.make(keys, index, blocks, this.#number, counters) ?? -1;
      if (key < 0) {
        key = keystreamAt + counters;
        lanes.count(counters, keys.salt, ssrc, index, 1, blocks);
        counters += blocks << 4;
      }
      this.#putJob(word, at, key, index, sequence);
      lanes.jobs[word + 4] = ssrc;
      lanes.jobs[word + 5] = timestampOffset;
      lanes.jobs[word + 6] = payloadType;
      at += packet.end - packet.at + TAG_BYTES;
      this.#jobEnds[job] = at - start;
    }
    this.#ends[viewer] = at;
    if (counters > 0) {
      keys.ecb.encryptInto(lanes.counters(0, counters), lanes.keystream, keystreamAt);
    }
    return refused;
  }

  #putJob(word: number, at: number, key: number, index: number, sequence: number): void {
    const { jobs } = this.lanes;
    jobs[word] = at;
    jobs[word + 1] = key;
    jobs[word + 2] = (sequence << 16) | (index & 0xffff);
    jobs[word + 3] = Math.floor(index / 0x1_0000);
  }

  /**
   * Seals for all who were added, who are gone then. What one of them is given may make `isThere`
   * false for another.
   */
  seal(isThere: (sender: SenderId) => boolean, deliver: Deliver): void {
    const { lanes, viewers } = this;
    this.#number++;
    lanes.seal(viewers, this.#count, this.#framed);
    lanes.states.fill(0, 0, viewers * LANE_STATE_WORDS);
    // All of it first: the lanes may be somebody else's as soon as anything is delivered.
    for (let viewer = 0; viewer < viewers; viewer++) {
      const start = viewer * this.#outBytes;
      const end = this.#ends[viewer] ?? 0;
      this.#sealed[viewer] = this.#framed
        ? this.#buffers.copy(lanes.out, start, end)
        : lanes.out.slice(start, end);
    }
    this.viewers = 0;
    for (let viewer = 0; viewer < viewers; viewer++) {
      const sender = this.#senders[viewer];
      const bytes = this.#sealed[viewer];
      this.#senders[viewer] = undefined;
      this.#sealed[viewer] = undefined;
      if (sender === undefined || bytes === undefined || bytes.length === 0) continue;
      if (!isThere(sender.id)) continue;
      if (!this.#framed) this.#deliverEach(sender.id, viewer, bytes, deliver);
      else if (deliver(sender.id, bytes) === true) this.#buffers.give(bytes);
    }
  }

  #deliverEach(id: SenderId, viewer: number, bytes: Uint8Array, deliver: Deliver): void {
    let from = 0;
    for (let i = viewer * this.#count; i < (viewer + 1) * this.#count; i++) {
      const to = this.#jobEnds[i] ?? 0;
      if (to === 0) continue;
      deliver(id, bytes.subarray(from, to));
      from = to;
    }
  }
}
