/** The hub: streams, their tracks, and how they reach their viewers. @module */
export type { HubEvent } from "./events.ts";
export type { Frame, FrameCodec, FrameFormat, FrameSink } from "./frame.ts";
export {
  Hub,
  type HubOptions,
  type PublishRefusal,
  type SubscribeRefusal,
} from "./hub.ts";
export {
  ANY_LAYER,
  LAYER_NAMES,
  type LayerWish,
  MAX_RAISES_PER_MINUTE,
} from "./layer_choice.ts";
export {
  type BadStreamName,
  isBadStreamName,
  NAME_MAX_CHARACTERS,
  parseStreamName,
  STREAM_NAME,
  type StreamName,
} from "./name.ts";
export { DEFAULT_FRAMES, DEFAULT_LIMITS, type FrameOptions, type HubLimits } from "./options.ts";
export type { Publisher, SourcePacket } from "./publisher.ts";
export { RateMeter } from "./rate_meter.ts";
export {
  type GivenFigures,
  type LayerFigures,
  layersOf,
  receivedPerSecond,
  type StreamStats,
  statsOf,
  type TrackFigures,
} from "./stats.ts";
export type { Stream } from "./stream.ts";
export type { Subscriber, SubscriberOptions, ViewerSink } from "./subscriber.ts";
export type { HubTotals } from "./totals.ts";
export type { ExtensionIds, SourceTrack, Track, TrackStats } from "./track.ts";
export type {
  ViewerFormat,
  ViewerState,
  ViewerTrack,
  ViewerTrackOptions,
  ViewerTrackStats,
} from "./viewer_track.ts";
