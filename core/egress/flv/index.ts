/**
 * An FLV file read through once, for what is known only at its end: how long it is, and where its
 * keyframes are. Players seek by that (`keyframes` of onMetaData, as yamdi and SRS's tools write it).
 *
 * ```
 *  |"FLV"|1|flags|9 (32)|0 (32)|  tags: |type|size (24)|timestamp (24+8)|0 (24)|body|size of tag (32)|
 * ```
 *
 * FLV 10.1 §E.2 to §E.5.
 *
 * @module
 */
import { Fault, isFault } from "../../base/mod.ts";
import { concat, u8, u24 } from "../../bytes/mod.ts";
import { type Amf0Value, decodeAmf0, encodeAmf0, encodeEcmaArray } from "../../wire/amf0/mod.ts";
import { encodeFlvHeader, encodeTags } from "./framing.ts";
import { TagType } from "./muxer.ts";

/** A file that does not begin as FLV does. */
export const FLV_DAMAGED: Fault = new Fault("flv", "file-damaged", "FLV 10.1 §E.2");
/** Keyframes that are told; of more every second one is left out. */
export const INDEX_MAX = 10_000;

const HEADER_BYTES = 13;
const TAG_HEAD_BYTES = 11;
const TAG_END_BYTES = 4;
/** Of a body: what tells a keyframe. */
const PEEK_BYTES = 2;
const METADATA_MAX_BYTES = 64 * 1024;
const KEY = 1;
const AAC = 10;
const ENHANCED_AUDIO = 9;
const NONE = new Uint8Array(0);

export class FlvIndex {
  #rest: Uint8Array = NONE;
  /** Of the first byte of `#rest` in the file. */
  #at = 0;
  /** Where the next tag begins. */
  #next = HEADER_BYTES;
  #begun = false;
  #damaged = false;
  #audio = false;
  #video = false;
  #times: number[] = [];
  #positions: number[] = [];
  #stride = 1;
  #passed = 0;
  #last = 0;
  #metadata: ReadonlyMap<string, Amf0Value> = new Map();
  /** Where what follows the first onMetaData begins. */
  #mediaFrom = HEADER_BYTES;
  /** Behind the last tag that was begun, and behind the last that is complete. */
  #tagEnd = HEADER_BYTES;
  #end = HEADER_BYTES;

  /** Takes the file's bytes, piece after piece. */
  put(piece: Uint8Array): void {
    if (this.#damaged) return;
    const skip = Math.min(piece.length, Math.max(0, this.#next - this.#at - this.#rest.length));
    if (this.#begun && this.#rest.length === 0 && skip > 0) {
      this.#at += skip;
      this.#rest = piece.subarray(skip);
    } else this.#rest = this.#rest.length === 0 ? piece : concat([this.#rest, piece]);
    while (this.#step()) {}
    if (this.#tagEnd <= this.#at + this.#rest.length) this.#end = this.#tagEnd;
    this.#rest = this.#rest.slice();
  }

  /** Where the last complete tag ends. */
  get end(): number {
    return this.#end;
  }

  /** Where the tags behind the first onMetaData begin: what is copied, up to `end`. */
  get mediaFrom(): number {
    return this.#mediaFrom;
  }

  /** Time of the last frame, in ms. */
  get millis(): number {
    return this.#last;
  }

  get empty(): boolean {
    return this.#damaged || (!this.#audio && !this.#video);
  }

  /** File header and onMetaData, which stand in front of what is copied. */
  encodeHead(): Uint8Array | Fault {
    if (this.#damaged || !this.#begun) return FLV_DAMAGED;
    // Numbers are of one length, so the head with the wrong ones has the right length.
    const length = this.#head(0).length;
    return this.#head(length);
  }

  #head(length: number): Uint8Array {
    const moved = length - this.#mediaFrom;
    const members = new Map(this.#metadata);
    members.set("duration", this.#last / 1000);
    members.set("filesize", this.#end + moved);
    members.set("lasttimestamp", this.#last / 1000);
    members.set("hasKeyframes", this.#times.length > 0);
    members.set("canSeekToEnd", false);
    const keyframes = new Map<string, Amf0Value>([
      ["times", this.#times],
      ["filepositions", this.#positions.map((at) => at + moved)],
    ]);
    members.set("keyframes", keyframes);
    const body = concat([encodeAmf0("onMetaData"), encodeEcmaArray(members)]);
    const tag = { type: TagType.Script, timestamp: 0, body };
    return encodeTags([tag], encodeFlvHeader(this.#video, this.#audio));
  }

  #step(): boolean {
    if (!this.#begun) return this.#begin();
    const from = this.#next - this.#at;
    if (from > this.#rest.length) {
      this.#drop(this.#rest.length);
      return false;
    }
    this.#drop(from);
    const head = this.#rest;
    if (head.length < TAG_HEAD_BYTES) return false;
    const type = u8(head, 0);
    const size = u24(head, 1);
    const first = type === TagType.Script && this.#next === HEADER_BYTES;
    const peek = Math.min(size, first ? METADATA_MAX_BYTES : PEEK_BYTES);
    if (head.length < TAG_HEAD_BYTES + peek) return false;
    const timestamp = u24(head, 4) + u8(head, 7) * 2 ** 24;
    const end = this.#next + TAG_HEAD_BYTES + size + TAG_END_BYTES;
    const body = head.subarray(TAG_HEAD_BYTES, TAG_HEAD_BYTES + peek);
    if (first) this.#takeMetadata(body, end);
    else this.#note(type, body, timestamp);
    this.#end = this.#next;
    this.#tagEnd = end;
    this.#next = end;
    return true;
  }

  #begin(): boolean {
    if (this.#rest.length < HEADER_BYTES) return false;
    this.#begun = true;
    this.#damaged = this.#rest[0] !== 0x46 || this.#rest[1] !== 0x4c || this.#rest[2] !== 0x56;
    return !this.#damaged;
  }

  #drop(bytes: number): void {
    this.#rest = this.#rest.subarray(bytes);
    this.#at += bytes;
  }

  #takeMetadata(body: Uint8Array, end: number): void {
    const values = decodeAmf0(body);
    const members = isFault(values) ? undefined : values[1];
    if (members instanceof Map) this.#metadata = members;
    this.#mediaFrom = end;
  }

  #note(type: number, body: Uint8Array, timestamp: number): void {
    if (type !== TagType.Audio && type !== TagType.Video) return;
    if (isConfiguration(type, body)) return;
    this.#last = Math.max(this.#last, timestamp);
    if (type === TagType.Audio) this.#audio = true;
    else this.#video = true;
    if (type === TagType.Audio || ((u8(body, 0) >> 4) & 7) !== KEY) return;
    if (this.#passed++ % this.#stride !== 0) return;
    this.#times.push(timestamp / 1000);
    this.#positions.push(this.#next);
    if (this.#times.length < INDEX_MAX) return;
    this.#times = this.#times.filter((_, i) => i % 2 === 0);
    this.#positions = this.#positions.filter((_, i) => i % 2 === 0);
    this.#stride *= 2;
  }
}

/** Legacy AVC and AAC say it in their second byte, FourCCs in the first; other sound has none. */
function isConfiguration(type: number, body: Uint8Array): boolean {
  if (body.length < PEEK_BYTES) return true; // nor a frame
  const first = u8(body, 0);
  if (type === TagType.Video && first >= 0x80) return (first & 0x0f) === 0;
  const format = first >> 4;
  if (type === TagType.Audio && format === ENHANCED_AUDIO) return (first & 0x0f) === 0;
  return (type === TagType.Video || format === AAC) && u8(body, 1) === 0;
}
