/** Frames as cameras would make them, and what a segmenter makes of them, as playlists. @module */
import {
  type MediaPart,
  type PlaylistOptions,
  playlistText,
  Segmenter,
  type SegmenterSink,
  type SegmentStart,
  SegmentWindow,
} from "../../../../core/egress/hls/mod.ts";
import { fitsMp4 } from "../../../../core/egress/mp4/mod.ts";
import type { FrameFormat } from "../../../../core/stream/mod.ts";

export const H264: FrameFormat = {
  kind: "video",
  codec: "h264",
  codecString: "avc1.42c01e",
  configuration: Uint8Array.of(1, 0x42, 0xc0, 0x1e, 0xff, 0xe0, 0),
  width: 640,
  height: 360,
  sampleRate: 0,
  channels: 0,
};
export const OPUS: FrameFormat = {
  kind: "audio",
  codec: "opus",
  codecString: "opus",
  configuration: new Uint8Array(0),
  width: 0,
  height: 0,
  sampleRate: 48_000,
  channels: 2,
};
/** 2026-01-01T00:00:00Z. */
export const EPOCH = 1_767_225_600_000;
const DATA = new Uint8Array(10);

interface Rates {
  readonly fps?: number;
  readonly gop?: number;
  readonly sound?: number;
  readonly jitter?: number;
}

export interface Made {
  readonly number: number;
  readonly start: SegmentStart;
  readonly parts: MediaPart[];
  complete: boolean;
}

export class Stage implements SegmenterSink {
  readonly window: SegmentWindow = new SegmentWindow({ windowMillis: 30_000, graceMillis: 9000 });
  readonly segmenter: Segmenter;
  readonly made: Made[] = [];
  /** How playlists are other than usual. */
  how: Partial<PlaylistOptions> = {};
  #dirty = false;

  /** Segments have no parts when `partMillis` has no end. */
  constructor(partMillis = 400) {
    this.segmenter = new Segmenter(
      { segmentMillis: 2000, maxSegmentMillis: 3400, partMillis, fits: fitsMp4 },
      this,
    );
  }

  /** A playlist after every frame that made one anew: in between nobody can ask. */
  readonly playlists: string[] = [];

  playlist(skip = false, ended = false): string {
    const names = {
      init: (map: number) => `init${map}.mp4`,
      segment: (number: number) => `${number}.m4s`,
      part: (number: number, part: number) => `${number}.${part}.m4s`,
    };
    const options = { names, targetSeconds: 3, partMillis: 400, ...this.how };
    return playlistText(this.window, options, { skip, ended });
  }

  video(at: number, keyframe: boolean, later = 0): void {
    const dts = EPOCH + at;
    this.segmenter.handleFrame({ kind: "video", dts, pts: dts + later, keyframe, data: DATA });
    this.#note();
  }

  audio(at: number): void {
    const dts = EPOCH + at;
    this.segmenter.handleFrame({ kind: "audio", dts, pts: dts, keyframe: true, data: DATA });
    this.#note();
  }

  #note(): void {
    if (this.#dirty) this.playlists.push(this.playlist());
    this.#dirty = false;
  }

  /**
   * Frames of both kinds from `from` to `until`, in ms; pictures at `fps` with a keyframe every `gop` ms,
   * none of either when its rate is 0.
   */
  play(
    from: number,
    until: number,
    { fps = 30, gop = 2000, sound = 20, jitter = 0 }: Rates = {},
  ): void {
    let key = from;
    let seed = 1;
    let [picture, audio] = [0, 0];
    for (;;) {
      const nextPicture = fps > 0 ? from + (picture * 1000) / fps : Number.POSITIVE_INFINITY;
      const nextSound = sound > 0 ? from + audio * sound : Number.POSITIVE_INFINITY;
      if (Math.min(nextPicture, nextSound) >= until) return;
      if (nextSound < nextPicture) {
        this.audio(nextSound);
        audio++;
        continue;
      }
      picture++;
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      const keyframe = nextPicture >= key - 0.001;
      if (keyframe) key += gop;
      this.video(nextPicture + (jitter * seed) / 2 ** 31, keyframe);
    }
  }

  handleSegmentStart(start: SegmentStart): void {
    const { number } = this.window.start(start.date, start.tracks !== undefined);
    this.made.push({ number, start, parts: [], complete: false });
  }

  handlePart(part: MediaPart): void {
    const sound = part.runs.some(({ track }) => track.format.kind === "audio");
    this.window.addPart({ ...part, sound });
    this.made.at(-1)?.parts.push(part);
    this.#dirty = true;
  }

  handleSegmentEnd(): void {
    this.window.end();
    const last = this.made.at(-1);
    if (last !== undefined) last.complete = true;
    this.#dirty = true;
  }
}
