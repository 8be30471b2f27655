import { decodeRtp, type RtpHeader } from "../../../core/wire/rtp/mod.ts";
import { vector } from "../../vector.ts";

/** An RTP packet of a media vector. */
export interface MediaPacket {
  readonly bytes: Uint8Array;
  readonly header: RtpHeader;
}

/** The packets of tests/vectors/media/NAME.hex, each behind its length in 16 bits. */
export function mediaPackets(name: string): MediaPacket[] {
  const all = vector(`media/${name}`);
  const packets: MediaPacket[] = [];
  for (let at = 0; at < all.length; ) {
    const size = all[at]! * 256 + all[at + 1]!;
    const bytes = all.slice(at + 2, at + 2 + size);
    packets.push({ bytes, header: decodeRtp(bytes) as RtpHeader });
    at += 2 + size;
  }
  return packets;
}
