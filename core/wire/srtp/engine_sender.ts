/** A viewer in an engine, and which indexes may be sealed for him. @module */
import type { SenderId, TrackRewrite } from "../../base/mod.ts";
import type { KeystreamAhead } from "./keystream_ahead.ts";
import type { PacketStore, StoredPacket } from "./packet_store.ts";
import { SRTP_INDEX_END } from "./receiver.ts";
import type { SentIndexes } from "./sent_indexes.ts";
import type { Transform } from "./transform.ts";

export interface Track {
  readonly rewrite: TrackRewrite;
  readonly sent: SentIndexes;
  /** Where lanes seal. */
  readonly ahead: KeystreamAhead | undefined;
}

export interface Sender {
  readonly id: SenderId;
  readonly transform: Transform;
  readonly tracks: Map<number, Track>;
  /**
   * By SSRC, and kept as long as the keys: an SSRC that comes back goes on behind its old indexes.
   */
  readonly ssrcs: Map<number, SentIndexes>;
  transportSequence: number;
}

/** The index of a packet on `track`; -1 outside of what SRTP has. */
export function indexOn(track: Track, packet: StoredPacket): number {
  const index = packet.index + track.rewrite.indexOffset;
  return index >= 0 && index < SRTP_INDEX_END ? index : -1;
}

/**
 * Marks the index as used and returns the packet's transport-wide sequence number; -1 when the
 * packet must not be sealed. Sent again, a packet gets the number it had.
 */
export function claim(
  sender: Sender,
  { sent }: Track,
  store: PacketStore,
  packet: StoredPacket,
  index: number,
  again: boolean,
): number {
  const fingerprint = sent.resendable ? store.fingerprint(packet) : 0;
  if (again) return sent.isSame(index, fingerprint) ? sent.transportSequence(index) : -1;
  if (!sent.isFresh(index)) return -1;
  let sequence = 0;
  if (packet.transportSequenceAt !== 0) {
    sequence = sender.transportSequence;
    sender.transportSequence = (sequence + 1) & 0xffff;
  }
  sent.mark(index, fingerprint, sequence);
  return sequence;
}
