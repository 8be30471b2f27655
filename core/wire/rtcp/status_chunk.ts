/** Chunks of packet statuses in transport-wide feedback; drawn in transport_feedback.ts. @module */

/** SSRCs, base, count, reference time and feedback count, in front of the chunks. */
export const FIXED_BYTES = 16;
export const NOT_RECEIVED = 0;
export const SMALL = 1;
export const LARGE = 2;
export const MAX_RUN = 0x1fff;

/** Packets that a chunk speaks of; 0 for a run of nothing. */
export function chunkSize(chunk: number): number {
  if ((chunk & 0x8000) === 0) return chunk & MAX_RUN;
  return (chunk & 0x4000) === 0 ? 14 : 7;
}

/** The symbol of packet `index` of a chunk. */
export function symbolOf(chunk: number, index: number): number {
  if ((chunk & 0x8000) === 0) return (chunk >> 13) & 3;
  if ((chunk & 0x4000) === 0) return (chunk >> (13 - index)) & 1;
  return (chunk >> (12 - 2 * index)) & 3;
}
