/** RTP headers, extensions and keyframe detection per packet. */
import "./help.ts";
import { isFault } from "../core/base/mod.ts";
import { inspect } from "../core/media/mod.ts";
import { decodeRtp, findExtension, rewriteExtensions } from "../core/wire/rtp/mod.ts";
import { bench, heading } from "./harness.ts";

const packet = new Uint8Array(1220);
packet.set([0x90, 0xe0, 0x12, 0x34, 1, 2, 3, 4, 5, 6, 7, 8, 0xbe, 0xde, 0, 3]);
// abs-send-time, transport-wide sequence number, mid.
packet.set([0x32, 1, 2, 3, 0x41, 0, 9, 0x10, 0x30, 0, 0, 0], 16);
packet.set([0x7c, 0x85, 0x88], 28);
const ids = new Uint8Array(256);
ids[3] = 2;
const shape = { ids, transportSequenceId: 5, twoByte: true };

const decoded = decodeRtp(packet);
if (isFault(decoded)) throw new Error(String(decoded));

/** What the work gives goes here and is looked at, or the compiler would drop the work. */
let sink = 0;
let turn = 0;
/** The packet, a little different each time. */
function next(): Uint8Array {
  packet[3] = turn++;
  return packet;
}

heading("rtp, 1220-byte packet");
bench("decodeRtp", 1, () => {
  const header = decodeRtp(next());
  if (!isFault(header)) sink += header.sequenceNumber + header.payloadAt;
});
bench("findExtension", 1, () => {
  sink += findExtension(next(), decoded, 1 + (turn & 7));
});
bench("rewriteExtensions", 1, () => {
  sink += rewriteExtensions(next(), decoded, shape).packet[3] ?? 0;
});
bench("inspect h264", 1, () => {
  packet[29] = turn;
  sink += inspect("h264", next(), decoded.payloadAt, decoded.payloadEnd);
});
if (sink === 0) throw new Error("nothing was done");
