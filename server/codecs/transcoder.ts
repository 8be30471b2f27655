import { AudioDecoder, type Samples } from "./decoder.ts";
import { AudioEncoder, type Packet } from "./encoder.ts";
import type { CodecExports } from "./module.ts";
import {
  MOST_CHANNELS,
  SAMPLE_RATE,
  type SoundCodec,
  type SoundFormat,
  type TargetCodec,
} from "./sound.ts";

export interface TranscoderOptions {
  readonly from: SoundFormat;
  readonly to: TargetCodec;
  /** In bit/s. */
  readonly bitrate: number;
}

export interface TranscodedPacket {
  readonly data: Uint8Array<ArrayBuffer>;
  /** When a decoder's first frame of it is to be heard, in ms. */
  readonly pts: number;
}

/** Times that differ by so much are a gap or an overlap, below that drift. */
const GAP_MILLIS: Readonly<Record<SoundCodec, number>> = {
  // Packets get lost; their times are exact.
  opus: 18,
  pcma: 18,
  pcmu: 18,
  // Nothing gets lost over TCP; times are rounded to ms and worse.
  aac: 45,
  mp3: 45,
};
/** A longer gap is not filled: the time jumps. */
const LONGEST_FILLED_MILLIS = 1000;
/** What is heard of a gap that is not filled: the sound fades. */
const FADE_MILLIS = 20;
/** Drift is looked at every second, over about the last one. */
const DRIFT_FRAMES = SAMPLE_RATE;
const DRIFT_WEIGHT = 1 / 50;
const DRIFT_DEAD_MILLIS = 0.3;
/** At most 0.1 % of pitch: two cents, which nobody hears. */
const STRETCH_MAX_FRAMES = 48;

/**
 * One track in one codec to another, its time kept.
 *
 * A packet's time is that of the first frame a decoder makes of it. Opus of browsers has the time of
 * capture instead, by the pre-skip too late, and is set right here.
 */
export class Transcoder {
  readonly format: SoundFormat;
  readonly #decoder: AudioDecoder;
  readonly #encoder: AudioEncoder;
  readonly #gap: number;
  readonly #preSkip: number;
  readonly #take: (packet: TranscodedPacket) => void;
  /** Frames given to the encoder so far, and in what time of the source the first would be. */
  #given = 0;
  #base: number | undefined;
  /** Before the last jump: frames below `until` are at `base`. */
  #before: { readonly until: number; readonly base: number } | undefined;
  #drift = 0;
  #stretchAt: number = DRIFT_FRAMES;
  /** Packets that could not be decoded, and such that came too late. */
  bad = 0;
  late = 0;

  private constructor(
    decoder: AudioDecoder,
    encoder: AudioEncoder,
    from: SoundFormat,
    take: (packet: TranscodedPacket) => void,
  ) {
    this.#decoder = decoder;
    this.#encoder = encoder;
    this.#gap = GAP_MILLIS[from.codec];
    this.#preSkip = preSkipOf(from);
    this.#take = take;
    this.format = encoder.format;
  }

  /** `undefined` when the source cannot be decoded, or memory is short. */
  static open(
    codecs: CodecExports,
    { from, to, bitrate }: TranscoderOptions,
    take: (packet: TranscodedPacket) => void,
  ): Transcoder | undefined {
    const channels = Math.min(from.channels, MOST_CHANNELS);
    const decoder = AudioDecoder.open(codecs, from, channels);
    if (decoder === undefined) return undefined;
    const encoder = AudioEncoder.open(codecs, to, channels, bitrate);
    if (encoder !== undefined) return new Transcoder(decoder, encoder, from, take);
    decoder.close();
    return undefined;
  }

  /** `pts` in ms, with fractions. */
  put(data: Uint8Array, pts: number): void {
    const at = pts - this.#preSkip;
    this.#base ??= at;
    let off = at - this.#due();
    if (off < -LONGEST_FILLED_MILLIS || off > LONGEST_FILLED_MILLIS) {
      this.#jump(at);
      off = 0;
    } else if (off <= -this.#gap) {
      this.late++;
      return;
    } else if (off >= this.#gap) {
      this.#encode(this.#decoder.conceal(off));
      off = at - this.#due();
    }
    this.#follow(off);
    const samples = this.#decoder.decode(data);
    if (samples === undefined) this.bad++;
    else this.#encode(samples);
  }

  close(): void {
    this.#decoder.close();
    this.#encoder.close();
  }

  /** When the next packet is due: where the one before ended. */
  #due(): number {
    return this.#timeOf(this.#given + this.#decoder.lag);
  }

  /** In ms, of a frame counted from the first. */
  #timeOf(frame: number): number {
    const before = this.#before;
    const base = before !== undefined && frame < before.until ? before.base : this.#base;
    return (base ?? 0) + (frame * 1000) / SAMPLE_RATE;
  }

  #encode(samples: Samples | undefined): void {
    if (samples === undefined) return;
    this.#given += samples.frames;
    this.#encoder.encode(samples, this.#emit);
  }

  readonly #emit = ({ data, time }: Packet): void => {
    this.#take({ data, pts: this.#timeOf(time) });
  };

  #jump(at: number): void {
    this.#encode(this.#decoder.conceal(FADE_MILLIS));
    const until = this.#given + this.#decoder.lag;
    if (this.#base !== undefined) this.#before = { until, base: this.#base };
    this.#base = at - (until * 1000) / SAMPLE_RATE;
    this.#drift = 0;
  }

  /** The sender's clock and ours differ by some 10 ppm, his times and his samples often by more. */
  #follow(off: number): void {
    this.#drift += (off - this.#drift) * DRIFT_WEIGHT;
    if (this.#given < this.#stretchAt) return;
    this.#stretchAt = this.#given + DRIFT_FRAMES;
    if (Math.abs(this.#drift) < DRIFT_DEAD_MILLIS) return;
    const frames = Math.round((this.#drift * SAMPLE_RATE) / 2000);
    const delta = Math.max(-STRETCH_MAX_FRAMES, Math.min(STRETCH_MAX_FRAMES, frames));
    if (delta !== 0) this.#decoder.stretch(delta, DRIFT_FRAMES);
  }
}

/** In ms, by OpusHead (RFC 7845 §5.1). */
function preSkipOf({ codec, configuration }: SoundFormat): number {
  if (codec !== "opus" || configuration.length < 12) return 0;
  const frames = (configuration[10] ?? 0) | ((configuration[11] ?? 0) << 8);
  return Math.min(frames, SAMPLE_RATE / 10) * (1000 / SAMPLE_RATE);
}
