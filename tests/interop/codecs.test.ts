import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { concat } from "../../core/bytes/mod.ts";
import { AudioDecoder } from "../../server/codecs/decoder.ts";
import type { SoundFormat } from "../../server/codecs/sound.ts";
import { Transcoder } from "../../server/codecs/transcoder.ts";
import {
  type Coded,
  codecs,
  decibels,
  encoded,
  findTone,
  heard,
  RATE,
  tone,
} from "../server/codecs/tone.ts";
import { need } from "../tools.ts";

const SECONDS = 3;

/** What ffmpeg makes of `input`; fails when it has anything to say. */
function ffmpeg(args: readonly string[], input: Uint8Array = new Uint8Array(0)): Uint8Array {
  const { status, stdout, stderr } = spawnSync(
    need("ffmpeg"),
    ["-v", "warning", "-nostdin", ...args, "pipe:1"],
    { input, timeout: 90_000, maxBuffer: 1 << 26 },
  );
  assert.equal(String(stderr), "");
  assert.equal(status, 0);
  return new Uint8Array(stdout);
}

/** The first channel of interleaved little-endian floats. */
function firstChannel(bytes: Uint8Array, channels: number): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames = Math.floor(bytes.length / 4 / channels);
  return Float32Array.from({ length: frames }, (_, i) => view.getFloat32(i * channels * 4, true));
}

const PCM = ["-f", "f32le", "-c:a", "pcm_f32le", "-ar", String(RATE), "-ac", "2"];

test("ffmpeg decodes our AAC without a warning, and hears the tone", async () => {
  const { packets } = encoded(await codecs(), "aac", tone(440, RATE * SECONDS));
  const adts = concat(packets.map(({ data }) => withAdts(data)));
  const pcm = firstChannel(ffmpeg(["-f", "aac", "-i", "pipe:0", ...PCM], adts), 2);
  assert.ok(Math.abs(decibels(findTone(pcm.subarray(RATE, 2 * RATE), 440).amplitude)) < 0.1);
});

test("ffmpeg decodes our Opus without a warning, and hears the tone", async () => {
  const { packets, format } = encoded(await codecs(), "opus", tone(440, RATE * SECONDS));
  const file = ogg(format.configuration, packets);
  const pcm = firstChannel(ffmpeg(["-f", "ogg", "-i", "pipe:0", ...PCM], file), 2);
  assert.ok(Math.abs(decibels(findTone(pcm.subarray(RATE, 2 * RATE), 440).amplitude)) < 0.1);
});

/** A tone of -6 dBFS by ffmpeg. */
const sine = (rate: number, codec: string, form: string, ...more: string[]) =>
  ffmpeg([
    ...["-f", "lavfi", "-i", `aevalsrc=0.4*sin(2*PI*440*t)|0.4*sin(2*PI*440*t):s=${rate}`],
    ...["-t", String(SECONDS), "-c:a", codec, "-b:a", "128k", ...more, "-f", form],
  ]);

async function goesThrough(
  from: SoundFormat,
  packets: readonly Coded[],
  amplitude = 0.4,
): Promise<void> {
  const module = await codecs();
  const to = from.codec === "opus" ? "aac" : "opus";
  const out: Coded[] = [];
  const transcoder = Transcoder.open(module, { from, to, bitrate: 128_000 }, (one) =>
    out.push(one),
  );
  assert.ok(transcoder);
  for (const { data, pts } of packets) transcoder.put(data, pts);
  assert.equal(transcoder.bad, 0);
  const decoder = AudioDecoder.open(module, transcoder.format, 2)!;
  const found = findTone(heard(module, decoder, out).subarray(RATE, 2 * RATE), 440);
  const level = decibels(found.amplitude, amplitude);
  assert.ok(Math.abs(level) < 0.1, `${level} dB`);
  assert.ok(found.worst < 0.06, `a sample is ${found.worst} off`);
}

test("we decode ffmpeg's AAC of 44.1 and 48 kHz", async () => {
  for (const rate of [44_100, 48_000]) {
    const packets: Coded[] = [];
    const bytes = sine(rate, "aac", "adts", "-aac_coder", "fast");
    for (let at = 0; at < bytes.length; ) {
      const size = ((bytes[at + 3]! & 3) << 11) | (bytes[at + 4]! << 3) | (bytes[at + 5]! >> 5);
      packets.push({
        data: bytes.subarray(at + 7, at + size),
        pts: (packets.length * 1024_000) / rate,
      });
      at += size;
    }
    // AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1): AAC-LC, stereo.
    const index = rate === 48_000 ? 3 : 4;
    const configuration = Uint8Array.of((2 << 3) | (index >> 1), ((index & 1) << 7) | (2 << 3));
    await goesThrough({ codec: "aac", configuration, sampleRate: rate, channels: 2 }, packets);
  }
});

test("we decode ffmpeg's MP3", async () => {
  const bytes = sine(44_100, "libmp3lame", "mp3", "-write_xing", "0", "-id3v2_version", "0");
  const packets: Coded[] = [];
  for (let at = 0; at < bytes.length; ) {
    assert.equal(bytes[at], 0xff);
    const size = Math.floor((144 * 128_000) / 44_100) + ((bytes[at + 2]! >> 1) & 1);
    packets.push({
      data: bytes.subarray(at, at + size),
      pts: (packets.length * 1152_000) / 44_100,
    });
    at += size;
  }
  const configuration = new Uint8Array(0);
  const from = { codec: "mp3", configuration, sampleRate: 44_100, channels: 2 } as const;
  await goesThrough(from, packets, 0.4 * 0.95); // LAME makes everything quieter by that
});

test("we decode ffmpeg's Opus", async () => {
  const bytes = sine(RATE, "libopus", "ogg");
  const packets = oggPackets(bytes).slice(2);
  const timed = packets.map((data, i) => ({ data, pts: i * 20 }));
  const configuration = new Uint8Array(0);
  await goesThrough({ codec: "opus", configuration, sampleRate: RATE, channels: 2 }, timed);
});

/** ISO/IEC 13818-7 §6.2: AAC-LC, 48 kHz, stereo. */
function withAdts(data: Uint8Array): Uint8Array {
  const size = data.length + 7;
  const head = [0xff, 0xf1, 0x4c, 0x80 | (size >> 11), (size >> 3) & 0xff];
  return concat([Uint8Array.of(...head, ((size & 7) << 5) | 0x1f, 0xfc), data]);
}

/** RFC 3533 §6, a packet to a page; RFC 7845. */
function ogg(head: Uint8Array, packets: readonly Coded[]): Uint8Array {
  const text = (words: string) => new TextEncoder().encode(words);
  const tags = concat([text("OpusTags"), Uint8Array.of(1, 0, 0, 0), text("x"), new Uint8Array(4)]);
  const pages = [page(head, 0, 0, 2), page(tags, 0, 1, 0)];
  packets.forEach(({ data }, i) => {
    const last = i === packets.length - 1;
    pages.push(page(data, (i + 1) * 960, i + 2, last ? 4 : 0));
  });
  return concat(pages);
}

function page(data: Uint8Array, granule: number, number: number, flags: number): Uint8Array {
  const lacing = new Uint8Array(Math.floor(data.length / 255) + 1).fill(255);
  lacing[lacing.length - 1] = data.length % 255;
  const bytes = new Uint8Array(27 + lacing.length + data.length);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode("OggS"));
  bytes[5] = flags;
  view.setUint32(6, granule, true);
  view.setUint32(14, 1, true);
  view.setUint32(18, number, true);
  bytes[26] = lacing.length;
  bytes.set(lacing, 27);
  bytes.set(data, 27 + lacing.length);
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000_0000 ? (crc << 1) ^ 0x04c1_1db7 : crc << 1;
  }
  view.setUint32(22, crc >>> 0, true);
  return bytes;
}

function oggPackets(bytes: Uint8Array): Uint8Array[] {
  const packets: Uint8Array[] = [];
  let open: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const lacing = bytes.subarray(at + 27, at + 27 + bytes[at + 26]!);
    at += 27 + lacing.length;
    for (const size of lacing) {
      open.push(bytes.subarray(at, at + size));
      at += size;
      if (size === 255) continue;
      packets.push(concat(open));
      open = [];
    }
  }
  return packets;
}
