import assert from "node:assert/strict";
import { test } from "node:test";
import type { Conn, Endpoint, Millis, Runtime } from "../../../core/base/mod.ts";
import { Dialer, STAGGER_MILLIS, UDP_AFTER_MILLIS } from "../../../server/relay/dialer.ts";

/** A dialer in virtual time, and what it did. */
class Bench {
  now: Millis = 0;
  readonly log: string[] = [];
  done = false;
  readonly #timers = new Set<{ at: Millis; fire: () => void }>();
  readonly #attempts = new Map<number, { resolve(conn: Conn): void; reject(error: Error): void }>();
  readonly dialer: Dialer;

  constructor(tcp: readonly number[], udp: readonly number[]) {
    const at = (port: number): Endpoint => ({ host: "192.0.2.1", port });
    const runtime = {
      now: () => this.now,
      wakeAt: (time: Millis, fire: () => void) => {
        const timer = { at: time, fire };
        this.#timers.add(timer);
        return { [Symbol.dispose]: () => void this.#timers.delete(timer) };
      },
      connect: ({ port }: Endpoint) => {
        this.log.push(`dial ${port}`);
        return new Promise<Conn>((resolve, reject) =>
          this.#attempts.set(port, { resolve, reject }),
        );
      },
    };
    this.dialer = new Dialer({
      runtime: runtime as unknown as Runtime,
      tcp: tcp.map(at),
      udp: udp.map(at),
      attach: () => this.log.push("attach"),
      openUdp: async (to) => {
        this.log.push(`udp ${to.map(({ port }) => port).join(" ")}`);
      },
      done: () => this.done,
      onFailed: (why) => this.log.push(why),
    });
    this.dialer.start();
  }

  /** Time goes on; returns what was done since. */
  async wait(millis: Millis): Promise<string[]> {
    this.now += millis;
    for (const timer of [...this.#timers]) {
      if (timer.at > this.now) continue;
      this.#timers.delete(timer);
      timer.fire();
    }
    for (let i = 0; i < 5; i++) await Promise.resolve();
    return this.log.splice(0);
  }

  async end(port: number, works: boolean): Promise<string[]> {
    const attempt = this.#attempts.get(port);
    assert.ok(attempt, `nobody dials ${port}`);
    const conn = { destroy: () => this.log.push(`drop ${port}`) } as unknown as Conn;
    if (works) attempt.resolve(conn);
    else attempt.reject(new Error("refused"));
    return await this.wait(0);
  }
}

test("candidates are dialled one after the other, a failure or 300 ms apart", async () => {
  const bench = new Bench([1, 2, 3], []);
  assert.deepEqual(await bench.wait(0), ["dial 1"]);
  assert.deepEqual(await bench.end(1, false), ["dial 2"]);
  assert.deepEqual(await bench.wait(STAGGER_MILLIS - 1), []);
  assert.deepEqual(await bench.wait(1), ["dial 3"]);
  assert.deepEqual(await bench.end(3, false), []);
  assert.deepEqual(await bench.end(2, false), ["Cannot connect to 192.0.2.1 port 2: refused"]);
});

test("when no TCP candidate is left UDP is tried at once", async () => {
  const bench = new Bench([1], [8, 9]);
  await bench.wait(0);
  assert.deepEqual(await bench.end(1, false), ["udp 8 9"]);
  assert.deepEqual(await bench.wait(UDP_AFTER_MILLIS), []);
  assert.deepEqual(await new Bench([], [8]).wait(0), ["udp 8"]);
});

test("a TCP connection has 3 s to lead to a path, then UDP is tried beside it", async () => {
  const bench = new Bench([1], [8]);
  await bench.wait(0);
  assert.deepEqual(await bench.end(1, true), ["attach"]);
  assert.deepEqual(await bench.wait(UDP_AFTER_MILLIS - 1), []);
  assert.deepEqual(await bench.wait(1), ["udp 8"]);
});

test("with a path there is nothing more to dial, and who comes late is dropped", async () => {
  const bench = new Bench([1, 2, 3], [8]);
  await bench.wait(0);
  assert.deepEqual(await bench.wait(STAGGER_MILLIS), ["dial 2"]);
  assert.deepEqual(await bench.end(1, true), ["attach"]);
  bench.done = true;
  assert.deepEqual(await bench.end(2, true), ["drop 2"]);
  assert.deepEqual(await bench.wait(10_000), []);
});

test("a dialer that was stopped dials nobody", async () => {
  const bench = new Bench([1, 2], [8]);
  await bench.wait(0);
  bench.done = true;
  bench.dialer.stop();
  assert.deepEqual(await bench.end(1, false), []);
  assert.deepEqual(await bench.wait(10_000), []);
});
