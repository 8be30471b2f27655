import type { Frame, FrameFormat, FrameSink } from "../../core/stream/mod.ts";
import {
  isSoundCodec,
  type SoundFormat,
  type TargetCodec,
  type Transcoders,
  type Transcoding,
} from "../codecs/mod.ts";

/** Frames of sound kept for who begins with the last keyframe: 20 s. */
export const RECENT_MAX = 1000;

/** Takes the sound that comes out. */
export interface SoundSink {
  handleFormat(format: FrameFormat): void;
  handleFrame(frame: Frame): void;
}

/** The sound of one stream in one codec, for all who want it: as it came where it is in that codec. */
export class TranscodedSound implements FrameSink {
  readonly #transcoders: Transcoders;
  readonly #to: TargetCodec;
  readonly #bitrate: number;
  /** Replaced, never changed in place: a sink may leave while a frame is on its way. */
  #sinks: readonly SoundSink[] = [];
  #source: FrameFormat | undefined;
  #format: FrameFormat | undefined;
  #transcoding: Transcoding | undefined;
  /** Since the last keyframe of the video. */
  #recent: Frame[] = [];
  #keyframeSeen = false;
  /** Of the source's last frame, in ms. */
  latest: number = Number.NEGATIVE_INFINITY;
  #lastDts: number = Number.NEGATIVE_INFINITY;

  constructor(transcoders: Transcoders, to: TargetCodec, bitrate: number) {
    this.#transcoders = transcoders;
    this.#to = to;
    this.#bitrate = bitrate;
  }

  get format(): FrameFormat | undefined {
    return this.#format;
  }

  /** Frames since the last keyframe of the video. */
  get recent(): readonly Frame[] {
    return this.#recent;
  }

  get used(): boolean {
    return this.#sinks.length > 0;
  }

  add(sink: SoundSink): void {
    this.#sinks = [...this.#sinks, sink];
  }

  remove(sink: SoundSink): void {
    this.#sinks = this.#sinks.filter((one) => one !== sink);
  }

  handleFormat(format: FrameFormat): void {
    if (format.kind !== "audio") return;
    this.#stop();
    this.#source = format;
    if (format.codec === this.#to) this.#tellFormat(format);
    else this.#start(format);
  }

  handleFrame(frame: Frame): void {
    if (frame.kind === "video") {
      this.#handlePicture(frame);
      return;
    }
    this.latest = frame.pts;
    if (this.#source?.codec === this.#to) this.#tellFrame(frame);
    else this.#transcoding?.put(frame.data, frame.pts);
  }

  handleEnd(): void {
    this.#stop();
    this.#source = undefined;
    this.#format = undefined;
    this.#recent = [];
    this.#keyframeSeen = false;
    this.#lastDts = Number.NEGATIVE_INFINITY;
  }

  #start({ codec, configuration, sampleRate, channels }: FrameFormat): void {
    if (!isSoundCodec(codec)) return;
    const from: SoundFormat = { codec, configuration, sampleRate, channels };
    let current = true;
    const transcoding = this.#transcoders.open(
      { from, to: this.#to, bitrate: this.#bitrate },
      {
        handleFormat: (format) => current && this.#tellFormat(frameFormat(format)),
        handlePacket: ({ data, pts }) => current && this.#tellSound(data, pts),
      },
    );
    this.#transcoding = transcoding && {
      put: transcoding.put,
      close: () => {
        current = false;
        transcoding.close();
      },
    };
  }

  #stop(): void {
    this.#transcoding?.close();
    this.#transcoding = undefined;
  }

  #handlePicture(frame: Frame): void {
    if (!frame.keyframe) return;
    this.#keyframeSeen = true;
    this.#recent = this.#recent.filter(({ dts }) => dts >= frame.dts);
  }

  #tellFormat(format: FrameFormat): void {
    this.#format = format;
    this.#recent = [];
    for (const sink of this.#sinks) sink.handleFormat(format);
  }

  #tellSound(data: Uint8Array, pts: number): void {
    // After a thread was started anew the first ones may lie before the last.
    if (pts < this.#lastDts) return;
    this.#tellFrame({ kind: "audio", dts: pts, pts, keyframe: true, data });
  }

  #tellFrame(frame: Frame): void {
    this.#lastDts = frame.dts;
    if (this.#keyframeSeen) {
      if (this.#recent.length >= RECENT_MAX) this.#recent = [];
      this.#recent.push(frame);
    }
    for (const sink of this.#sinks) sink.handleFrame(frame);
  }
}

function frameFormat({ codec, configuration, sampleRate, channels }: SoundFormat): FrameFormat {
  const codecString = codec === "aac" ? "mp4a.40.2" : codec;
  const size = { width: 0, height: 0 };
  return { kind: "audio", codec, codecString, configuration, ...size, sampleRate, channels };
}
