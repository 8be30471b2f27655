/** Sequence numbers and timestamps that wrap. @module */

/**
 * The extended index (rollover counter * 2^16 + sequence number) of a packet, guessed from the
 * highest one seen so far (RFC 3711 §3.3.1, Appendix A). Negative when it lies before index 0.
 */
export function extendIndex(previousIndex: number, sequenceNumber: number): number {
  // `&` is exact for every safe integer: ToInt32 is modulo 2^32.
  let difference = sequenceNumber - (previousIndex & 0xffff);
  if (difference > 0x8000) difference -= 0x1_0000;
  else if (difference < -0x8000) difference += 0x1_0000;
  return previousIndex + difference;
}

/** `a - b` on a circle of 2^16, in -32768..32767: positive when `a` is later (RFC 1982). */
export function difference16(a: number, b: number): number {
  return ((a - b) << 16) >> 16;
}

/** `a - b` on a circle of 2^32, in -2^31..2^31-1: positive when `a` is later. */
export function difference32(a: number, b: number): number {
  return (a - b) | 0;
}
