import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { Leaving } from "../../server/ending.ts";
import { Readiness } from "../../server/readiness.ts";
import { raw, start } from "./fixture.ts";
import { play, until } from "./rtc/client.ts";

test("ready is who has started, has room and is not being stopped", () => {
  let sessions = 0;
  const readiness = new Readiness([{ limit: "limits.sessions", most: 2, now: () => sessions }]);
  assert.equal(readiness.unready(), "starting");
  readiness.open();
  assert.equal(readiness.unready(), undefined);
  sessions = 2;
  assert.equal(readiness.unready(), "full: 2 of 2 (limits.sessions)");
  sessions = 1;
  assert.equal(readiness.unready(), undefined);
  readiness.drain();
  readiness.open();
  assert.equal(readiness.unready(), "draining: this server is being stopped");
});

/** Time that passes when it is told to. */
class Clock {
  time = 0;
  #timers: { at: number; fire: () => void }[] = [];

  now = (): number => this.time;

  wakeAt = (at: number, fire: () => void): Disposable => {
    const timer = { at, fire };
    this.#timers.push(timer);
    return { [Symbol.dispose]: () => this.#remove(timer) };
  };

  async passTo(time: number): Promise<void> {
    for (; this.time < time; this.time += 10) {
      for (const timer of this.#timers.filter(({ at }) => at <= this.time)) {
        this.#remove(timer);
        timer.fire();
      }
      await Promise.resolve();
      await Promise.resolve();
    }
  }

  #remove(timer: { at: number }): void {
    this.#timers = this.#timers.filter((one) => one !== timer);
  }
}

interface Left {
  readonly clock: Clock;
  readonly leaving: Leaving;
  sessions: number;
  ended: number;
  over: number;
}

function leave(grace: { sessionsMillis: number; leastMillis: number }, sessions: number): Left {
  const clock = new Clock();
  const leaving = new Leaving(clock);
  const left: Left = { clock, leaving, sessions, ended: 0, over: -1 };
  const end = (): void => {
    left.ended = left.sessions;
    left.sessions = 0;
  };
  leaving
    .wait(grace, () => left.sessions, end)
    .then(() => {
      left.over = clock.time;
    });
  return left;
}

test("who drains waits until the last session has left, and ends none", async () => {
  const left = leave({ sessionsMillis: 20_000, leastMillis: 1_000 }, 3);
  await left.clock.passTo(5_000);
  assert.equal(left.over, -1);
  left.sessions = 0;
  await left.clock.passTo(5_200);
  assert.ok(left.over >= 5_000 && left.over <= 5_100, `${left.over}`);
  assert.equal(left.ended, 0);
});

test("who drains without sessions waits until balancers have seen it", async () => {
  const left = leave({ sessionsMillis: 20_000, leastMillis: 1_000 }, 0);
  await left.clock.passTo(1_500);
  assert.ok(left.over >= 1_000 && left.over <= 1_050, `${left.over}`);
});

test("sessions that are left after the grace are ended; somebody in a hurry waits for nothing", async () => {
  const slow = leave({ sessionsMillis: 2_000, leastMillis: 0 }, 3);
  await slow.clock.passTo(2_200);
  assert.equal(slow.ended, 3);
  assert.ok(slow.over >= 2_000 && slow.over <= 2_050, `${slow.over}`);
  const cut = leave({ sessionsMillis: 2_000, leastMillis: 9_000 }, 3);
  await cut.clock.passTo(500);
  cut.leaving.cut();
  await cut.clock.passTo(530);
  assert.ok(cut.over >= 500, `${cut.over}`);
});

test("/readyz falls when a limit is reached, /healthz does not", async (t) => {
  const { url, port, monoport } = await start(["--limits.sessions", "1"]);
  t.after(() => monoport.close());
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
  const client = await play({ url, port }, { stream: "ready" });
  t.after(() => client.close());
  const full = await fetch(`${url}/readyz`);
  assert.equal(full.status, 503);
  assert.equal(await full.text(), "full: 1 of 1 (limits.sessions)\n");
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  assert.equal(monoport.metrics.value("monoport_ready"), 0);
  await client.remove();
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
});

test("while it drains, answers end their connections and idle ones are closed", async (t) => {
  const { port, url, monoport } = await start(["--grace_start_wait", "60000"]);
  t.after(() => monoport.close());
  const idle = connect(port, "127.0.0.1");
  t.after(() => idle.destroy());
  let closed = false;
  idle.on("close", () => {
    closed = true;
  });
  idle.write("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n");
  await new Promise((resolve) => idle.once("data", resolve));
  const drained = monoport.drain();
  await until(() => closed, "the idle connection is closed");
  const answer = await raw(port, "GET /readyz HTTP/1.1\r\nhost: a\r\n\r\n");
  assert.match(answer, /^HTTP\/1\.1 503 /);
  assert.match(answer, /\r\nconnection: close\r\n/i);
  assert.match(answer, /draining/);
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  await monoport.close();
  await drained;
});
