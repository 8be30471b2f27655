/** Streams as frames, for everything that is not WebRTC. @module */
import type { FrameSink, StreamName } from "../../core/stream/mod.ts";

export interface TapOptions {
  /** Which sound is wanted: as it came, or in this codec, transcoded if need be. */
  readonly audio: "source" | "aac" | "opus";
  /** Whether to begin with the frames since the last keyframe, as far as they are kept. */
  readonly fromKeyframe: boolean;
  /** How long pictures wait for sound that a transcoder has and did not give yet; default 2 s. */
  readonly soundWaitMillis?: number;
  /** Whether its frames may come half a second later, which costs less where sound is transcoded for nobody else. */
  readonly patient?: boolean;
}

/** Where muxers get their frames. */
export interface FrameSource {
  /**
   * Gives the stream's frames to `sink` from now on, whoever publishes it, until disposed. Needs no
   * publisher yet. While there is a tap, the publisher is asked for keyframes at regular times.
   */
  tap(name: StreamName, options: TapOptions, sink: FrameSink): Disposable;
}
export { HubFrames } from "./hub_frames.ts";
export { type Keyframe, Keyframes, type NoKeyframe } from "./keyframes.ts";
export { type OpenFrames, openFrames } from "./open.ts";
export { TranscodedFrames, type TranscodedFramesOptions } from "./transcoded_frames.ts";
export { ViewerSound } from "./viewer_sound.ts";
