/** An engine that seals nothing, so that tests can read what viewers get. @module */
import type { PacketId, SenderId, SrtpEngine, TrackRewrite } from "../../../core/base/mod.ts";
import { concat, putU16, putU32, u8, u32 } from "../../../core/bytes/mod.ts";

interface PutPacket {
  readonly bytes: Uint8Array;
  readonly track: number;
  readonly index: number;
  readonly at: number;
}

interface FakeSender {
  readonly tracks: Map<number, TrackRewrite>;
  /** By SSRC and index: what was sent under it. */
  readonly used: Map<string, Uint8Array>;
  transport: number;
}

/** Does what an engine does, except for cryptography; remembers every index for ever. */
export class PlaintextEngine implements SrtpEngine {
  refused = 0;
  seals = 0;
  /** Packets put: once per packet and shape. */
  puts = 0;
  readonly #senders = new Map<SenderId, FakeSender>();
  #packets: PutPacket[] = [];
  #last = 0;

  addSender(): SenderId {
    this.#senders.set(++this.#last, { tracks: new Map(), used: new Map(), transport: 65_500 });
    return this.#last;
  }

  removeSender(sender: SenderId): void {
    this.#senders.delete(sender);
  }

  setTrack(sender: SenderId, track: number, rewrite: TrackRewrite): void {
    this.#senders.get(sender)?.tracks.set(track, rewrite);
  }

  putPacket(packet: Uint8Array, track: number, index: number, at: number): PacketId {
    this.puts++;
    return this.#packets.push({ bytes: packet.slice(), track, index, at }) - 1;
  }

  clearPackets(): void {
    this.#packets = [];
  }

  nextTransportSequence(sender: SenderId): number {
    return (this.#senders.get(sender)?.transport ?? 0) & 0xffff;
  }

  seal(
    senders: readonly SenderId[],
    packets: readonly PacketId[],
    framed: boolean,
    deliver: (sender: SenderId, bytes: Uint8Array) => void,
  ): void {
    this.seals++;
    for (const sender of senders) this.#seal(sender, packets, framed, false, deliver);
  }

  resend(
    sender: SenderId,
    packets: readonly PacketId[],
    framed: boolean,
    deliver: (sender: SenderId, bytes: Uint8Array) => void,
  ): void {
    this.#seal(sender, packets, framed, true, deliver);
  }

  #seal(
    id: SenderId,
    packets: readonly PacketId[],
    framed: boolean,
    again: boolean,
    deliver: (sender: SenderId, bytes: Uint8Array) => void,
  ): void {
    const sender = this.#senders.get(id);
    const out: Uint8Array[] = [];
    for (const packetId of packets) {
      const packet = this.#packets[packetId];
      const rewrite = packet && sender?.tracks.get(packet.track);
      const sealed = packet && rewrite && sender && sealOne(sender, packet, rewrite, again);
      if (sealed === undefined) {
        this.refused++;
        continue;
      }
      if (framed) out.push(Uint8Array.of(sealed.length >> 8, sealed.length), sealed);
      else out.push(sealed);
    }
    if (!framed) for (const one of out) deliver(id, one);
    else if (out.length > 0) deliver(id, concat(out));
  }
}

function sealOne(
  sender: FakeSender,
  packet: PutPacket,
  rewrite: TrackRewrite,
  again: boolean,
): Uint8Array | undefined {
  const index = packet.index + rewrite.indexOffset;
  if (index < 0) return undefined;
  const key = `${rewrite.ssrc}/${index}`;
  const before = sender.used.get(key);
  const bytes = packet.bytes.slice();
  bytes[1] = (u8(bytes, 1) & 0x80) | rewrite.payloadType;
  putU16(bytes, 2, index & 0xffff);
  putU32(bytes, 4, u32(bytes, 4) + rewrite.timestampOffset);
  putU32(bytes, 8, rewrite.ssrc);
  if (again) {
    if (before === undefined || rewrite.resendable !== true) return undefined;
    if (packet.at !== 0) bytes.set(before.subarray(packet.at, packet.at + 2), packet.at);
    return equalBytes(before, bytes) ? before : undefined;
  }
  if (before !== undefined) return undefined;
  if (packet.at !== 0) putU16(bytes, packet.at, sender.transport++ & 0xffff);
  sender.used.set(key, bytes);
  return bytes;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
