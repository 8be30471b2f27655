import assert from "node:assert/strict";
import { test } from "node:test";
import type { Runtime, ThreadHandler } from "../../../core/base/mod.ts";
import { loadRuntime } from "../../../runtime/mod.ts";
import { bundled, unbundled } from "../../../server/codecs/bundle.ts";
import { OPEN_MILLIS, WAITING_MAX } from "../../../server/codecs/lane.ts";
import type { ToThread } from "../../../server/codecs/messages.ts";
import {
  type SoundFormat,
  type TranscodedPacket,
  Transcoders,
  type Transcoding,
} from "../../../server/codecs/mod.ts";
import { TRACKS_PER_THREAD } from "../../../server/codecs/transcoders.ts";
import { Log } from "../../../server/log.ts";
import { serverMetrics } from "../../../server/metrics.ts";
import { codecs, encoded, RATE, tone } from "./tone.ts";

const runtime = await loadRuntime();

interface Listener {
  formats: SoundFormat[];
  packets: TranscodedPacket[];
}

function opened(
  t: { after(done: () => void): void },
  startThread: Runtime["startThread"] = (code, handler) => runtime.startThread(code, handler),
  max = 100,
) {
  const lines: string[] = [];
  const metrics = serverMetrics();
  const log = new Log({ wallClock: () => 0, print: (line) => lines.push(line) }, "info");
  const { now, wakeAt } = runtime;
  const transcoders = new Transcoders({
    runtime: { startThread, now, wakeAt },
    log,
    metrics,
    max,
  });
  t.after(() => transcoders.close());
  return { transcoders, metrics, lines };
}

const source = encoded(await codecs(), "aac", tone(440, RATE * 2));
const options = { from: source.format, to: "opus", bitrate: 96_000 } as const;

function listener(): Listener & Parameters<Transcoders["open"]>[1] {
  const formats: SoundFormat[] = [];
  const packets: TranscodedPacket[] = [];
  return {
    formats,
    packets,
    handleFormat: (format) => formats.push(format),
    handlePacket: (packet) => packets.push(packet),
  };
}

function feed(
  transcoding: Transcoding | undefined,
  from = 0,
  to: number = source.packets.length,
): void {
  assert.ok(transcoding);
  for (const { data, pts } of source.packets.slice(from, to)) transcoding.put(data, pts);
}

async function until(done: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 3000 && !done(); i++) await new Promise((go) => setTimeout(go, 10));
  assert.ok(done(), what);
}

test("a track is transcoded in a thread, its format told first", async (t) => {
  const { transcoders, lines } = opened(t);
  const ear = listener();
  feed(transcoders.open(options, ear));
  assert.equal(transcoders.active, 1);
  await until(() => ear.packets.length >= 95, `${ear.packets.length} packets: ${lines}`);
  assert.equal(ear.formats.length, 1);
  assert.equal(ear.formats[0]?.codec, "opus");
  assert.equal(lines.length, 0);
});

test("where no thread can be had, the main one does it and says so once", async (t) => {
  const { transcoders, lines } = opened(t, () => {
    throw new Error("none here");
  });
  const ears = [listener(), listener()];
  for (const ear of ears) feed(transcoders.open(options, ear));
  await until(() => ears.every(({ packets }) => packets.length >= 95), "no sound");
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /main thread.*none here/);
});

test("a thread that ends is started again, and costs a moment of sound", async (t) => {
  const handlers: ThreadHandler[] = [];
  const { transcoders, metrics } = opened(t, (code, handler) => {
    handlers.push(handler);
    return runtime.startThread(code, handler);
  });
  const ear = listener();
  const transcoding = transcoders.open(options, ear);
  feed(transcoding, 0, 40);
  await until(() => ear.packets.length > 30, "no sound before");
  handlers[0]?.ended(new Error("gone"));
  const before = ear.packets.length;
  feed(transcoding, 40);
  await until(() => ear.packets.length > before + 40, "no sound after");
  assert.equal(handlers.length, 2);
  assert.equal(metrics.value("monoport_transcode_restarts_total"), 1);
  assert.equal(ear.formats.length, 2);
});

test("code that throws ends the thread, which is told", async (t) => {
  const alive = setInterval(() => {}, 100); // a thread alone does not keep the process
  t.after(() => clearInterval(alive));
  const error = await new Promise<Error>((ended) => {
    const thread = runtime.startThread("globalThis.onmessage = () => { throw new Error('so') }", {
      message: () => {},
      ended,
    });
    thread.post(1);
  });
  assert.match(error.message, /so|ended/);
});

test("what muxers want goes to the thread by threes, what is for viewers in real time at once", (t) => {
  const timers: (() => void)[] = [];
  const posted: ToThread[] = [];
  const transcoders = new Transcoders({
    runtime: {
      startThread: () => ({ post: (one) => posted.push(one as ToThread), close: () => {} }),
      now: () => 0,
      wakeAt: (_, fire) => {
        timers.push(fire);
        return { [Symbol.dispose]: () => {} };
      },
    },
    log: new Log({ wallClock: () => 0, print: () => {} }, "info"),
    metrics: serverMetrics(),
    max: 10,
  });
  t.after(() => transcoders.close());
  const times = (): (readonly number[])[] =>
    posted.splice(0).flatMap((one) => (one.kind === "put" ? [one.packets.times] : []));
  const muxed = transcoders.open({ ...options, to: "aac" }, listener());
  const gone = transcoders.open({ ...options, to: "aac" }, listener());
  const live = transcoders.open(options, listener());
  timers.shift()?.(); // two of them are opened together
  feed(live, 0, 1);
  assert.equal(times().length, 1);
  feed(muxed, 0, 3);
  feed(gone, 0, 3);
  gone?.close();
  assert.equal(times().length, 0);
  assert.equal(timers.length, 1);
  timers[0]?.();
  assert.deepEqual(times(), [source.packets.slice(0, 3).map(({ pts }) => pts)]);
});

test("a publisher who changes his format all the time keeps no thread from others: tracks are opened now and then", (t) => {
  const posted: string[] = [];
  const timers: (() => void)[] = [];
  let now = 0;
  const transcoders = new Transcoders({
    runtime: {
      startThread: () => ({
        post: (one) => posted.push((one as ToThread).kind),
        close: () => {},
      }),
      now: () => now,
      wakeAt: (_, fire) => {
        timers.push(fire);
        return { [Symbol.dispose]: () => {} };
      },
    },
    log: new Log({ wallClock: () => 0, print: () => {} }, "info"),
    metrics: serverMetrics(),
    max: 10,
  });
  t.after(() => transcoders.close());
  const keeps = transcoders.open(options, listener());
  for (let i = 0; i < 1000; i++) transcoders.open(options, listener())?.close();
  const last = transcoders.open(options, listener());
  feed(last, 0, 2);
  assert.deepEqual(posted.splice(0), ["open"]);
  now += OPEN_MILLIS;
  timers[0]?.();
  assert.deepEqual(posted.splice(0), ["open", "put"], "and what was put before is not lost");
  feed(keeps, 0, 1);
  assert.deepEqual(posted, ["put"]);
});

test("packets survive their way to a thread and back", () => {
  const packets = [
    { data: Uint8Array.of(1, 2, 3), pts: 0.5 },
    { data: new Uint8Array(0), pts: 20 },
    { data: Uint8Array.of(4), pts: -40 },
  ];
  assert.deepEqual(unbundled(bundled(packets)), packets);
  assert.deepEqual(unbundled(bundled([])), []);
});

test("what the thread does not keep up with is dropped and counted", async (t) => {
  const { transcoders, metrics } = opened(t, () => ({ post: () => {}, close: () => {} }));
  const transcoding = transcoders.open(options, listener());
  for (let i = 0; i < WAITING_MAX + 10; i++) transcoding?.put(new Uint8Array(10), i * 20);
  assert.equal(metrics.value("monoport_transcode_dropped_total", "queue-full"), 10);
});

test("so many tracks and no more, so many to a thread", (t) => {
  let threads = 0;
  const startThread = () => {
    threads++;
    return { post: () => {}, close: () => {} };
  };
  const { transcoders, lines } = opened(t, startThread, TRACKS_PER_THREAD + 1);
  const open = () => transcoders.open(options, listener());
  const first = Array.from({ length: TRACKS_PER_THREAD + 1 }, open);
  assert.ok(first.every((one) => one !== undefined));
  assert.equal(threads, 2);
  assert.equal(open(), undefined);
  assert.match(lines[0] ?? "", /limits.transcodes/);
  first[0]?.close();
  assert.ok(open());
  assert.equal(threads, 2);
});

test("a source that cannot be decoded gives nothing and harms no other", async (t) => {
  const { transcoders, lines } = opened(t);
  const bad = listener();
  const from = { ...source.format, configuration: new Uint8Array(0), sampleRate: 0 };
  transcoders.open({ ...options, from }, bad)?.put(new Uint8Array(10), 0);
  const ear = listener();
  feed(transcoders.open(options, ear));
  await until(() => ear.packets.length >= 95, "no sound");
  assert.equal(bad.packets.length + bad.formats.length, 0);
  assert.match(lines[0] ?? "", /cannot be decoded/);
});
