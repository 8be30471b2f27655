import {
  isFault,
  type Millis,
  type PacketId,
  type SenderId,
  type SrtpEngine,
} from "../base/mod.ts";
import { putU32, u32 } from "../bytes/mod.ts";
import { decodeRtp, extendIndex, type ReshapedPacket, wrapRtx } from "../wire/rtp/mod.ts";
import type { HubLimits } from "./options.ts";
import type { StreamPacket } from "./packet.ts";
import { RecentIndexes } from "./recent_indexes.ts";
import type { Segment } from "./sequence_map.ts";
import { engineRtxTrack, engineTrack } from "./shape.ts";
import type { Subscriber } from "./subscriber.ts";
import type { ViewerTrack } from "./viewer_track.ts";

/** Sequence numbers looked at per NACK. */
const MAX_PER_NACK = 256;

/** Answers NACKs out of the history: as RTX (RFC 4588), else with the very same bytes. */
export class Retransmitter {
  readonly #engine: SrtpEngine;
  readonly #limits: HubLimits;
  readonly #ids: PacketId[] = [];
  readonly #one: SenderId[] = [0];
  readonly #recent = new WeakMap<ViewerTrack, RecentIndexes>();
  #viewer: Subscriber | undefined;
  #now: Millis = 0;
  /** In what is delivered at once. */
  #packets = 0;

  constructor(engine: SrtpEngine, limits: HubLimits) {
    this.#engine = engine;
    this.#limits = limits;
  }

  /** `wanted` are 16-bit sequence numbers of `viewed`'s SSRC, as the viewer sees them. */
  run(viewer: Subscriber, viewed: ViewerTrack, wanted: readonly number[], now: Millis): void {
    const { sender } = viewer;
    // To send more would put a viewer who is behind further behind.
    if (sender === undefined || !viewer.gate.video || viewed.highestSent < 0) return;
    this.#refill(viewer, now);
    const rtx = viewed.rtxRewrite() !== undefined;
    if (!rtx && viewed.rewrite().resendable !== true) return;
    for (let i = 0; i < wanted.length && i < MAX_PER_NACK; i++) {
      const index = sentIndex(viewed, wanted[i] ?? 0);
      const run = viewed.map.find(index);
      const packet = run?.track.history.get(index - run.offset);
      if (run === undefined || packet === undefined) continue;
      if (!this.#mayRepeat(viewer, viewed, index, packet.bytes.length, now)) continue;
      if (rtx) this.#putRtx(viewer, viewed, run, packet, index);
      else this.#putAgain(viewer, viewed, run, packet, index);
    }
    this.#seal(viewer, viewed, sender, rtx, now);
  }

  #seal(
    viewer: Subscriber,
    viewed: ViewerTrack,
    sender: SenderId,
    rtx: boolean,
    now: Millis,
  ): void {
    if (this.#ids.length === 0) return;
    viewed.stats.retransmittedPackets += this.#ids.length;
    this.#viewer = viewer;
    this.#now = now;
    this.#one[0] = sender;
    const framed = viewer.sink?.framed !== false;
    this.#packets = framed ? this.#ids.length : 1;
    if (rtx) this.#engine.seal(this.#one, this.#ids, framed, this.#onSealed);
    else this.#engine.resend(sender, this.#ids, framed, this.#onSealed);
    this.#engine.clearPackets();
    this.#ids.length = 0;
    this.#viewer = undefined;
  }

  readonly #onSealed = (sender: SenderId, bytes: Uint8Array): void => {
    const viewer = this.#viewer;
    if (viewer === undefined || bytes.length === 0) return;
    const transport = viewer.shape.transport ? this.#engine.nextTransportSequence(sender) : -1;
    viewer.delivered(bytes, this.#packets, transport, this.#now);
  };

  #putRtx(
    viewer: Subscriber,
    viewed: ViewerTrack,
    run: Segment,
    packet: StreamPacket,
    index: number,
  ): void {
    const { packet: bytes, transportSequenceAt } = reshaped(viewer, viewed, run, packet);
    const header = decodeRtp(bytes);
    if (isFault(header)) return;
    // SSRC, payload type and sequence number are the engine's to write.
    const rtx = wrapRtx(bytes, header, index & 0xffff, 0, 0, 0);
    const number = viewed.rtxIndex++;
    const engineTrack = engineRtxTrack(viewed.kind);
    this.#ids.push(this.#engine.putPacket(rtx, engineTrack, number, transportSequenceAt));
  }

  /**
   * The engine knows the newest run's offset only: a packet of an older run gets an index to match.
   */
  #putAgain(
    viewer: Subscriber,
    viewed: ViewerTrack,
    run: Segment,
    packet: StreamPacket,
    index: number,
  ): void {
    const { packet: bytes, transportSequenceAt } = reshaped(viewer, viewed, run, packet);
    const number = index - viewed.map.offset;
    const at = engineTrack(viewed.kind);
    this.#ids.push(this.#engine.putPacket(bytes, at, number, transportSequenceAt));
  }

  #refill(viewer: Subscriber, now: Millis): void {
    const perSecond = this.#limits.retransmitBytesPerSecond;
    const gained = ((now - viewer.retransmitAt) / 1000) * perSecond;
    viewer.retransmitBudget = Math.min(perSecond / 2, viewer.retransmitBudget + gained);
    viewer.retransmitAt = now;
  }

  #mayRepeat(
    viewer: Subscriber,
    viewed: ViewerTrack,
    index: number,
    bytes: number,
    now: Millis,
  ): boolean {
    if (viewer.retransmitBudget < bytes) return false;
    let recent = this.#recent.get(viewed);
    if (recent === undefined) {
      recent = new RecentIndexes();
      this.#recent.set(viewed, recent);
    }
    if (!recent.note(index, this.#limits.retransmitMillis, now)) return false;
    viewer.retransmitBudget -= bytes;
    return true;
  }
}

/** The viewer's copy; the engine adds the newest run's timestamp offset, whatever run it is of. */
function reshaped(
  viewer: Subscriber,
  viewed: ViewerTrack,
  run: Segment,
  packet: StreamPacket,
): ReshapedPacket {
  const out = viewer.shape.reshape(packet, run.track);
  const before = run.timestampOffset - viewed.timestampOffset;
  if (before !== 0) putU32(out.packet, 4, u32(out.packet, 4) + before);
  return out;
}

/** The viewer's extended index for a sequence number he has seen or missed. */
function sentIndex(viewed: ViewerTrack, sequenceNumber: number): number {
  const index = extendIndex(viewed.highestSent, sequenceNumber);
  return index > viewed.highestSent ? index - 0x1_0000 : index;
}
