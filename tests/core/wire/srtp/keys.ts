import { type Fault, isFault, type SrtpKeys, type SrtpProfile } from "../../../../core/base/mod.ts";
import { encodeRtpHeader } from "../../../../core/wire/rtp/mod.ts";
import { SRTP_PROFILES, srtpProfileInfo } from "../../../../core/wire/srtp/mod.ts";

export const PROFILES: readonly SrtpProfile[] = SRTP_PROFILES.map((info) => info.name);

/** Keys made of a seed, so that a failure repeats. */
export function testKeys(profile: SrtpProfile, seed = 1): SrtpKeys {
  const { keyBytes, saltBytes } = srtpProfileInfo(profile);
  const bytes = Uint8Array.from({ length: keyBytes + saltBytes }, (_, i) => i * 31 + seed * 101);
  return { profile, masterKey: bytes.slice(0, keyBytes), masterSalt: bytes.slice(keyBytes) };
}

/** An RTP packet whose payload tells its index. */
export function rtpPacket(index: number, ssrc = 0x0a0b0c0d, payloadBytes = 40): Uint8Array {
  const packet = new Uint8Array(12 + payloadBytes);
  encodeRtpHeader(packet, 0, 96, index % 3 === 0, index & 0xffff, (index * 3000) >>> 0, ssrc);
  for (let i = 0; i < payloadBytes; i++) packet[12 + i] = index * 7 + i * 13;
  return packet;
}

/** A receiver report without blocks and a PLI about `media`. */
export function rtcpPacket(ssrc = 0x0a0b0c0d, media = 7): Uint8Array {
  const packet = new Uint8Array(20);
  packet.set([0x80, 201, 0, 1]);
  packet.set([0x81, 206, 0, 2], 8);
  const view = new DataView(packet.buffer);
  view.setUint32(4, ssrc);
  view.setUint32(12, ssrc);
  view.setUint32(16, media);
  return packet;
}

/** The value, or a failed test. */
export function good<T>(value: T | Fault): T {
  if (isFault(value)) throw new Error(String(value));
  return value;
}
