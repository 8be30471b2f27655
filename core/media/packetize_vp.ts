import { fragmentBytes, type PayloadSink } from "./payload_sink.ts";

/** A frame in pieces behind payload descriptors, which `descriptorOf` makes; it may give the same array each time. */
export function packetizeVp(
  frame: Uint8Array,
  payloadMax: number,
  put: PayloadSink,
  descriptorOf: (first: boolean, last: boolean) => Uint8Array,
): void {
  const room = payloadMax - descriptorOf(true, false).length;
  const size = frame.length <= room ? frame.length : fragmentBytes(frame.length, room);
  for (let at = 0; at < frame.length; at += size) {
    const end = Math.min(frame.length, at + size);
    const last = end === frame.length;
    const head = descriptorOf(at === 0, last);
    const out = new Uint8Array(head.length + end - at);
    out.set(head, 0);
    out.set(frame.subarray(at, end), head.length);
    put(out, last);
  }
}
