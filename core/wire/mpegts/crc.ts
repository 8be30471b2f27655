/** The CRC of tables (ISO/IEC 13818-1 Annex A): polynomial 0x04c11db7, not reflected, not inverted. @module */

const TABLE = /* @__PURE__ */ makeTable();

/** The CRC of all bytes as an unsigned 32-bit integer; 0 over a section with its own CRC. */
export function crc32Mpeg(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc << 8) ^ (TABLE[(crc >>> 24) ^ byte] ?? 0);
  return crc >>> 0;
}

function makeTable(): Uint32Array {
  const table = new Uint32Array(256);
  for (let n = 0; n < 256; n++) {
    let c = n << 24;
    for (let k = 0; k < 8; k++) c = c < 0 ? (c << 1) ^ 0x04c11db7 : c << 1;
    table[n] = c >>> 0;
  }
  return table;
}
