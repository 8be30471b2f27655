/** Some packets as one buffer, which goes to another thread for the price of one. @module */
import type { TranscodedPacket } from "./transcoder.ts";

export interface Bundle {
  readonly data: Uint8Array<ArrayBuffer>;
  /** Of each packet: its bytes, and its time in ms. */
  readonly sizes: readonly number[];
  readonly times: readonly number[];
}

export interface TimedPacket {
  readonly data: Uint8Array;
  readonly pts: number;
}

export function bundled(packets: readonly TimedPacket[]): Bundle {
  let size = 0;
  for (const { data } of packets) size += data.length;
  const data = new Uint8Array(size);
  let at = 0;
  for (const packet of packets) {
    data.set(packet.data, at);
    at += packet.data.length;
  }
  const sizes = packets.map((packet) => packet.data.length);
  return { data, sizes, times: packets.map(({ pts }) => pts) };
}

/** The packets again, as views. */
export function unbundled({ data, sizes, times }: Bundle): TranscodedPacket[] {
  let at = 0;
  return sizes.map((size, i) => {
    at += size;
    return { data: data.subarray(at - size, at), pts: times[i] ?? 0 };
  });
}
