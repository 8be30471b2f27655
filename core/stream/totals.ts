import type { Subscriber } from "./subscriber.ts";

/** What happened to all viewers since the hub was made; none of these ever goes down. */
export interface HubTotals {
  /** Sent to viewers, without retransmissions. */
  packets: number;
  /** With SRTP, framing and retransmissions. */
  sentBytes: number;
  retransmittedPackets: number;
  /** Dropped for viewers who were behind; frames are those of video. */
  droppedFrames: number;
  droppedPackets: number;
  droppedBytes: number;
  /** How often a viewer fell behind. */
  falls: number;
  /** How often a viewer went over to another layer. */
  layerSwitches: number;
}

export function noTotals(): HubTotals {
  return {
    packets: 0,
    sentBytes: 0,
    retransmittedPackets: 0,
    droppedFrames: 0,
    droppedPackets: 0,
    droppedBytes: 0,
    falls: 0,
    layerSwitches: 0,
  };
}

/** Adds what happened to one viewer. */
export function addViewer(totals: HubTotals, viewer: Subscriber): void {
  totals.sentBytes += viewer.sentBytes;
  totals.falls += viewer.gate.falls;
  totals.droppedFrames += viewer.video?.stats.droppedFrames ?? 0;
  totals.layerSwitches += viewer.video?.stats.switches ?? 0;
  for (const track of [viewer.audio, viewer.video]) {
    if (track === undefined) continue;
    const { stats } = track;
    totals.packets += stats.packets;
    totals.retransmittedPackets += stats.retransmittedPackets;
    totals.droppedPackets += stats.droppedPackets;
    totals.droppedBytes += stats.droppedBytes;
  }
}
