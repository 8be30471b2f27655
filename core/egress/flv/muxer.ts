import type { Millis } from "../../base/mod.ts";
import type { MediaKind } from "../../media/mod.ts";
import type { Frame, FrameFormat } from "../../stream/mod.ts";
import { configurationBody, frameBody, isCarried, metadataBody } from "./bodies.ts";

/** Types of tags, and of the RTMP messages that carry their bodies (FLV 10.1 §E.4.1, RTMP 1.0 §7.1). */
export const TagType = { Audio: 8, Video: 9, Script: 18 } as const;

/** A tag, or an RTMP message. */
export interface FlvTag {
  readonly type: (typeof TagType)[keyof typeof TagType];
  /** Ms since the stream's first frame here, 32 bits. */
  readonly timestamp: number;
  readonly body: Uint8Array;
  /** `dts` of sound that is older than the keyframe before it. */
  readonly late?: Millis;
}

export interface FlvMuxerOptions {
  /** How onMetaData names the server. */
  readonly server: string;
  /** Whether Opus is sent: players that do not know enhanced FLV fail over it. */
  readonly opus: boolean;
}

/**
 * Frames to tags. Timestamps count from the first frame, and go on over a change of publisher, so
 * that all viewers share the bytes.
 */
export class FlvMuxer {
  readonly #options: FlvMuxerOptions;
  /** Kinds of which a format was told, carried or not. */
  readonly #told = new Set<MediaKind>();
  readonly #formats = new Map<MediaKind, FrameFormat>();
  #base: Millis | undefined;
  #last = 0;

  constructor(options: FlvMuxerOptions) {
    this.#options = options;
  }

  /** What the stream has at the moment. */
  format(kind: MediaKind): FrameFormat | undefined {
    return this.#formats.get(kind);
  }

  /** How many tracks the stream has, with those that are left out. */
  get tracks(): number {
    return this.#told.size;
  }

  /** Notes what is sent from now on. */
  setFormat(format: FrameFormat): void {
    this.#told.add(format.kind);
    const leftOut = format.codec === "opus" && !this.#options.opus;
    if (isCarried(format) && !leftOut) this.#formats.set(format.kind, format);
    else this.#formats.delete(format.kind);
  }

  /** The publisher is gone. */
  clearFormats(): void {
    this.#formats.clear();
    this.#told.clear();
  }

  /** onMetaData and the configurations, or that of one kind: what stands in front of the first frame, and after a change. */
  headers(timestamp: number = this.#last, kind?: MediaKind): FlvTag[] {
    const video = this.#formats.get("video");
    const audio = this.#formats.get("audio");
    const tags: FlvTag[] = [
      { type: TagType.Script, timestamp, body: metadataBody(video, audio, this.#options.server) },
    ];
    for (const format of [video, audio]) {
      if (kind !== undefined && format?.kind !== kind) continue;
      const body = format && configurationBody(format);
      if (body === undefined || format === undefined) continue;
      tags.push({ type: typeOf(format.kind), timestamp, body });
    }
    return tags;
  }

  /** `undefined` for what FLV cannot carry, and what is older than the stream's first frame. */
  frame(frame: Frame): FlvTag | undefined {
    const format = this.#formats.get(frame.kind);
    if (format === undefined) return undefined;
    this.#base ??= Math.round(frame.dts);
    const timestamp = Math.round(frame.dts) - this.#base;
    if (timestamp < 0) return undefined;
    this.#last = timestamp >>> 0;
    return { type: typeOf(frame.kind), timestamp: this.#last, body: frameBody(frame, format) };
  }
}

function typeOf(kind: MediaKind): FlvTag["type"] {
  return kind === "audio" ? TagType.Audio : TagType.Video;
}
