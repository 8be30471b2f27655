/** Figures of a stream, for the API. @module */
import type { Millis } from "../base/mod.ts";
import type { Format, VideoDescription } from "../media/mod.ts";
import type { Stream } from "./stream.ts";
import type { Track } from "./track.ts";

/** A track that is sent now. */
export interface TrackFigures {
  readonly format: Format;
  /** What the last keyframe said; `undefined` for audio and until one said it. */
  readonly description: VideoDescription | undefined;
  readonly packets: number;
  readonly bytes: number;
  readonly frames: number;
  readonly keyframes: number;
  /** Over the last 5 s. */
  readonly bitsPerSecond: number;
  readonly framesPerSecond: number;
}

export interface StreamStats {
  /** Viewers, and one for the publisher, as SRS counts clients. */
  readonly clients: number;
  /** How long the current publisher has been sending, or since the stream was first asked for. */
  readonly liveMillis: Millis;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** kbit/s over the last 30 s. */
  readonly sentKbps: number;
  readonly receivedKbps: number;
  readonly frames: number;
  readonly audio: TrackFigures | undefined;
  readonly video: TrackFigures | undefined;
  /** For the viewers there are; frames are those of video. */
  readonly droppedFrames: number;
  readonly droppedPackets: number;
  readonly droppedBytes: number;
}

export function statsOf(stream: Stream, now: Millis): StreamStats {
  const { audio, video, publisher } = stream;
  let sentBytes = stream.sentToGone;
  let sentPerSecond = 0;
  let droppedFrames = 0;
  let droppedPackets = 0;
  let droppedBytes = 0;
  for (const viewer of stream.viewers) {
    sentBytes += viewer.sentBytes;
    sentPerSecond += viewer.byteRate.perSecond(now);
    droppedFrames += viewer.video?.stats.droppedFrames ?? 0;
    for (const track of [viewer.audio, viewer.video]) {
      droppedPackets += track?.stats.droppedPackets ?? 0;
      droppedBytes += track?.stats.droppedBytes ?? 0;
    }
  }
  const receivedPerSecond = audio.byteRate.perSecond(now) + video.byteRate.perSecond(now);
  return {
    clients: stream.viewers.length + (publisher === undefined ? 0 : 1),
    liveMillis: now - (publisher?.claimedAt ?? stream.createdAt),
    sentBytes,
    receivedBytes: audio.stats.bytes + video.stats.bytes,
    sentKbps: kbps(sentPerSecond),
    receivedKbps: kbps(receivedPerSecond),
    frames: video.stats.frames,
    audio: figuresOf(audio, now),
    video: figuresOf(video, now),
    droppedFrames,
    droppedPackets,
    droppedBytes,
  };
}

function figuresOf(track: Track, now: Millis): TrackFigures | undefined {
  if (track.format === undefined) return undefined;
  const { packets, bytes, frames, keyframes } = track.stats;
  return {
    format: track.format,
    description: track.description,
    packets,
    bytes,
    frames,
    keyframes,
    bitsPerSecond: track.byteRate.perSecond(now, 5) * 8,
    framesPerSecond: track.frameRate.perSecond(now, 5),
  };
}

function kbps(bytesPerSecond: number): number {
  return Math.round((bytesPerSecond * 8) / 1000);
}
