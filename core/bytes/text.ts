/** Text in bytes, without `TextDecoder`, which core does not have. @module */

/** Latin-1: one character per byte. */
export function latin1(bytes: Uint8Array, from = 0, to: number = bytes.length): string {
  let out = "";
  for (let at = from; at < to; at += 4096) {
    out += String.fromCharCode(...bytes.subarray(at, Math.min(at + 4096, to)));
  }
  return out;
}

/** Writes the low 8 bits of each character into `out` at `at`; returns how many bytes. */
export function putLatin1(out: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) out[at + i] = text.charCodeAt(i);
  return text.length;
}

/** A fresh array with one byte per character. */
export function latin1Bytes(text: string): Uint8Array {
  const out = new Uint8Array(text.length);
  putLatin1(out, 0, text);
  return out;
}

/** Decodes UTF-8 (RFC 3629); every malformed sequence becomes U+FFFD. */
export function utf8(bytes: Uint8Array): string {
  let out = "";
  for (let i = 0; i < bytes.length; ) {
    const b = bytes[i]!;
    const size =
      b < 0x80
        ? 1
        : b >= 0xc2 && b < 0xe0
          ? 2
          : b >= 0xe0 && b < 0xf0
            ? 3
            : b >= 0xf0 && b < 0xf5
              ? 4
              : 0;
    const code = size === 0 ? -1 : decodeSequence(bytes, i, size);
    if (code < 0) {
      out += "\ufffd";
      i += 1;
    } else {
      out += String.fromCodePoint(code);
      i += size;
    }
  }
  return out;
}

function decodeSequence(bytes: Uint8Array, at: number, size: number): number {
  if (at + size > bytes.length) return -1;
  const first = bytes[at]!;
  if (size === 1) return first;
  let code = first & (0xff >> (size + 1));
  for (let k = 1; k < size; k++) {
    const next = bytes[at + k]!;
    if ((next & 0xc0) !== 0x80) return -1;
    code = (code << 6) | (next & 0x3f);
  }
  const overlong = (size === 3 && code < 0x800) || (size === 4 && code < 0x10000);
  const surrogate = code >= 0xd800 && code <= 0xdfff;
  return overlong || surrogate || code > 0x10ffff ? -1 : code;
}

/** Encodes as UTF-8; a lone surrogate becomes U+FFFD. */
export function utf8Bytes(text: string): Uint8Array {
  const out = new Uint8Array(text.length * 3);
  let at = 0;
  for (const character of text) {
    let code = character.codePointAt(0) ?? 0;
    if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
    if (code < 0x80) {
      out[at++] = code;
    } else {
      const more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
      out[at++] = (0xff00 >> (more + 1)) | (code >> (6 * more)); // 110, 1110 or 11110 in front
      for (let k = more - 1; k >= 0; k--) out[at++] = 0x80 | ((code >> (6 * k)) & 0x3f);
    }
  }
  return out.slice(0, at);
}
