import { packetizeVp } from "../packetize_vp.ts";
import type { PayloadSink } from "../payload_sink.ts";

/**
 * RTP payloads of one frame or superframe (RFC 9628 §4.2), each of `payloadMax` bytes at most behind a
 * descriptor with a picture id of 15 bits, without layers, in non-flexible mode.
 *
 *     |I=1|P|L=0|F=0|B|E|V=0|Z=0| |M=1| PictureID (15) |
 */
export function packetizeVp9(
  frame: Uint8Array,
  keyframe: boolean,
  pictureId: number,
  payloadMax: number,
  put: PayloadSink,
): void {
  const flags = keyframe ? 0x80 : 0xc0;
  const head = Uint8Array.of(flags, 0x80 | ((pictureId >> 8) & 0x7f), pictureId & 0xff);
  packetizeVp(frame, payloadMax, put, (first, last) => {
    head[0] = flags | (first ? 0x08 : 0) | (last ? 0x04 : 0);
    return head;
  });
}
