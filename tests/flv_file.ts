/** Tags of an FLV file, or of the body of HTTP-FLV. @module */
import { u24, u32 } from "../core/bytes/mod.ts";

export interface FileTag {
  readonly type: number;
  readonly timestamp: number;
  readonly body: Uint8Array;
}

/** Whole tags of `bytes`, which begin with the file header (FLV 10.1 §E.2). */
export function tagsOf(bytes: Uint8Array): FileTag[] {
  const tags: FileTag[] = [];
  for (let at = 13; at + 15 <= bytes.length; ) {
    const size = u24(bytes, at + 1);
    if (at + 15 + size > bytes.length) break;
    const timestamp = (u24(bytes, at + 4) | ((bytes[at + 7] ?? 0) << 24)) >>> 0;
    if (u32(bytes, at + 11 + size) !== size + 11) throw new Error("PreviousTagSize is wrong");
    tags.push({ type: bytes[at] ?? 0, timestamp, body: bytes.slice(at + 11, at + 11 + size) });
    at += 15 + size;
  }
  return tags;
}
