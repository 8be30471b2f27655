import type { Frame, FrameFormat, FrameSink } from "../../core/stream/mod.ts";
import {
  isSoundCodec,
  type SoundFormat,
  type TargetCodec,
  type Transcoders,
  type Transcoding,
} from "../codecs/mod.ts";

/** Sound kept for who begins with the last keyframe: frames, and their bytes. */
export const RECENT_MAX = 3000;
export const RECENT_MAX_BYTES: number = 4 * 1024 * 1024;
/** Where there was no room for one more transcoding it is tried again after so many packets. */
const AGAIN_PACKETS = 250;

/** Takes the sound that comes out. */
export interface SoundSink {
  handleFormat(format: FrameFormat): void;
  handleFrame(frame: Frame): void;
}

/** The sound of one stream in one codec, for all who want it: as it came where it is in that codec. */
export class TranscodedSound implements FrameSink {
  /** Those who do not wait. */
  readonly #hurried = new Set<SoundSink>();
  readonly #transcoders: Pick<Transcoders, "open">;
  readonly #to: TargetCodec;
  readonly #bitrate: number;
  /** Replaced, never changed in place: a sink may leave while a frame is on its way. */
  #sinks: readonly SoundSink[] = [];
  #source: FrameFormat | undefined;
  #format: FrameFormat | undefined;
  #transcoding: Transcoding | undefined;
  /** Of the format before, of which the rest is still to come. */
  #ending: Transcoding | undefined;
  /** Packets since there was no room. */
  #refused = 0;
  /** Since the last keyframe of the video. */
  #recent: Frame[] = [];
  #recentBytes = 0;
  #keyframeSeen = false;
  /** Of the source's last frame, in ms. */
  latest: number = Number.NEGATIVE_INFINITY;
  #lastDts: number = Number.NEGATIVE_INFINITY;

  constructor(transcoders: Pick<Transcoders, "open">, to: TargetCodec, bitrate: number) {
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

  /** Up to when sound was given to a transcoder and may still come; `undefined` where none was. */
  get coming(): number | undefined {
    const given = this.#transcoding !== undefined && this.latest > Number.NEGATIVE_INFINITY;
    return given ? this.latest : undefined;
  }

  /** Up to when sound has come. */
  get come(): number {
    return this.#lastDts;
  }

  /** `patient`: it may have to wait for its sound. */
  add(sink: SoundSink, patient = false): void {
    this.#sinks = [...this.#sinks, sink];
    if (!patient) this.#hurried.add(sink);
    this.#transcoding?.setPatience(this.#patient);
  }

  remove(sink: SoundSink): void {
    this.#sinks = this.#sinks.filter((one) => one !== sink);
    this.#hurried.delete(sink);
    this.#transcoding?.setPatience(this.#patient);
  }

  get #patient(): boolean {
    return this.used && this.#hurried.size === 0;
  }

  handleFormat(format: FrameFormat): void {
    if (format.kind !== "audio") return;
    this.#ending?.close();
    this.#ending = this.#transcoding;
    this.#transcoding = undefined;
    this.#ending?.finish();
    this.#source = format;
    this.#refused = 0;
    if (format.codec === this.#to) this.#tellFormat(format);
    else this.#start(format);
  }

  handleFrame(frame: Frame): void {
    if (frame.kind === "video") {
      this.#handlePicture(frame);
      return;
    }
    this.latest = frame.pts;
    const source = this.#source;
    if (source?.codec === this.#to) {
      this.#tellFrame(frame);
      return;
    }
    if (this.#transcoding === undefined && source !== undefined) {
      if (++this.#refused % AGAIN_PACKETS === 0) this.#start(source);
    }
    this.#transcoding?.put(frame.data, frame.pts);
  }

  handleEnd(): void {
    this.#transcoding?.close();
    this.#transcoding = undefined;
    this.#ending?.close();
    this.#ending = undefined;
    this.#source = undefined;
    this.#format = undefined;
    this.#keep([]);
    this.#keyframeSeen = false;
    this.latest = Number.NEGATIVE_INFINITY;
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
      ...transcoding,
      close: () => {
        current = false;
        transcoding.close();
      },
    };
    transcoding?.setPatience(this.#patient);
  }

  #handlePicture(frame: Frame): void {
    if (!frame.keyframe) return;
    this.#keyframeSeen = true;
    this.#keep(this.#recent.filter(({ dts }) => dts >= frame.dts));
  }

  #keep(recent: Frame[]): void {
    this.#recent = recent;
    this.#recentBytes = recent.reduce((sum, { data }) => sum + data.length, 0);
  }

  #tellFormat(format: FrameFormat): void {
    this.#ending?.close();
    this.#ending = undefined;
    // A thread that was started anew, or another rate of the source: nobody need know.
    if (this.#format !== undefined && isSame(this.#format, format)) return;
    this.#format = format;
    this.#keep([]);
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
      this.#recentBytes += frame.data.length;
      this.#recent.push(frame);
      const full = this.#recent.length > RECENT_MAX || this.#recentBytes > RECENT_MAX_BYTES;
      if (full) this.#keep([]);
    }
    for (const sink of this.#sinks) sink.handleFrame(frame);
  }
}

function isSame(a: FrameFormat, b: FrameFormat): boolean {
  if (a.codec !== b.codec || a.sampleRate !== b.sampleRate || a.channels !== b.channels)
    return false;
  const [one, other] = [a.configuration, b.configuration];
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}

function frameFormat({ codec, configuration, sampleRate, channels }: SoundFormat): FrameFormat {
  const codecString = codec === "aac" ? "mp4a.40.2" : codec;
  const size = { width: 0, height: 0 };
  return { kind: "audio", codec, codecString, configuration, ...size, sampleRate, channels };
}
