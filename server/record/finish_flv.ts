/** FLV on the disk given its duration, size and index of keyframes, which stand in front. @module */
import { isFault, type OpenFile } from "../../core/base/mod.ts";
import { FlvIndex } from "../../core/egress/flv/mod.ts";
import { BLOCK_BYTES, copy } from "./block_reader.ts";

/** Reads up to the last complete tag; `undefined` when there is nothing to play. */
export async function scanFlv(file: OpenFile): Promise<FlvIndex | undefined> {
  const index = new FlvIndex();
  for (let at = 0; ; ) {
    const block = await file.read(at, BLOCK_BYTES);
    index.put(block);
    at += block.length;
    if (block.length < BLOCK_BYTES) break;
  }
  return index.empty ? undefined : index;
}

/** Writes the file anew; resolves to its size. */
export async function writeFlv(from: OpenFile, index: FlvIndex, to: OpenFile): Promise<number> {
  const head = index.encodeHead();
  if (isFault(head)) throw new Error(String(head));
  await to.write(head, 0);
  const length = index.end - index.mediaFrom;
  await copy(from, index.mediaFrom, length, to, head.length);
  return head.length + length;
}
