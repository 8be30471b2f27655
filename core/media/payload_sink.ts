/** What packetizers share. @module */

/** Takes one RTP payload; `last` is the marker bit. */
export type PayloadSink = (payload: Uint8Array, last: boolean) => void;

/**
 * Bytes of each fragment of `size` bytes when none may have more than `max`: nearly equal ones, so that
 * the last is not a crumb, and two at least.
 */
export function fragmentBytes(size: number, max: number): number {
  const pieces = Math.max(2, Math.ceil(size / max));
  return Math.max(1, Math.ceil(size / pieces));
}
