/** Fragments on the disk made a fast-start MP4: read twice, with no media in memory. @module */
import { isFault, type OpenFile } from "../../core/base/mod.ts";
import {
  BOX_HEAD_MAX_BYTES,
  type BoxHead,
  decodeBoxHead,
  decodeChange,
  decodeMovie,
  type Insertion,
  lengthOf,
  MovieTables,
} from "../../core/egress/mp4/mod.ts";
import { BlockReader, copy } from "./block_reader.ts";

/** Where the media of a fragment lies in the file. */
interface Piece {
  readonly at: number;
  readonly length: number;
}

/** A recording that was read through. */
export interface Mp4Scan {
  readonly tables: MovieTables;
  readonly media: readonly Piece[];
  /** Where the last complete fragment ends. */
  readonly end: number;
  /** There are more samples than tables are made of: nothing can be written. */
  readonly tooLong: boolean;
}

/** Samples whose tables are made; files with more stay fragmented. Some 10 to 24 bytes each. */
export const MAX_SAMPLES = 5_000_000;
/** Bytes of `moov` or `moof`. */
const BOX_MAX_BYTES: number = 16 * 1024 * 1024;
/** Of what tells of a change. */
const CHANGE_MAX_BYTES: number = 64 * 1024;

/**
 * Reads up to the last complete fragment, as a server that was killed has left it; `undefined` when
 * there is nothing to play.
 */
export async function scanMp4(file: OpenFile): Promise<Mp4Scan | undefined> {
  const reader = new BlockReader(file);
  const size = await file.size();
  const scan = new Scan();
  for (let at = 0; ; ) {
    const head = decodeBoxHead(await reader.read(at, BOX_HEAD_MAX_BYTES));
    if (head === undefined || at + head.bytes > size) break;
    const isTable = head.type === "moov" || head.type === "moof";
    if (isTable && head.bytes > BOX_MAX_BYTES) break;
    const isRead = isTable || (head.type === "free" && head.bytes <= CHANGE_MAX_BYTES);
    const length = isRead ? head.bytes - head.headBytes : 0;
    const body = await reader.read(at + head.headBytes, length);
    if (!scan.take(head, at, body)) break;
    at += head.bytes;
  }
  return scan.result;
}

class Scan {
  readonly #media: Piece[] = [];
  #tables: MovieTables | undefined;
  #moof: { readonly body: Uint8Array; readonly bytes: number } | undefined;
  #end = 0;
  #tooLong = false;

  get result(): Mp4Scan | undefined {
    const tables = this.#tables;
    if (tables === undefined || tables.samples === 0) return undefined;
    return { tables, media: this.#media, end: this.#end, tooLong: this.#tooLong };
  }

  /** The next box, with the contents of `moov` and `moof`; false when it cannot be understood. */
  take({ type, bytes, headBytes }: BoxHead, at: number, body: Uint8Array): boolean {
    if (type === "moov") {
      const tracks = decodeMovie(body);
      if (isFault(tracks)) return false;
      this.#tables = new MovieTables(tracks);
    } else if (type === "moof") this.#moof = { body: body.slice(), bytes };
    else if (type === "mdat") return this.#takeMedia(at, headBytes, bytes);
    else if (type === "free") {
      const change = decodeChange(body);
      if (change !== undefined) this.#tables?.change(change);
    }
    return true;
  }

  #takeMedia(at: number, headBytes: number, bytes: number): boolean {
    const [tables, moof] = [this.#tables, this.#moof];
    if (tables === undefined || moof === undefined) return false;
    const length = bytes - headBytes;
    this.#tooLong ||= tables.samples >= MAX_SAMPLES;
    if (!this.#tooLong) {
      if (isFault(tables.add(moof.body, moof.bytes, headBytes, length))) return false;
      this.#media.push({ at: at + headBytes, length });
    }
    this.#moof = undefined;
    this.#end = at + bytes;
    return true;
  }
}

/** Writes the movie; resolves to its size. */
export async function writeMp4(from: OpenFile, scan: Mp4Scan, to: OpenFile): Promise<number> {
  const insertion = scan.tables.takeInsertion();
  const head = scan.tables.encodeHead();
  let at = 0;
  for (const piece of head) {
    await to.write(piece, at);
    at += piece.length;
  }
  await writeMedia(from, scan.media, insertion, to, at);
  return lengthOf(head) + scan.tables.mediaBytes;
}

async function writeMedia(
  from: OpenFile,
  media: readonly Piece[],
  { places, bytes }: Insertion,
  to: OpenFile,
  start: number,
): Promise<void> {
  let at = start;
  let next = 0;
  /** Of the piece, in the media. */
  let place = 0;
  for (const { at: mediaAt, length } of media) {
    let done = 0;
    for (;;) {
      const inserts = (places[next] ?? Number.POSITIVE_INFINITY) < place + length;
      const until = inserts ? (places[next] ?? 0) - place : length;
      await copy(from, mediaAt + done, until - done, to, at);
      at += until - done;
      done = until;
      if (!inserts) break;
      await to.write(bytes, at);
      at += bytes.length;
      next++;
    }
    place += length;
  }
}
