import assert from "node:assert/strict";
import { test } from "node:test";
import { AudioDecoder } from "../../../server/codecs/decoder.ts";
import type { CodecExports } from "../../../server/codecs/module.ts";
import type { SoundFormat, TargetCodec } from "../../../server/codecs/sound.ts";
import { type TranscodedPacket, Transcoder } from "../../../server/codecs/transcoder.ts";
import { mostlyOnNode } from "../../this_runtime.ts";
import {
  type Coded,
  codecs,
  decibels,
  delayOf,
  encoded,
  findTone,
  heard,
  RATE,
  tone,
} from "./tone.ts";

/** Opus as RTMP and files have it, its times those of what is heard. */
const bare = (format: SoundFormat): SoundFormat =>
  format.codec === "opus" ? { ...format, configuration: new Uint8Array(0) } : format;

/** As configured by default. */
const BITRATE: Readonly<Record<TargetCodec, number>> = { aac: 128_000, opus: 96_000 };

function transcode(
  module: CodecExports,
  from: SoundFormat,
  to: TargetCodec,
  packets: Iterable<Coded>,
): { out: TranscodedPacket[]; transcoder: Transcoder } {
  const out: TranscodedPacket[] = [];
  const bitrate = BITRATE[to];
  const transcoder = Transcoder.open(module, { from, to, bitrate }, (one) => out.push(one));
  assert.ok(transcoder);
  for (const { data, pts } of packets) transcoder.put(data, pts);
  return { out, transcoder };
}

/** The tone in the second after `seconds` of what `packets` say. */
function listen(
  module: CodecExports,
  format: SoundFormat,
  packets: readonly Coded[],
  frequency: number,
  seconds: number,
) {
  const first = packets.findIndex(({ pts }) => pts >= seconds * 1000 - 200);
  const part = packets.slice(first, first + 75);
  const decoder = AudioDecoder.open(module, format, format.channels)!;
  const pcm = heard(module, decoder, part);
  decoder.close();
  const skip = RATE / 5;
  const found = findTone(pcm.subarray(skip, skip + RATE), frequency);
  return { ...found, delay: delayOf(found, frequency, part[0]!.pts + (skip * 1000) / RATE) };
}

for (const [from, to] of [
  ["opus", "aac"],
  ["aac", "opus"],
] as const) {
  test(`a tone from ${from} to ${to} keeps its level, pitch and time`, async () => {
    const module = await codecs();
    for (const frequency of [97, 150, 300, 440, 700, 1000]) {
      const source = encoded(module, from, tone(frequency, RATE * 3));
      const { out, transcoder } = transcode(module, bare(source.format), to, source.packets);
      const found = listen(module, transcoder.format, out, frequency, 1);
      const level = decibels(found.amplitude);
      assert.ok(Math.abs(level) < 0.1, `${frequency} Hz: ${level} dB`);
      assert.ok(Math.abs(found.delay) < 2, `${frequency} Hz: ${found.delay} ms`);
      assert.ok(found.worst < 0.03, `${frequency} Hz: a sample is ${found.worst} off`);
      assert.equal(transcoder.bad + transcoder.late, 0);
    }
  });
}

test("Opus with the times of capture is set right by its pre-skip", async () => {
  const module = await codecs();
  const source = encoded(module, "opus", tone(97, RATE * 3));
  const captured = source.packets.map(({ data, pts }) => ({
    data,
    pts: pts + (312 * 1000) / RATE,
  }));
  const { out, transcoder } = transcode(module, source.format, "aac", captured);
  assert.ok(Math.abs(listen(module, transcoder.format, out, 97, 1).delay) < 0.5);
});

test("mono stays mono", async () => {
  const module = await codecs();
  const source = encoded(module, "opus", tone(440, RATE * 3, 0, 1), 1);
  const { out, transcoder } = transcode(module, bare(source.format), "aac", source.packets);
  assert.equal(transcoder.format.channels, 1);
  assert.ok(Math.abs(decibels(listen(module, transcoder.format, out, 440, 1).amplitude)) < 0.1);
});

test("the packets put out follow each other without a gap", async () => {
  const module = await codecs();
  const source = encoded(module, "aac", tone(440, RATE * 2));
  const { out } = transcode(module, source.format, "opus", source.packets);
  for (let i = 1; i < out.length; i++) {
    assert.ok(Math.abs(out[i]!.pts - out[i - 1]!.pts - 20) < 1e-6);
  }
});

test("G.711 (RFC 3551 §4.5.14) comes out at 48 kHz", async () => {
  const module = await codecs();
  for (const codec of ["pcmu", "pcma"] as const) {
    const packets: Coded[] = [];
    for (let at = 0; at < 8000 * 3; at += 160) {
      const data = new Uint8Array(160);
      for (let i = 0; i < 160; i++) {
        const value = 0.4 * Math.sin((2 * Math.PI * 440 * (at + i)) / 8000);
        data[i] = codec === "pcmu" ? muLaw(value) : aLaw(value);
      }
      packets.push({ data, pts: at / 8 });
    }
    const from = { codec, configuration: new Uint8Array(0), sampleRate: 8000, channels: 1 };
    for (const to of ["aac", "opus"] as const) {
      const { out, transcoder } = transcode(module, from, to, packets);
      const found = listen(module, transcoder.format, out, 440, 1);
      assert.ok(
        Math.abs(decibels(found.amplitude)) < 0.1,
        `${codec}: ${decibels(found.amplitude)}`,
      );
      assert.ok(Math.abs(found.delay) < 1, `${codec}: ${found.delay} ms`);
    }
  }
});

/** ITU-T G.711, of a value from -1 to 1. */
function muLaw(value: number): number {
  const size = Math.min(32_635, Math.abs(Math.round(value * 32_768))) + 132;
  const exponent = Math.floor(Math.log2(size)) - 7;
  return ~((value < 0 ? 0x80 : 0) | (exponent << 4) | ((size >> (exponent + 3)) & 15)) & 0xff;
}

function aLaw(value: number): number {
  const size = Math.min(32_767, Math.abs(Math.round(value * 32_768)));
  const exponent = Math.max(0, Math.floor(Math.log2(size || 1)) - 7);
  const mantissa = (size >> (exponent === 0 ? 4 : exponent + 3)) & 15;
  return ((value < 0 ? 0 : 0x80) | (exponent << 4) | mantissa) ^ 0x55;
}

test("lost packets are concealed, and what follows is in time", async () => {
  const module = await codecs();
  for (const [from, to] of [
    ["opus", "aac"],
    ["aac", "opus"],
  ] as const) {
    const source = encoded(module, from, tone(97, RATE * 5));
    // One packet of every 25, and 300 ms after 1 s.
    const kept = source.packets.filter(({ pts }, i) => i % 25 !== 7 && !(pts > 1000 && pts < 1300));
    assert.ok(kept.length < source.packets.length - 14);
    const { out, transcoder } = transcode(module, bare(source.format), to, kept);
    for (let i = 1; i < out.length; i++) assert.ok(out[i]!.pts - out[i - 1]!.pts < 21.4);
    const { delay } = listen(module, transcoder.format, out, 97, 3);
    assert.ok(Math.abs(delay) < 4, `${from}: ${delay} ms`);
    assert.equal(transcoder.late, 0);
  }
});

test("a gap of more than a second is not filled, and the time after it is right", async () => {
  const module = await codecs();
  const source = encoded(module, "aac", tone(97, RATE * 4));
  const later = source.packets.map(({ data, pts }) => ({
    data,
    pts: pts > 1500 ? pts + 5000 : pts,
  }));
  const { out, transcoder } = transcode(module, source.format, "opus", later);
  const steps = out.map(({ pts }, i) => pts - (out[i - 1]?.pts ?? pts - 20));
  assert.equal(steps.filter((step) => step > 30).length, 1);
  assert.ok(steps.every((step) => step > 0));
  const found = listen(module, transcoder.format, out, 97, 7.5);
  const off = found.delay - (5000 % (1000 / 97));
  const period = 1000 / 97;
  assert.ok(Math.abs(off - Math.round(off / period) * period) < 2, `${found.delay}`);
});

test("packets that come too late are dropped", async () => {
  const module = await codecs();
  const source = encoded(module, "opus", tone(440, RATE));
  const doubled = source.packets.flatMap((one) => [one, one]);
  const { out, transcoder } = transcode(module, bare(source.format), "aac", doubled);
  assert.ok(Math.abs(out.length - 46) < 3, `${out.length}`);
  assert.ok(transcoder.late > 40);
});

test("a clock 300 ppm off is followed for minutes, without a click", async () => {
  const module = await codecs();
  const seconds = process.env["SOAK"] === "1" ? 600 : mostlyOnNode(40, 10);
  for (const ppm of [300, -300]) {
    const source = encoded(module, "aac", tone(97, RATE * seconds));
    const off = source.packets.map(({ data, pts }) => ({
      data,
      // As RTMP has it, in whole ms.
      pts: Math.round(pts * (1 + ppm / 1e6)),
    }));
    const { out, transcoder } = transcode(module, source.format, "opus", off);
    for (let i = 1; i < out.length; i++) assert.ok(out[i]!.pts - out[i - 1]!.pts - 20 < 1e-6);
    assert.equal(transcoder.late, 0);
    const last = off.at(-1)!.pts;
    assert.ok(Math.abs(last - out.at(-1)!.pts) < 60, `${last} ${out.at(-1)!.pts}`);
    const at = seconds - 3;
    const frequency = 97 / (1 + ppm / 1e6);
    const found = listen(module, transcoder.format, out, frequency, at);
    assert.ok(Math.abs(found.delay) < 2, `${ppm} ppm: ${found.delay} ms`);
    assert.ok(found.worst < 0.05, `${ppm} ppm: a sample is ${found.worst} off`);
  }
});
