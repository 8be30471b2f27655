/**
 * What transcoding costs: % of a core for one track, CPU time of all threads. `npx node
 * bench/codecs.ts`, `npx deno run -A bench/codecs.ts`, `npx bun bench/codecs.ts`.
 */
import "./help.ts";
import process from "node:process";
import type { TargetCodec } from "../server/codecs/mod.ts";
import { Transcoder } from "../server/codecs/transcoder.ts";
import { codecs, encoded, RATE, tone } from "../tests/server/codecs/tone.ts";
import { runtimeName } from "./harness.ts";

const SECONDS = 20;
const ROUNDS = 3;
const FREQUENCIES = [110, 277, 440, 1234, 3520, 7040];

/** Tones and noise, different on each side: harder than a tone. */
function music(): Float32Array {
  const samples = new Float32Array(RATE * SECONDS * 2);
  let noise = 1;
  for (let i = 0; i < samples.length; i++) {
    noise = (Math.imul(noise, 1_664_525) + 1_013_904_223) | 0;
    let value = (noise / 2 ** 31) * 0.05;
    for (const f of FREQUENCIES) value += 0.08 * Math.sin((i * f * (1 + (i & 1) / 50)) / 15_279);
    samples[i] = value;
  }
  return samples;
}

const module = await codecs();
const sounds = { music: music(), tone: tone(440, RATE * SECONDS) };
console.log(`transcoding of 48 kHz stereo, ${runtimeName()}: % of a core, best of ${ROUNDS}`);
for (const [from, to, sound] of [
  ["opus", "aac", "music"],
  ["opus", "aac", "tone"],
  ["aac", "opus", "music"],
] as [TargetCodec, TargetCodec, keyof typeof sounds][]) {
  const { packets, format } = encoded(module, from, sounds[sound]);
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const options = { from: format, to, bitrate: 128_000 };
    const transcoder = Transcoder.open(module, options, () => {});
    const before = process.cpuUsage();
    for (const { data, pts } of packets) transcoder?.put(data, pts);
    const { user, system } = process.cpuUsage(before);
    transcoder?.close();
    best = Math.min(best, (user + system) / 1e6 / SECONDS);
  }
  console.log(`  ${from} to ${to}, ${sound}`.padEnd(26), `${(best * 100).toFixed(2)} %`);
}
console.log(`  memory of the module: ${(module.memory.buffer.byteLength / 2 ** 20).toFixed(1)} MB`);
