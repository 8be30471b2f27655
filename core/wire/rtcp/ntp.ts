/** NTP timestamps (RFC 3550 §4). @module */

/** Seconds since 1900 and 1/2^32 of them, both as unsigned 32-bit integers. */
export interface NtpTime {
  readonly seconds: number;
  readonly fraction: number;
}

/** From 1900 to 1970. */
const UNIX_EPOCH_SECONDS = 2_208_988_800;
const TWO_32 = 0x1_0000_0000;

/** `unixMillis` may have a fraction. */
export function ntpFromUnix(unixMillis: number): NtpTime {
  const seconds = Math.floor(unixMillis / 1000);
  const fraction = Math.floor(((unixMillis - seconds * 1000) / 1000) * TWO_32);
  return { seconds: (seconds + UNIX_EPOCH_SECONDS) % TWO_32, fraction: fraction % TWO_32 };
}

/** Milliseconds since the Unix epoch, in the era of NTP that began in 1900. */
export function unixFromNtp(ntp: NtpTime): number {
  return (ntp.seconds - UNIX_EPOCH_SECONDS) * 1000 + (ntp.fraction / TWO_32) * 1000;
}

/** The middle 32 bits, as LSR has them. */
export function compactNtp(ntp: NtpTime): number {
  return (((ntp.seconds & 0xffff) << 16) | (ntp.fraction >>> 16)) >>> 0;
}
