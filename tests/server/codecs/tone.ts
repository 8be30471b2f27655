/** Tones, put in and looked for. @module */
import type { AudioDecoder } from "../../../server/codecs/decoder.ts";
import { AudioEncoder } from "../../../server/codecs/encoder.ts";
import { type CodecExports, compileCodecs, startCodecs } from "../../../server/codecs/module.ts";
import { packedCodecs } from "../../../server/codecs/packed.ts";
import type { TargetCodec } from "../../../server/codecs/sound.ts";

export const RATE = 48_000;

let compiled: Promise<WebAssembly.Module> | undefined;

export async function codecs(): Promise<CodecExports> {
  compiled ??= compileCodecs(packedCodecs());
  return startCodecs(await compiled);
}

/** Interleaved: `frequency` on each channel, with `amplitude`, from the frame `from` on. */
export function tone(
  frequency: number,
  frames: number,
  from = 0,
  channels = 2,
  amplitude = 0.4,
): Float32Array {
  const samples = new Float32Array(frames * channels);
  for (let i = 0; i < frames; i++) {
    const value = amplitude * Math.sin((2 * Math.PI * frequency * (from + i)) / RATE);
    for (let c = 0; c < channels; c++) samples[i * channels + c] = value;
  }
  return samples;
}

export interface Coded {
  readonly data: Uint8Array;
  /** In ms. */
  readonly pts: number;
}

/** Encodes samples that begin at time 0. */
export function encoded(
  module: CodecExports,
  codec: TargetCodec,
  samples: Float32Array,
  channels = 2,
): { readonly packets: Coded[]; readonly format: AudioEncoder["format"] } {
  const encoder = AudioEncoder.open(module, codec, channels, 128_000)!;
  const packets: Coded[] = [];
  for (let at = 0; at < samples.length; at += 960 * channels) {
    const part = samples.subarray(at, at + 960 * channels);
    encoder.encode(inModule(module, part, channels), ({ data, time }) =>
      packets.push({ data, pts: (time * 1000) / RATE }),
    );
  }
  encoder.close();
  return { packets, format: encoder.format };
}

let scratch: { module: CodecExports; at: number } | undefined;

function inModule(module: CodecExports, samples: Float32Array, channels: number) {
  if (scratch?.module !== module) scratch = { module, at: module.bytes_new(960 * 2 * 4) };
  new Float32Array(module.memory.buffer, scratch.at, samples.length).set(samples);
  return { at: scratch.at, frames: samples.length / channels };
}

/** What packets sound like, one after the other: one channel. */
export function heard(
  module: CodecExports,
  decoder: AudioDecoder,
  packets: readonly Coded[],
  channel = 0,
): Float32Array {
  const all: number[] = [];
  for (const { data } of packets) {
    const samples = decoder.decode(data);
    if (samples === undefined) throw new Error("a packet of ours cannot be decoded");
    const floats = new Float32Array(
      module.memory.buffer,
      samples.at,
      samples.frames * decoder.channels,
    );
    for (let i = channel; i < floats.length; i += decoder.channels) all.push(floats[i]!);
  }
  return Float32Array.from(all);
}

export interface Found {
  readonly amplitude: number;
  /** Radians, of the sine at the first frame. */
  readonly phase: number;
  /** The most that any sample is off the sine that was found. */
  readonly worst: number;
}

/** The sine of `frequency` that is in `samples`, by least squares. */
export function findTone(samples: Float32Array, frequency: number): Found {
  let [ss, sc, cc, xs, xc] = [0, 0, 0, 0, 0];
  const step = (2 * Math.PI * frequency) / RATE;
  for (let i = 0; i < samples.length; i++) {
    const [s, c, x] = [Math.sin(step * i), Math.cos(step * i), samples[i]!];
    ss += s * s;
    sc += s * c;
    cc += c * c;
    xs += x * s;
    xc += x * c;
  }
  const det = ss * cc - sc * sc;
  const a = (xs * cc - xc * sc) / det;
  const b = (xc * ss - xs * sc) / det;
  let worst = 0;
  for (let i = 0; i < samples.length; i++) {
    const value = a * Math.sin(step * i) + b * Math.cos(step * i);
    worst = Math.max(worst, Math.abs(samples[i]! - value));
  }
  return { amplitude: Math.hypot(a, b), phase: Math.atan2(b, a), worst };
}

/**
 * How much later than it should a tone is, in ms, -half to +half its period: `samples` begin at
 * `millis`, and the tone had phase 0 at 0.
 */
export function delayOf(found: Found, frequency: number, millis: number): number {
  const period = 1000 / frequency;
  const off = millis - (found.phase / (2 * Math.PI)) * period;
  return off - Math.round(off / period) * period;
}

/** `found` beside `amplitude`, in dB. */
export function decibels(found: number, amplitude = 0.4): number {
  return 20 * Math.log10(found / amplitude);
}
