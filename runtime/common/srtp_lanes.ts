/**
 * `SrtpLanes` by a module of WebAssembly, which signs four packets at a time: native calls for each
 * packet cost more.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { inflateRawSync } from "node:zlib";
import {
  LANE_JOB_WORDS,
  LANE_PACKET_WORDS,
  LANE_STATE_WORDS,
  type SrtpLanes,
} from "../../core/base/srtp_lanes.ts";
import { lanesWasmBase64 } from "./srtp_lanes.gen.ts";

const HMAC_BLOCK_BYTES = 64;
const SALT_BYTES = 16;

interface Exports {
  readonly memory: WebAssembly.Memory;
  states_at(): number;
  packets_at(): number;
  jobs_at(): number;
  salt_at(): number;
  plain_at(): number;
  keystream_at(): number;
  out_at(): number;
  counters_at(): number;
  most_viewers(): number;
  most_packets(): number;
  most_jobs(): number;
  plain_bytes(): number;
  keystream_bytes(): number;
  slot_bytes(): number;
  most_slots(): number;
  out_bytes(): number;
  counter_bytes(): number;
  prepare(): void;
  count(
    at: number,
    ssrc: number,
    rollover: number,
    sequence: number,
    packets: number,
    blocks: number,
  ): void;
  seal(viewers: number, packets: number, framed: number): void;
}

/** One instance is enough for all engines. */
export class WasmSrtpLanes implements SrtpLanes {
  readonly mostViewers: number;
  readonly mostPackets: number;
  readonly mostJobs: number;
  readonly states: Uint32Array;
  readonly packets: Uint32Array;
  readonly jobs: Uint32Array;
  readonly plain: Uint8Array;
  readonly keystream: Uint8Array;
  readonly keystreamBytes: number;
  readonly slotBytes: number;
  readonly out: Uint8Array;
  readonly counterBytes: number;
  readonly #exports: Exports;
  readonly #salt: Uint8Array;
  readonly #counters: Uint8Array;
  readonly #mostSlots: number;
  readonly #freeSlots: number[] = [];
  /** Slots that were ever taken. */
  #slots = 0;
  /** Whose salt it is. */
  #saltOf: Uint8Array | undefined;

  private constructor(exports: Exports) {
    const { buffer } = exports.memory;
    this.#exports = exports;
    this.mostViewers = exports.most_viewers();
    this.mostPackets = exports.most_packets();
    this.mostJobs = exports.most_jobs();
    const words = (at: number, size: number): Uint32Array => new Uint32Array(buffer, at, size);
    const bytes = (at: number, size: number): Uint8Array => new Uint8Array(buffer, at, size);
    this.states = words(exports.states_at(), this.mostViewers * LANE_STATE_WORDS);
    this.packets = words(exports.packets_at(), this.mostPackets * LANE_PACKET_WORDS);
    this.jobs = words(exports.jobs_at(), this.mostJobs * LANE_JOB_WORDS);
    this.plain = bytes(exports.plain_at(), exports.plain_bytes());
    this.keystreamBytes = exports.keystream_bytes();
    this.slotBytes = exports.slot_bytes();
    this.#mostSlots = exports.most_slots();
    const keystreamBytes = this.keystreamBytes + this.slotBytes * this.#mostSlots;
    this.keystream = bytes(exports.keystream_at(), keystreamBytes);
    this.out = bytes(exports.out_at(), exports.out_bytes());
    this.counterBytes = exports.counter_bytes();
    this.#salt = bytes(exports.salt_at(), SALT_BYTES);
    this.#counters = bytes(exports.counters_at(), this.counterBytes);
  }

  /** `undefined` without WebAssembly's vectors. */
  static open(): WasmSrtpLanes | undefined {
    try {
      const bytes = inflateRawSync(Buffer.from(lanesWasmBase64, "base64"));
      const instance = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes)));
      return new WasmSrtpLanes(instance.exports as unknown as Exports);
    } catch {
      return undefined;
    }
  }

  takeSlot(): number {
    const free = this.#freeSlots.pop();
    if (free !== undefined) return free;
    return this.#slots === this.#mostSlots
      ? -1
      : this.keystreamBytes + this.#slots++ * this.slotBytes;
  }

  giveSlot(slot: number): void {
    this.keystream.fill(0, slot, slot + this.slotBytes);
    this.#freeSlots.push(slot);
  }

  prepare(authKey: Uint8Array): Uint32Array {
    const { plain, states } = this;
    plain.fill(0, 0, HMAC_BLOCK_BYTES);
    plain.set(authKey);
    this.#exports.prepare();
    plain.fill(0, 0, HMAC_BLOCK_BYTES);
    const made = states.slice(0, LANE_STATE_WORDS);
    states.fill(0, 0, LANE_STATE_WORDS);
    return made;
  }

  count(
    at: number,
    salt: Uint8Array,
    ssrc: number,
    index: number,
    packets: number,
    blocks: number,
  ): void {
    if (salt !== this.#saltOf) {
      this.#salt.set(salt);
      this.#saltOf = salt;
    }
    const rollover = Math.floor(index / 0x1_0000);
    this.#exports.count(at, ssrc, rollover, index & 0xffff, packets, blocks);
  }

  counters(at: number, bytes: number): Uint8Array {
    return this.#counters.subarray(at, at + bytes);
  }

  seal(viewers: number, packets: number, framed: boolean): void {
    this.#exports.seal(viewers, packets, framed ? 1 : 0);
  }
}
