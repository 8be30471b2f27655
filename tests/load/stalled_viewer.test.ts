import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { Camera, Screen } from "../server/rtc/camera.ts";
import { play, publish, type RtcClient, sleep, until } from "../server/rtc/client.ts";
import { type ServerProcess, startServer } from "../server_process.ts";

/** Of 1,000 bytes, 30 times a second: 8 Mbit/s. */
const FRAGMENTS = 33;
const STALL_MILLIS = 6000;
const MOST_STALL_MILLIS = 12_000;
/**
 * Six times the default: where the test's own process is held up, its viewers are not to blame.
 */
const ARGS = ["--demo", "off", "--vhost.play.max_lag", "3000"];
const CATCH_UP_MILLIS = 60_000;
/**
 * Closed when no progress was made for 15 s; the bound of the lag and of the test's own clock on
 * top.
 */
const CLOSED_MILLIS = 15_000 + 10_000;
/** 6 MB come in meanwhile: who kept them for one viewer, in buffers and copies, would need more. */
const MEMORY_SLACK_KB = 48 * 1024;

// Two at once: each waits most of its time.
describe("a viewer who stops reading at 8 Mbit/s", { concurrency: 2 }, () => {
  test("is closed when he does not read for more than 15 s, the others go on", async (t) => {
    const server = await startServer({ runtime: "node", args: ARGS });
    t.after(() => server.stop());
    const { film, viewers } = await broadcast(server, 2);
    t.after(() => stop(film, viewers));
    const [stalled, other] = viewers;
    assert.ok(stalled && other);
    await sleep(500);
    stalled.client.socket?.pause();
    const begun = performance.now();
    const sessions = (): Promise<number> => metric(server, "monoport_sessions");
    await until(async () => (await sessions()) === 2, "he is closed", CLOSED_MILLIS);
    assert.ok(performance.now() - begun > 15_000, "not sooner");
    film.stop();
    await arrival(film, [other]);
    assert.deepEqual([other.gaps, other.jumps, other.torn], [0, 0, 0]);
  });

  for (const runtime of ["node20", "node", "deno", "bun"] as const) {
    test(`costs only himself, and goes on at a keyframe without a gap in his numbers, on ${runtime}`, async (t) => {
      const server = await startServer({ runtime, args: ARGS });
      t.after(() => server.stop());
      const { film, viewers } = await broadcast(server, 3);
      t.after(() => stop(film, viewers));
      const [stalled, ...others] = viewers;
      assert.ok(stalled);
      await sleep(1500);
      const memory = residentKb(server.pid);

      stalled.client.socket?.pause();
      let peak = memory;
      // A slow machine sends fewer pictures.
      const enough = async (): Promise<boolean> =>
        (await metric(server, "monoport_dropped_packets_total")) > 3000;
      const begun = performance.now();
      const lasted = (): number => performance.now() - begun;
      while (lasted() < STALL_MILLIS || (lasted() < MOST_STALL_MILLIS && !(await enough()))) {
        await sleep(100);
        peak = Math.max(peak, residentKb(server.pid));
      }
      const dropped = await metric(server, "monoport_dropped_packets_total");
      assert.ok(dropped > 3000, `${dropped} packets are dropped for him`);
      assert.ok((await metric(server, "monoport_dropped_frames_total")) > 90);
      const frame = film.frames;
      stalled.client.socket?.resume();
      await until(() => stalled.frame > frame + 10, "he sees what is sent now", CATCH_UP_MILLIS);
      film.stop();
      await arrival(film, others);
      t.diagnostic(`memory grew by ${peak - memory} kB; ${dropped} packets were dropped`);

      for (const other of others) {
        assert.deepEqual([other.gaps, other.jumps, other.torn], [0, 0, 0]);
      }
      assert.equal(stalled.gaps, 0, "his sequence numbers go on");
      assert.ok(stalled.jumps >= 1, "he lost frames");
      assert.equal(stalled.badJumps, 0, "behind each hole there is a keyframe");
      assert.equal(stalled.torn, 0, "only whole frames are left out");
      const all = async (): Promise<boolean> =>
        stalled.packets + (await metric(server, "monoport_dropped_packets_total")) === film.packets;
      await until(all, "each packet either arrived or was counted");
      assert.ok(peak - memory < MEMORY_SLACK_KB, `memory grew by ${peak - memory} kB`);
    });
  }
});

/** Waits until these have all that was sent. */
async function arrival(film: Camera, screens: readonly Screen[]): Promise<void> {
  const all = (): boolean => screens.every(({ packets }) => packets === film.packets);
  await until(all, "everything arrives").catch(() => {
    const got = screens.map(({ packets }) => packets);
    assert.fail(`${film.packets} packets were sent, the others got ${got.join(" and ")}`);
  });
}

interface Broadcast {
  readonly film: Camera;
  readonly viewers: readonly Screen[];
}

/** A publisher who has begun, and viewers who were there before. */
async function broadcast(server: ServerProcess, count: number): Promise<Broadcast> {
  const source = await (await publish(server, { stream: "load" })).connect();
  const viewers: Screen[] = [];
  for (let i = 0; i < count; i++) {
    const screen = new Screen(await play(server, { stream: "load" }));
    screen.remembers = false;
    await screen.client.connect();
    viewers.push(screen);
  }
  const film = new Camera(source);
  film.remembers = false;
  film.run(FRAGMENTS);
  return { film, viewers };
}

function stop(film: Camera, viewers: readonly Screen[]): void {
  film.stop();
  const clients: RtcClient[] = [film.client, ...viewers.map(({ client }) => client)];
  for (const client of clients) client.close();
}

async function metric(server: ServerProcess, name: string): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1]);
}

function residentKb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}
