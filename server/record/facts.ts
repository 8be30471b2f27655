/** What is asked of recordings, and told of them. @module */
import type { Millis } from "../../core/base/mod.ts";
import type { StreamName } from "../../core/stream/mod.ts";
import type { RecordingFormat } from "./path_template.ts";

/** What may be asked for a recording; the configuration says the rest. */
export interface RecordingWish {
  readonly format?: RecordingFormat | undefined;
  readonly audio?: "aac" | "opus" | undefined;
  /** A file is split at that length. */
  readonly maxMillis?: Millis | undefined;
}

/** Who asked for it. */
export type RecordingSource = "config" | "api" | "hook";

export interface RecordingFacts {
  readonly id: string;
  readonly name: StreamName;
  readonly format: RecordingFormat;
  readonly source: RecordingSource;
  /**
   * `waiting` for the first keyframe, `slow`: frames are dropped, `ending`: the last bytes are on
   * their way, `failed`: the disk is the cause.
   */
  readonly state: "waiting" | "recording" | "slow" | "ending" | "ended" | "failed";
  /** The open file, below the root; empty while there is none. */
  readonly file: string;
  /** Files begun so far. */
  readonly files: number;
  /** On the wall clock. */
  readonly startedAt: Millis;
  /** Of media, in ms. */
  readonly duration: Millis;
  readonly bytes: number;
  readonly droppedFrames: number;
  /** Why it failed, or which tracks are left out; else empty. */
  readonly error: string;
}

/** A file that can be played now. */
export interface RecordingFinished {
  readonly app: string;
  readonly stream: string;
  /** Below the root, as `RecordingStore` names it. */
  readonly name: string;
  /** Where it is. */
  readonly file: string;
  readonly format: RecordingFormat;
  /** On the wall clock; 0 when another run of the server began it. */
  readonly startedAt: Millis;
  /** In ms. */
  readonly duration: Millis;
  /** In bytes. */
  readonly size: number;
}
