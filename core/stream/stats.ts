/** Figures of a stream, for the API. @module */
import type { Millis } from "../base/mod.ts";
import type { Format, MediaKind, VideoDescription } from "../media/mod.ts";
import type { FrameFormat } from "./frame.ts";
import type { GivenTrack } from "./given_track.ts";
import type { GopFigures } from "./gop_meter.ts";
import type { Stream } from "./stream.ts";
import type { Track } from "./track.ts";
import type { VideoLayer } from "./video_layers.ts";

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
  /** The last whole group of pictures; `undefined` for sound and until there was one. */
  readonly gop: GopFigures | undefined;
  /** Whether pictures come in another order than they are shown in. */
  readonly bFrames: boolean;
  /** First byte of the last packet of sound, -1 for none. */
  readonly soundByte: number;
}

/** A track that the publisher gives as frames. */
export interface GivenFigures
  extends Omit<TrackFigures, "format" | "description" | "packets" | "soundByte"> {
  readonly format: FrameFormat;
}

/** A layer of simulcast. */
export interface LayerFigures extends TrackFigures {
  readonly rid: string;
  readonly ssrc: number;
  /** Whether it is sent while others are. */
  readonly alive: boolean;
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
  /** Of several layers the best that is sent. */
  readonly video: TrackFigures | undefined;
  /** What comes as frames; a track of RTP of the same kind is then made of these. */
  readonly given: Readonly<Partial<Record<MediaKind, GivenFigures>>>;
  /** Layers that have been sent, the worst first; empty without simulcast. */
  readonly layers: readonly LayerFigures[];
  /** For the viewers there are; frames are those of video. */
  readonly droppedFrames: number;
  readonly droppedPackets: number;
  readonly droppedBytes: number;
}

export function statsOf(stream: Stream, now: Millis): StreamStats {
  const { audio, video, layers, publisher } = stream;
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
  const figures = layersOf(stream, now);
  const given = givenOf(stream, now);
  let receivedBytes = given.audio?.bytes ?? audio.stats.bytes;
  if (given.video !== undefined) receivedBytes += given.video.bytes;
  else for (const { track } of layers.all) receivedBytes += track.stats.bytes;
  let frames = given.video?.frames ?? 0;
  for (const { track } of layers.all) frames = Math.max(frames, track.stats.frames);
  return {
    clients: stream.viewers.length + (publisher === undefined ? 0 : 1),
    liveMillis: now - (publisher?.claimedAt ?? stream.createdAt),
    sentBytes,
    receivedBytes,
    sentKbps: kbps(sentPerSecond),
    receivedKbps: kbps(receivedPerSecond(stream, now)),
    frames,
    audio: figuresOf(audio, now),
    video: figuresOf(video, now),
    given,
    layers: figures,
    droppedFrames,
    droppedPackets,
    droppedBytes,
  };
}

/** Layers that have been sent, the worst first; looks at no viewer. */
export function layersOf({ layers }: Stream, now: Millis): readonly LayerFigures[] {
  if (!layers.several) return [];
  layers.update(now);
  return layers.ranked.flatMap((layer) => layerFigures(layer, now));
}

/** Bytes per second that the publisher sent over the last 30 s, all layers included. */
export function receivedPerSecond(stream: Stream, now: Millis): number {
  const sound = stream.given("audio") ?? stream.audio;
  let sum = sound.byteRate.perSecond(now);
  const pictures = stream.given("video");
  if (pictures !== undefined) return sum + pictures.byteRate.perSecond(now);
  for (const { track } of stream.layers.all) sum += track.byteRate.perSecond(now);
  return sum;
}

function givenOf(stream: Stream, now: Millis): StreamStats["given"] {
  const audio = givenFigures(stream.given("audio"), now);
  const video = givenFigures(stream.given("video"), now);
  return { ...(audio && { audio }), ...(video && { video }) };
}

function givenFigures(track: GivenTrack | undefined, now: Millis): GivenFigures | undefined {
  if (track === undefined) return undefined;
  const { format, bytes, frames, keyframes } = track;
  return { format, bytes, frames, keyframes, ...ratesOf(track, now) };
}

function ratesOf(
  { byteRate, frameRate, gop }: Pick<Track, "byteRate" | "frameRate" | "gop">,
  now: Millis,
): Pick<TrackFigures, "bitsPerSecond" | "framesPerSecond" | "gop" | "bFrames"> {
  return {
    bitsPerSecond: byteRate.perSecond(now, 5) * 8,
    framesPerSecond: frameRate.perSecond(now, 5),
    gop: gop.last,
    bFrames: gop.bFrames(now),
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
    ...ratesOf(track, now),
    soundByte: track.soundByte,
  };
}

function layerFigures(layer: VideoLayer, now: Millis): LayerFigures[] {
  const { track, alive } = layer;
  const figures = figuresOf(track, now);
  const rid = track.source?.rid;
  if (figures === undefined || rid === undefined) return [];
  return [{ ...figures, rid, ssrc: track.ssrc, alive }];
}

function kbps(bytesPerSecond: number): number {
  return Math.round((bytesPerSecond * 8) / 1000);
}
