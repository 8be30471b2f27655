import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Thread, ThreadHandler } from "../../../core/base/mod.ts";
import { loadRuntime } from "../../../runtime/mod.ts";
import { bundled } from "../../../server/codecs/bundle.ts";
import {
  FLYING_MAX,
  WAITING_MAX,
  WAITING_MAX_BYTES,
  WAITING_MILLIS,
} from "../../../server/codecs/lane.ts";
import type { FromThread, ToThread } from "../../../server/codecs/messages.ts";
import {
  type TranscodedPacket,
  type TranscodedSink,
  Transcoders,
} from "../../../server/codecs/mod.ts";
import { TRACKS_PER_THREAD } from "../../../server/codecs/transcoders.ts";
import { Log } from "../../../server/log.ts";
import { serverMetrics } from "../../../server/metrics.ts";
import { codecs, encoded, RATE, tone } from "./tone.ts";

const runtime = await loadRuntime();
const source = encoded(await codecs(), "aac", tone(440, RATE));
const options = { from: source.format, to: "opus", bitrate: 96_000 } as const;

/** A thread by hand, or a real one whose messages are seen. */
interface Seen {
  readonly posted: ToThread[];
  readonly handler: ThreadHandler;
  readonly thread: Thread | undefined;
}

function kill({ thread, handler }: Seen): void {
  thread?.close();
  handler.ended(new Error("killed"));
}

function opened(
  t: TestContext,
  { real = false, now = () => 0, refuses = "" }: Partial<Setting> = {},
) {
  const threads: Seen[] = [];
  const metrics = serverMetrics();
  const lines: string[] = [];
  const startThread = (code: string, handler: ThreadHandler): Thread => {
    const posted: ToThread[] = [];
    const thread = real ? runtime.startThread(code, handler) : undefined;
    threads.push({ posted, handler, thread });
    return {
      post: (message, transfer) => {
        if ((message as ToThread).kind === refuses) throw new DOMException("", "DataCloneError");
        posted.push(message as ToThread);
        thread?.post(message, transfer);
      },
      close: () => thread?.close(),
    };
  };
  const wakeAt = real ? runtime.wakeAt : () => ({ [Symbol.dispose]: () => {} });
  const transcoders = new Transcoders({
    runtime: { startThread, now: real ? runtime.now : now, wakeAt },
    log: new Log({ wallClock: () => 0, print: (line) => lines.push(line) }, "info"),
    metrics,
    max: 100,
  });
  t.after(() => transcoders.close());
  return { transcoders, threads, metrics, lines };
}

interface Setting {
  readonly real: boolean;
  readonly now: () => number;
  /** Kind of message that cannot be sent. */
  readonly refuses: string;
}

function ear(): TranscodedSink & { readonly packets: TranscodedPacket[] } {
  const packets: TranscodedPacket[] = [];
  return {
    packets,
    handleFormat: () => {},
    handlePacket: (packet) => packets.push(packet),
  };
}

async function until(done: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 3000 && !done(); i++) await new Promise((go) => setTimeout(go, 10));
  assert.ok(done(), what);
}

const putsOf = ({ posted }: Seen): number[] =>
  posted.flatMap((one) => (one.kind === "put" ? one.packets.sizes.length : []));

/** `count` packets of a second that comes again and again. */
function feed(
  put: ((data: Uint8Array, pts: number) => void) | undefined,
  count: number,
  from = 0,
): void {
  const { packets } = source;
  for (let i = from; i < from + count; i++) {
    put?.(packets[i % packets.length]!.data, (i * 1024) / 48);
  }
}

test("the sound of a long group of pictures is all transcoded, though it comes at once and before the thread", async (t) => {
  const { transcoders, metrics } = opened(t, { real: true });
  const hears = ear();
  const count = 620; // 13 s
  feed(transcoders.open(options, hears)?.put, count);
  await until(() => hears.packets.length >= 655, "not all of it came");
  assert.equal(metrics.value("monoport_transcode_dropped_total", "queue-full"), 0);
  for (let i = 1; i < hears.packets.length; i++) {
    assert.ok(Math.abs(hears.packets[i]!.pts - hears.packets[i - 1]!.pts - 20) < 0.01, `${i}`);
  }
});

test("a thread has so much of one track and no more: others have their turn in between", async (t) => {
  const { transcoders, threads } = opened(t);
  const hears = ear();
  const job = transcoders.open(options, hears);
  feed(job?.put, 500);
  const [thread] = threads;
  assert.equal(
    putsOf(thread!).reduce((sum, size) => sum + size, 0),
    FLYING_MAX,
  );
  let done = 0;
  for (let i = 0; i < putsOf(thread!).length; i++) {
    const taken = putsOf(thread!)[i]!;
    done += taken;
    const packets = bundled([]);
    const message: FromThread = { kind: "done", id: 0, taken, bad: 0, packets };
    thread?.handler.message(message);
  }
  assert.equal(done, 500);
  assert.ok(Math.max(...putsOf(thread!)) <= 16);
});

test("what waits is bounded by bytes, and by how long the thread takes", (t) => {
  let now = 0;
  const { transcoders, metrics } = opened(t, { now: () => now });
  const dropped = (): number => metrics.value("monoport_transcode_dropped_total", "queue-full");
  const large = transcoders.open(options, ear());
  for (let i = 0; i < 1025; i++) large?.put(new Uint8Array(WAITING_MAX_BYTES / 1024), i);
  assert.equal(dropped(), 1);
  now = 100; // tracks are opened one after the other
  const slow = transcoders.open(options, ear());
  feed(slow?.put, FLYING_MAX + 1);
  now += WAITING_MILLIS;
  feed(slow?.put, 1);
  assert.equal(dropped(), 1);
  now++;
  feed(slow?.put, 1);
  assert.equal(dropped(), 2);
  const many = transcoders.open(options, ear());
  for (let i = 0; i <= WAITING_MAX; i++) many?.put(new Uint8Array(1), i);
  assert.equal(dropped(), 3);
});

test("a track that finishes gives what was put, and is none of those that count", async (t) => {
  const { transcoders, threads } = opened(t, { real: true });
  const hears = ear();
  const job = transcoders.open(options, hears);
  feed(job?.put, 400);
  job?.finish();
  job?.put(source.packets[0]!.data, 9000);
  assert.equal(transcoders.active, 0);
  await until(() => threads[0]!.posted.some(({ kind }) => kind === "close"), "it never closed");
  assert.equal(
    putsOf(threads[0]!).reduce((sum, size) => sum + size, 0),
    400,
  );
  assert.ok(hears.packets.length > 420);
});

test("codecs.wasm is compiled once, and every thread is given it", async (t) => {
  const { transcoders, threads } = opened(t);
  for (let i = 0; i <= TRACKS_PER_THREAD; i++) transcoders.open(options, ear());
  kill(threads[0]!);
  assert.equal(threads.length, 3);
  const given = () =>
    threads.map(({ posted }) => posted.find((one) => one.kind === "module")?.module);
  await until(() => given()[2] !== undefined, "no module");
  const [first, second, third] = given();
  assert.ok(first instanceof WebAssembly.Module);
  assert.ok(second === first && third === first);
});

test("a thread that cannot be given a compiled module compiles it", async (t) => {
  const { transcoders, threads, lines } = opened(t, { real: true, refuses: "module" });
  const hears = ear();
  feed(transcoders.open(options, hears)?.put, 40);
  await until(() => hears.packets.length >= 35, `no sound: ${lines}`);
  assert.ok(threads[0]?.posted.some(({ kind }) => kind === "packed"));
});

test("16 tracks go on when their thread ends, again when it ends before it has begun, and when the module traps", async (t) => {
  const { transcoders, threads, metrics } = opened(t, { real: true });
  const ears = Array.from({ length: TRACKS_PER_THREAD }, ear);
  const jobs = ears.map((one) => transcoders.open(options, one));
  let at = 0;
  const goesOn = async (what: string): Promise<void> => {
    const before = ears.map(({ packets }) => packets.length);
    const heard = (): boolean => ears.every(({ packets }, n) => packets.length > before[n]! + 4);
    // What a thread had when it ended is lost: some more is put now and then.
    for (let i = 0; i < 2000 && !heard(); i++) {
      if (i % 50 === 0) {
        for (const job of jobs) feed(job?.put, 6, at);
        at += 6;
      }
      await new Promise((go) => setTimeout(go, 10));
    }
    assert.ok(heard(), `${what}: ${ears.map(({ packets }, n) => packets.length - before[n]!)}`);
  };
  await goesOn("at first");
  kill(threads[0]!);
  kill(threads[1]!);
  await goesOn("after two ends");
  assert.equal(threads.length, 3);
  // What cannot be read makes the host throw, as a trap of the module does.
  const bad = { data: null as never, sizes: [1], times: [0] };
  const broken: ToThread = { kind: "put", id: 3, packets: bad };
  threads[2]?.thread?.post(broken);
  await until(() => metrics.value("monoport_transcode_restarts_total") === 3, "no trap");
  await goesOn("after a trap");
  assert.equal(threads.length, 3);
});
