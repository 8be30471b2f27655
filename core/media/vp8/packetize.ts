import { packetizeVp } from "../packetize_vp.ts";
import type { PayloadSink } from "../payload_sink.ts";

/**
 * RTP payloads of one frame (RFC 7741 §4.2), each of `payloadMax` bytes at most behind a descriptor with
 * a picture id of 15 bits; partitions are not told apart.
 *
 *     |X=1|R|N|S|R|PID=0| |I=1|L|T|K|RSV| |M=1| PictureID (15) |
 */
export function packetizeVp8(
  frame: Uint8Array,
  pictureId: number,
  payloadMax: number,
  put: PayloadSink,
): void {
  const head = Uint8Array.of(0x80, 0x80, 0x80 | ((pictureId >> 8) & 0x7f), pictureId & 0xff);
  packetizeVp(frame, payloadMax, put, (first) => {
    head[0] = first ? 0x90 : 0x80;
    return head;
  });
}
