import {
  isFault,
  type Millis,
  type PacketId,
  type SenderId,
  type SrtpEngine,
} from "../base/mod.ts";
import { putU32, u16, u32 } from "../bytes/mod.ts";
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
/** Of what a path is estimated to take, the part that repairs may take. */
const REPAIR_SHARE = 0.5;
/** Repairs at once, as time of their rate: what a path takes when its rate is not known, or is. */
const BURST_MILLIS = 500;
const NARROW_BURST_MILLIS = 250;
/** A round trip beyond is a queue, or a mistake. */
const MAX_ROUND_TRIP_MILLIS = 300;

/** Answers NACKs out of the history: as RTX (RFC 4588), else with the very same bytes. */
export class Retransmitter {
  readonly #engine: SrtpEngine;
  readonly #limits: HubLimits;
  readonly #ids: PacketId[] = [];
  readonly #one: SenderId[] = [0];
  readonly #recent = new WeakMap<ViewerTrack, RecentIndexes>();
  /** Who is being served, and what the engine has sealed for him so far. */
  #viewer: Subscriber | undefined;
  #packets = 0;
  #bytes = 0;
  #rtx = false;
  #now: Millis = 0;

  constructor(engine: SrtpEngine, limits: HubLimits) {
    this.#engine = engine;
    this.#limits = limits;
  }

  /**
   * `wanted` are 16-bit sequence numbers of `viewed`'s SSRC, as the viewer sees them. False when one
   * is forgotten that only a keyframe can make up for.
   */
  run(viewer: Subscriber, viewed: ViewerTrack, wanted: readonly number[], now: Millis): boolean {
    const { sender } = viewer;
    if (sender === undefined || viewed.highestSent < 0 || !this.#mayRepair(viewer, now))
      return true;
    this.#refill(viewer, now);
    const rtx = viewed.rtxRewrite() !== undefined;
    if (!rtx && viewed.rewrite().resendable !== true) return true;
    let repairable = true;
    for (let i = 0; i < wanted.length && i < MAX_PER_NACK; i++) {
      const index = sentIndex(viewed, wanted[i] ?? 0);
      const run = viewed.map.find(index);
      if (run === undefined) continue;
      const { track } = run;
      const packet = track.history.get(index - run.offset);
      if (packet === undefined) {
        if (track.isLostForGood(index - run.offset)) repairable = false;
        continue;
      }
      if (!this.#mayRepeat(viewer, viewed, index, packet.bytes.length, now)) continue;
      if (rtx) this.#putRtx(viewer, viewed, run, packet, index);
      else this.#putAgain(viewer, viewed, run, packet, index);
    }
    this.#seal(viewer, viewed, sender, rtx, now);
    return repairable;
  }

  /** To send more would put a viewer who is behind further behind. */
  #mayRepair(viewer: Subscriber, now: Millis): boolean {
    const { gate } = viewer;
    // A frame that was begun before the gate closed on datagrams has to become whole.
    return gate.video || (gate.datagrams && gate.behind(now) <= this.#limits.maxLagMillis);
  }

  #seal(
    viewer: Subscriber,
    viewed: ViewerTrack,
    sender: SenderId,
    rtx: boolean,
    now: Millis,
  ): void {
    if (this.#ids.length === 0) return;
    this.#viewer = viewer;
    this.#packets = 0;
    this.#bytes = 0;
    this.#rtx = rtx;
    this.#now = now;
    this.#one[0] = sender;
    const framed = viewer.sink?.framed !== false;
    if (rtx) this.#engine.seal(this.#one, this.#ids, framed, this.#onSealed);
    else this.#engine.resend(sender, this.#ids, framed, this.#onSealed);
    this.#engine.clearPackets();
    this.#ids.length = 0;
    this.#viewer = undefined;
    if (this.#packets === 0) return;
    viewed.stats.retransmittedPackets += this.#packets;
    const transport = viewer.shape.transport ? this.#engine.nextTransportSequence(sender) : -1;
    viewer.sent(this.#bytes, this.#packets, transport, now);
  }

  readonly #onSealed = (_sender: SenderId, bytes: Uint8Array): void => {
    const { sink } = this.#viewer ?? {};
    if (sink === undefined || bytes.length === 0) return;
    // The engine may have refused some.
    const packets = sink.framed ? framesIn(bytes) : 1;
    this.#packets += packets;
    this.#bytes += bytes.length;
    // The very same packet has an old transport-wide number, which the pacer does not know.
    if (sink.framed || !this.#rtx) sink.deliver(bytes, packets);
    else this.#viewer?.datagram(bytes, this.#now);
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

  /** Repairs for who has a narrow path must not fill it: there the estimate bounds them, too. */
  #refill(viewer: Subscriber, now: Millis): void {
    const most = this.#limits.retransmitBytesPerSecond / 1000;
    const share = (viewer.estimatedBitrate / 8000) * REPAIR_SHARE;
    const perMilli = Math.min(most, share);
    viewer.repairs.limit(
      perMilli * (share < most ? NARROW_BURST_MILLIS : BURST_MILLIS),
      perMilli,
      now,
    );
  }

  #mayRepeat(
    viewer: Subscriber,
    viewed: ViewerTrack,
    index: number,
    bytes: number,
    now: Millis,
  ): boolean {
    let recent = this.#recent.get(viewed);
    if (recent === undefined) {
      recent = new RecentIndexes();
      this.#recent.set(viewed, recent);
    }
    const roundTrip = Math.min(viewer.roundTrip ?? 0, MAX_ROUND_TRIP_MILLIS);
    const apart = Math.max(this.#limits.retransmitMillis, roundTrip * 0.8);
    if (!recent.isDue(index, apart, now) || !viewer.repairs.take(now, bytes)) return false;
    recent.note(index, now);
    return true;
  }
}

/** Packets in bytes with RFC 4571 framing. */
function framesIn(bytes: Uint8Array): number {
  let frames = 0;
  for (let at = 0; at + 2 <= bytes.length; at += 2 + u16(bytes, at)) frames++;
  return frames;
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
