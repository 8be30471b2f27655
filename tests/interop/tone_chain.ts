/**
 * A tone through both transcodings: ffmpeg publishes AAC by RTMP, a second server pulls it by WebRTC
 * as Opus, and ffmpeg decodes the AAC of that one's FLV.
 *
 * @module
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import type { Runtime } from "../runtimes.ts";
import { decibels, delayOf, findTone, RATE } from "../server/codecs/tone.ts";
import { type ServerProcess, startServer } from "../server_process.ts";
import { need } from "../tools.ts";
import { FlvTimes } from "./flv_times.ts";

const FREQUENCY = 440;
const FRAME_MILLIS = 40;
/** What is measured at a time: so short that a stretched tone is still the same one in it. */
const PIECE = RATE / 20;
/** So many, a second, tell the level. */
const PIECES = 20;
/** Until sender reports have put pictures and sound beside each other. */
const SETTLE_MILLIS = 10_000;

export interface ToneFigures {
  /** Of sound that was measured. */
  readonly seconds: number;
  /** Farthest from what was published, in dB. */
  readonly level: number;
  /** Most that a sample is off the tone; its amplitude is 0.4. */
  readonly off: number;
  /** Most that the time of a packet is off where those before it end, in ms. */
  readonly gap: number;
  /** Most that the sound has moved beside the picture since the beginning, in ms. */
  readonly sync: number;
  readonly frames: number;
  /** Packets that the first server dropped, for the second did not read for half a second. */
  readonly dropped: number;
}

/** `millis` of it, in real time. */
export async function toneThroughServers(millis: number, runtime: Runtime): Promise<ToneFigures> {
  const closing: (() => unknown)[] = [];
  try {
    const first = await startServer({ runtime, args: ["--demo", "off"] });
    closing.push(() => first.stop());
    const pull = `live/tone=${first.url}/whep/live/tone`;
    const second = await startServer({
      runtime,
      args: [
        ...["--demo", "off", "--relay.allow", "127.0.0.1"],
        ...["--relay.pull", pull, "--relay.pull_when", "always"],
      ],
    });
    closing.push(() => second.stop());
    const source = publishTone(first, millis / 1000 + 60);
    closing.push(() => source.kill("SIGKILL"));
    const heard = await listen(second, millis);
    const metrics = await (await fetch(`${first.url}/metrics`)).text();
    const dropped = Number(/^monoport_dropped_packets_total (\d+)$/m.exec(metrics)?.[1]);
    return { ...measured(heard), dropped };
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

function publishTone({ port }: ServerProcess, seconds: number) {
  const args = [
    ..."-v error -re -f lavfi -i testsrc=size=160x120:rate=25".split(" "),
    ..."-re -f lavfi -i".split(" "),
    // The sine's own amplitude is 1/8.
    `sine=frequency=${FREQUENCY}:sample_rate=${RATE},volume=3.2,pan=stereo|c0=c0|c1=c0`,
    ..."-c:v libx264 -preset ultrafast -tune zerolatency -threads 1 -pix_fmt yuv420p".split(" "),
    ..."-g 50 -c:a aac -b:a 320k -f flv -t".split(" "),
    String(Math.ceil(seconds)),
    `rtmp://127.0.0.1:${port}/live/tone`,
  ];
  return spawn(need("ffmpeg"), args, { stdio: ["ignore", "ignore", "inherit"] });
}

interface Heard {
  readonly times: FlvTimes;
  /** The left channel. */
  readonly samples: Float32Array;
}

async function listen({ url }: ServerProcess, millis: number): Promise<Heard> {
  const answer = await untilThere(`${url}/live/tone.flv`);
  const decoder = spawn(
    need("ffmpeg"),
    "-v error -f flv -i pipe:0 -map 0:a -ac 2 -f f32le pipe:1".split(" "),
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  decoder.stdin.on("error", () => {}); // it says itself why it ended
  const pcm = collect(decoder, millis / 1000 + 60);
  const times = new FlvTimes();
  const reader = answer.body?.getReader();
  const end = Date.now() + millis;
  while (reader !== undefined && Date.now() < end) {
    const { value, done } = await reader.read();
    if (done) throw new Error("the stream ended");
    times.put(value);
    if (!decoder.stdin.write(value)) await once(decoder.stdin, "drain");
  }
  await reader?.cancel();
  decoder.stdin.end();
  return { times, samples: await pcm };
}

async function untilThere(url: string): Promise<Response> {
  for (let i = 0; i < 150; i++) {
    const answer = await fetch(url);
    if (answer.ok) return answer;
    await answer.body?.cancel();
    await new Promise((wake) => setTimeout(wake, 200));
  }
  throw new Error(`${url} never came`);
}

/** The left channel of all that it writes, `seconds` at most. */
async function collect(
  decoder: ChildProcessByStdio<Writable, Readable, null>,
  seconds: number,
): Promise<Float32Array> {
  const left = new Float32Array(Math.ceil(seconds * RATE));
  let length = 0;
  let rest = Buffer.alloc(0);
  for await (const chunk of decoder.stdout as AsyncIterable<Buffer>) {
    const bytes = Buffer.concat([rest, chunk]);
    let at = 0;
    for (; at + 8 <= bytes.length && length < left.length; at += 8) {
      left[length++] = bytes.readFloatLE(at);
    }
    rest = bytes.subarray(at);
  }
  return left.subarray(0, length);
}

function measured({ times, samples }: Heard): Omit<ToneFigures, "dropped"> {
  const { firstSound, pictures, gap } = times;
  const picture = pictureDelays(pictures);
  const begin = Math.ceil((SETTLE_MILLIS * RATE) / 1000);
  const levels: number[] = [];
  let [off, sync, moved] = [0, 0, 0];
  let before: number | undefined;
  let at = begin;
  for (; at + PIECE * PIECES <= samples.length; at += PIECE * PIECES) {
    let amplitude = 0;
    for (let from = at; from < at + PIECE * PIECES; from += PIECE) {
      const found = findTone(samples.subarray(from, from + PIECE), FREQUENCY);
      amplitude += found.amplitude / PIECES;
      off = Math.max(off, found.worst);
      const millis = firstSound + (from * 1000) / RATE;
      const late = delayOf(found, FREQUENCY, millis) - picture(millis);
      moved += nearest(late - (before ?? late), 1000 / FREQUENCY);
      before = late;
      sync = farther(sync, moved);
    }
    levels.push(decibels(amplitude));
  }
  const level = levels.reduce(farther, 0);
  return { seconds: levels.length, level, off, gap, sync, frames: pictures.length };
}

function farther(a: number, b: number): number {
  return Math.abs(b) > Math.abs(a) ? b : a;
}

/** Of a periodic tone a delay is known up to whole periods; a slip of one would be a click. */
function nearest(delay: number, period: number): number {
  return delay - Math.round(delay / period) * period;
}

/** How much later than it should be a picture of about that time is, beside the first one. */
function pictureDelays(times: readonly number[]): (millis: number) => number {
  let index = 0;
  let delay = 0;
  const first = times[0] ?? 0;
  return (millis) => {
    for (; index < times.length && (times[index] ?? 0) <= millis; index++) {
      const since = (times[index] ?? 0) - first - delay;
      delay += since - Math.round(since / FRAME_MILLIS) * FRAME_MILLIS;
    }
    return delay;
  };
}

/** In words, for who watches. */
export function tellTone({ seconds, level, off, gap, sync, frames }: ToneFigures): string {
  return (
    `${seconds} s of sound, ${frames} pictures; level ${level.toFixed(3)} dB, ` +
    `a sample at most ${off.toFixed(4)} off, packets at most ${gap.toFixed(1)} ms off, ` +
    `sound moved by ${sync.toFixed(2)} ms beside the picture`
  );
}

/** What does not hold, in words. */
export function toneFaults(figures: ToneFigures, millis: number): string[] {
  const { seconds, level, off, gap, sync, dropped } = figures;
  const faults: string[] = [];
  if (dropped > 0) faults.push(`${dropped} packets were dropped: this machine is too busy`);
  if (seconds < millis / 1000 - SETTLE_MILLIS / 1000 - 4) faults.push(`only ${seconds} s of sound`);
  if (Math.abs(level) > 0.1) faults.push(`the level is off by ${level.toFixed(3)} dB`);
  if (off > 0.05) faults.push(`a click: a sample is ${off.toFixed(4)} off`);
  if (gap > 2) faults.push(`a gap: a packet is ${gap.toFixed(1)} ms off`);
  if (Math.abs(sync) > 20) faults.push(`the sound moved by ${sync.toFixed(2)} ms`);
  return faults;
}
