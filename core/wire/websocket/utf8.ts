/** Whether bytes are UTF-8. @module */
import { u8 } from "../../bytes/mod.ts";

/** RFC 3629 §4: no overlong form, no surrogate, nothing above U+10FFFF, nothing cut off. */
export function isUtf8(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; ) {
    const size = sequenceSize(bytes, at);
    if (size === 0) return false;
    at += size;
  }
  return true;
}

/** Bytes of the sequence that begins at `at`, or 0 when it is none. */
function sequenceSize(bytes: Uint8Array, at: number): number {
  const first = u8(bytes, at);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (at + size > bytes.length) return 0;
  for (let i = 1; i < size; i++) if ((u8(bytes, at + i) & 0xc0) !== 0x80) return 0;
  const second = u8(bytes, at + 1);
  const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  return second >= least && second <= most ? size : 0;
}
