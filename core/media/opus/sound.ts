/** What the first byte of an Opus packet says of the sound (RFC 6716 §3.1, Table 2). @module */

export interface OpusSound {
  readonly channels: 1 | 2;
  /** Mode and bandwidth, as `CELT fullband`. */
  readonly profile: string;
}

const BANDWIDTHS = ["narrowband", "mediumband", "wideband", "super-wideband", "fullband"];

export function opusSound(first: number): OpusSound {
  const config = (first >> 3) & 31;
  const channels = (first & 4) === 0 ? 1 : 2;
  if (config < 12) return { channels, profile: `SILK ${BANDWIDTHS[config >> 2]}` };
  if (config < 16) return { channels, profile: `hybrid ${BANDWIDTHS[config < 14 ? 3 : 4]}` };
  // CELT has no mediumband.
  const band = (config - 16) >> 2;
  return { channels, profile: `CELT ${BANDWIDTHS[band === 0 ? 0 : band + 1]}` };
}
