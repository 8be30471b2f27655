/** Bounds of the hub, each with a name. @module */
import type { Millis } from "../base/mod.ts";

/** Every bound of hub, streams and viewers. Times in ms. */
export interface HubLimits {
  /** Streams at a time, those that are only waited for included. */
  readonly maxStreams: number;
  /** Viewers of one stream. */
  readonly maxViewers: number;
  /** Viewers of a stream that nobody publishes. */
  readonly maxWaitingViewers: number;

  /** A publisher whose media is younger holds the stream against another client. */
  readonly busyMediaMillis: Millis;
  /** A claim that is younger holds the stream against another client. */
  readonly busyClaimMillis: Millis;

  /** History of a video track, for NACK: packets (a power of two), bytes, age. */
  readonly videoHistoryPackets: number;
  readonly videoHistoryBytes: number;
  /** The same for audio. */
  readonly audioHistoryPackets: number;
  readonly audioHistoryBytes: number;
  readonly historyMillis: Millis;

  /** A viewer who is further behind gets no video until the next keyframe. */
  readonly maxLagMillis: Millis;
  /** A viewer who is further behind gets no audio either. */
  readonly maxAudioLagMillis: Millis;
  /** What may be under way to a viewer who has never reported anything. */
  readonly maxUnreportedBytes: number;
  /**
   * What may be queued in our own process for one viewer: no video above it, no audio above twice.
   */
  readonly maxQueuedBytes: number;
  /** A viewer who is behind and makes no progress for so long is reported as stalled. */
  readonly stalledMillis: Millis;

  /** Retransmitted bytes per second and viewer. */
  readonly retransmitBytesPerSecond: number;
  /** The same packet is not sent again sooner, nor before an answer to the first could be here. */
  readonly retransmitMillis: Millis;

  /** Keyframe requests to one publisher are at least so far apart. */
  readonly keyframeRequestMillis: Millis;
  /** A viewer may ask for one so often, and for a few at once. */
  readonly viewerKeyframeMillis: Millis;
  /** Asked again when none came for so long while somebody waits. */
  readonly keyframePatienceMillis: Millis;
  /** Between sender reports to one viewer. */
  readonly senderReportMillis: Millis;
}

/** How streams are made frames for muxers. */
export interface FrameOptions {
  /** A publisher is asked for keyframes so often while there are muxers (SRS: `pli_for_rtmp`). */
  readonly keyframeMillis: Millis;
  /** A group of pictures that is longer is not kept for who joins; sound counts, too. */
  readonly gopMaxFrames: number;
  /** Whether packets are made frames; those of publishers who give frames are there at any rate. */
  readonly ofPackets: boolean;
}

/** The last GOP is 10 s and more at any rate. */
export const DEFAULT_FRAMES: FrameOptions = {
  keyframeMillis: 2000,
  gopMaxFrames: 2500,
  ofPackets: true,
};

export const DEFAULT_LIMITS: HubLimits = {
  maxStreams: 1000,
  maxViewers: 10_000,
  maxWaitingViewers: 100,
  busyMediaMillis: 3000,
  busyClaimMillis: 10_000,
  videoHistoryPackets: 2048,
  videoHistoryBytes: 2 * 1024 * 1024,
  audioHistoryPackets: 256,
  audioHistoryBytes: 256 * 1024,
  historyMillis: 2000,
  maxLagMillis: 500,
  maxAudioLagMillis: 2000,
  maxUnreportedBytes: 2 * 1024 * 1024,
  maxQueuedBytes: 256 * 1024,
  stalledMillis: 15_000,
  retransmitBytesPerSecond: 256 * 1024,
  retransmitMillis: 40,
  keyframeRequestMillis: 500,
  viewerKeyframeMillis: 1000,
  keyframePatienceMillis: 1000,
  senderReportMillis: 1000,
};
