/**
 * Messages out of chunks (RTMP 1.0 §5.3).
 *
 * ```
 *  basic header   fmt (2 bits), chunk stream id (6 bits; 0: 64 + next byte, 1: 64 + next two, little endian)
 *  fmt 0  11 bytes: timestamp (3), length (3), type (1), message stream id (4, little endian)
 *  fmt 1   7 bytes: timestamp delta (3), length (3), type (1)
 *  fmt 2   3 bytes: timestamp delta (3)
 *  fmt 3   0 bytes: goes on with the message, or begins one like the last
 *  extended timestamp (4), when the 3 bytes are FF FF FF
 *  data   up to the chunk size
 * ```
 *
 * @module
 */
import { Fault } from "../../base/mod.ts";
import { u8, u24, u32 } from "../../bytes/mod.ts";
import { MessageType, type RtmpMessage } from "./message.ts";

/** Longest message: a keyframe of 4K at its worst. */
export const MESSAGE_MAX_BYTES: number = 8 * 1024 * 1024;
/** Of all messages that have begun on all chunk streams. */
export const UNFINISHED_MAX_BYTES: number = 12 * 1024 * 1024;
/** Chunk streams in use; encoders have four to eight. */
export const CHUNK_STREAMS_MAX = 64;
/** Until the peer says otherwise (§5.4.1). */
export const DEFAULT_CHUNK_BYTES = 128;
/** So many chunks cost about what one message does. */
const CHUNKS_OF_ONE = 16;

export const NO_HEADER: Fault = /* @__PURE__ */ fault("no-message-header", "RTMP 1.0 §5.3.1.2");
export const MESSAGE_TOO_LONG: Fault = /* @__PURE__ */ fault("message-too-long", "RTMP 1.0 §5.3.1");
export const TOO_MANY_CHUNK_STREAMS: Fault = /* @__PURE__ */ fault(
  "too-many-chunk-streams",
  "RTMP 1.0 §5.3.1.1",
);
export const BAD_CHUNK_SIZE: Fault = /* @__PURE__ */ fault("bad-chunk-size", "RTMP 1.0 §5.4.1");
export const BAD_CONTROL: Fault = /* @__PURE__ */ fault("bad-control-message", "RTMP 1.0 §5.4");

const EXTENDED = 0xffffff;
const HEADER_BYTES = [11, 7, 3, 0] as const;
/** First buffer of a message; it grows with what came, not with what was announced. */
const FIRST_BYTES = 4096;

interface ChunkStream {
  readonly id: number;
  timestamp: number;
  /** As in the last header: what a message that begins with fmt 3 adds. */
  delta: number;
  length: number;
  type: number;
  stream: number;
  /** Whether the last header of fmt 0 to 2 had an extended timestamp. */
  extended: boolean;
  buffer: Uint8Array;
  have: number;
}

const NOTHING: Uint8Array = /* @__PURE__ */ new Uint8Array(0);

/**
 * After each `push`, call `poll` until it returns `undefined`. Set Chunk Size and Abort act here and
 * are not returned. A fault is final.
 */
export class ChunkReader {
  readonly #streams = new Map<number, ChunkStream>();
  #chunkBytes = DEFAULT_CHUNK_BYTES;
  #input: Uint8Array = NOTHING;
  #at = 0;
  /** The chunk whose data is being read, and how much of it is left. */
  #reading: ChunkStream | undefined;
  #left = 0;
  #unfinished = 0;
  #fault: Fault | undefined;
  /** What reading has cost so far, in messages: a peer may cut them as small as he likes. */
  cost = 0;

  /** Bytes of messages and headers that are not whole. */
  get buffered(): number {
    return this.#unfinished + this.#input.length - this.#at;
  }

  /** `bytes` may be kept; payloads never are views of it. */
  push(bytes: Uint8Array): void {
    const left = this.#input.length - this.#at;
    if (left === 0) {
      this.#input = bytes;
    } else {
      // What is left is less than a header.
      const joined = new Uint8Array(left + bytes.length);
      joined.set(this.#input.subarray(this.#at));
      joined.set(bytes, left);
      this.#input = joined;
    }
    this.#at = 0;
  }

  poll(): RtmpMessage | Fault | undefined {
    while (this.#fault === undefined) {
      if (this.#reading === undefined) {
        const begun = this.#readHeader();
        if (begun === undefined) return this.#keepRest();
        if (begun instanceof Fault) {
          this.#fault = begun;
          break;
        }
      }
      const message = this.#readData();
      if (message === undefined) {
        if (this.#reading !== undefined && this.#fault === undefined) return this.#keepRest();
        continue;
      }
      const taken = this.#control(message);
      if (taken === false) return message;
      if (taken instanceof Fault) this.#fault = taken;
    }
    this.#input = NOTHING;
    this.#at = 0;
    return this.#fault;
  }

  /** Lets a whole read go, so that a short rest does not keep it. */
  #keepRest(): undefined {
    this.#input = this.#at === this.#input.length ? NOTHING : this.#input.slice(this.#at);
    this.#at = 0;
  }

  /** `undefined` when the header is not whole. */
  #readHeader(): true | Fault | undefined {
    const bytes = this.#input;
    const available = bytes.length - this.#at;
    if (available < 1) return undefined;
    const first = u8(bytes, this.#at);
    const format = first >> 6;
    const low = first & 0x3f;
    const basic = low === 0 ? 2 : low === 1 ? 3 : 1;
    if (available < basic) return undefined;
    const id = chunkStreamId(bytes, this.#at);
    const size = HEADER_BYTES[format] ?? 0;
    if (available < basic + size) return undefined;
    const known = this.#streams.get(id);
    if (known === undefined && this.#streams.size >= CHUNK_STREAMS_MAX)
      return TOO_MANY_CHUNK_STREAMS;
    if (known === undefined && format !== 0 && format !== 1) return NO_HEADER;
    const at = this.#at + basic;
    const short = size > 0 ? u24(bytes, at) : 0;
    const extended = size > 0 ? short === EXTENDED : (known?.extended ?? false);
    const headerBytes = basic + size + (extended ? 4 : 0);
    // Some encoders leave the extended timestamp out of fmt 3: it takes all 4 bytes to tell.
    if (available < headerBytes) return undefined;
    const chunk = known ?? this.#open(id);
    if (size > 0) {
      const time = extended ? u32(bytes, at + size) : short;
      return this.#begin(chunk, format, at, time, headerBytes);
    }
    const time = extended ? u32(bytes, at) : 0;
    // Encoders repeat what stood in the header, or the time of the message.
    const repeated = extended && (time === chunk.delta || time === chunk.timestamp);
    return this.#continue(chunk, basic + (repeated ? 4 : 0));
  }

  #open(id: number): ChunkStream {
    const chunk: ChunkStream = {
      id,
      timestamp: 0,
      delta: 0,
      length: 0,
      type: 0,
      stream: 0,
      extended: false,
      buffer: NOTHING,
      have: 0,
    };
    this.#streams.set(id, chunk);
    return chunk;
  }

  /** A header of fmt 0 to 2 begins a message; one that was not whole is given up. */
  #begin(
    chunk: ChunkStream,
    format: number,
    at: number,
    time: number,
    headerBytes: number,
  ): true | Fault {
    this.#drop(chunk);
    chunk.extended = u24(this.#input, at) === EXTENDED;
    if (format <= 1) {
      chunk.length = u24(this.#input, at + 3);
      chunk.type = u8(this.#input, at + 6);
    }
    if (format === 0) {
      chunk.stream = littleEndian32(this.#input, at + 7);
      chunk.timestamp = time;
    } else {
      chunk.timestamp = (chunk.timestamp + time) >>> 0;
    }
    chunk.delta = time;
    return this.#start(chunk, headerBytes);
  }

  /** fmt 3. */
  #continue(chunk: ChunkStream, headerBytes: number): true | Fault {
    if (chunk.have > 0) return this.#start(chunk, headerBytes);
    chunk.timestamp = (chunk.timestamp + chunk.delta) >>> 0;
    return this.#start(chunk, headerBytes);
  }

  #start(chunk: ChunkStream, headerBytes: number): true | Fault {
    if (chunk.length > MESSAGE_MAX_BYTES) return MESSAGE_TOO_LONG;
    this.#at += headerBytes;
    this.#reading = chunk;
    this.cost += 1 / CHUNKS_OF_ONE;
    this.#left = Math.min(this.#chunkBytes, chunk.length - chunk.have);
    return true;
  }

  /** Reads of the chunk what is there; the message when it is whole. */
  #readData(): RtmpMessage | undefined {
    const chunk = this.#reading;
    if (chunk === undefined) return undefined;
    const take = Math.min(this.#left, this.#input.length - this.#at);
    if (take > 0) {
      this.#grow(chunk, take);
      chunk.buffer.set(this.#input.subarray(this.#at, this.#at + take), chunk.have);
      chunk.have += take;
      this.#at += take;
      this.#left -= take;
      this.#unfinished += take;
      if (this.#unfinished > UNFINISHED_MAX_BYTES) {
        this.#fault = MESSAGE_TOO_LONG;
        return undefined;
      }
    }
    if (this.#left > 0) return undefined;
    this.#reading = undefined;
    if (chunk.have < chunk.length) return undefined;
    const payload = chunk.buffer.subarray(0, chunk.length);
    this.#unfinished -= chunk.have;
    this.cost++;
    chunk.buffer = NOTHING;
    chunk.have = 0;
    const { id, type, stream, timestamp } = chunk;
    return { chunkStream: id, type, stream, timestamp, payload };
  }

  #grow(chunk: ChunkStream, more: number): void {
    const need = chunk.have + more;
    if (need <= chunk.buffer.length) return;
    const size = Math.min(chunk.length, Math.max(need, chunk.buffer.length * 2, FIRST_BYTES));
    const grown = new Uint8Array(size);
    grown.set(chunk.buffer.subarray(0, chunk.have));
    chunk.buffer = grown;
  }

  #drop(chunk: ChunkStream): void {
    this.#unfinished -= chunk.have;
    chunk.have = 0;
    chunk.buffer = NOTHING;
  }

  /** Whether the message was one of ours. */
  #control({ type, payload }: RtmpMessage): boolean | Fault {
    if (type === MessageType.SetChunkSize) {
      if (payload.length < 4) return BAD_CONTROL;
      const bytes = u32(payload, 0);
      // The first bit is zero, and no message is longer than 24 bits say.
      if (bytes < 1 || bytes > 0x7fffffff) return BAD_CHUNK_SIZE;
      this.#chunkBytes = Math.min(bytes, 0xffffff);
      return true;
    }
    if (type === MessageType.Abort) {
      if (payload.length < 4) return BAD_CONTROL;
      const chunk = this.#streams.get(u32(payload, 0));
      if (chunk !== undefined) this.#drop(chunk);
      return true;
    }
    return false;
  }
}

/** Out of a whole basic header (§5.3.1.1). */
function chunkStreamId(bytes: Uint8Array, at: number): number {
  const low = u8(bytes, at) & 0x3f;
  if (low >= 2) return low;
  return 64 + u8(bytes, at + 1) + (low === 1 ? 256 * u8(bytes, at + 2) : 0);
}

function littleEndian32(bytes: Uint8Array, at: number): number {
  const low = u8(bytes, at) + 0x100 * u8(bytes, at + 1);
  return low + 0x1_0000 * (u8(bytes, at + 2) + 0x100 * u8(bytes, at + 3));
}

function fault(code: string, spec: string): Fault {
  return new Fault("core/wire/rtmp", code, spec);
}
