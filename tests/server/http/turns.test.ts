import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import {
  ALL_REQUESTS_PER_TURN,
  REQUESTS_PER_TURN,
  TURN_MILLIS,
  Turns,
} from "../../../server/http/turns.ts";
import { start } from "../fixture.ts";

/** A loop whose turns the test makes. */
class Loop {
  at = 0;
  readonly timers: (() => void)[] = [];
  readonly turns: Turns = new Turns({
    now: () => this.at,
    wakeAt: (_, fire) => {
      this.timers.push(fire);
      return { [Symbol.dispose]: () => {} };
    },
  });
  readonly begun: string[] = [];

  ask(key: string, times = 1, millis = 0): void {
    for (let i = 0; i < times; i++) {
      this.turns.take(key, () => {
        this.begun.push(key);
        this.at += millis;
      });
    }
  }

  turn(): void {
    this.at += 1;
    for (const fire of this.timers.splice(0)) fire();
  }
}

test("an address begins so many requests in a turn, and the rest in those behind it, in order", () => {
  const loop = new Loop();
  loop.ask("a", REQUESTS_PER_TURN + 3);
  assert.equal(loop.begun.length, REQUESTS_PER_TURN);
  loop.ask("b");
  assert.equal(loop.begun.at(-1), "b");
  loop.turn();
  assert.equal(loop.begun.length, REQUESTS_PER_TURN + 4);
  loop.turn();
  assert.equal(loop.timers.length, 0, "nobody asks: no timer");
  loop.ask("a", REQUESTS_PER_TURN);
  assert.equal(loop.begun.length, 2 * REQUESTS_PER_TURN + 4);
});

test("of many addresses so many begin in a turn, and each has its own before one has two", () => {
  const loop = new Loop();
  for (let i = 0; i < ALL_REQUESTS_PER_TURN / REQUESTS_PER_TURN + 2; i++) {
    loop.ask(`flood ${i}`, 100);
  }
  assert.equal(loop.begun.length, ALL_REQUESTS_PER_TURN);
  loop.ask("other");
  assert.ok(!loop.begun.includes("other"));
  loop.turn();
  assert.equal(loop.begun.length, 2 * ALL_REQUESTS_PER_TURN);
  loop.turn();
  assert.ok(loop.begun.includes("other"));
});

test("requests that cost much end a turn", () => {
  const loop = new Loop();
  loop.ask("a", 5, TURN_MILLIS);
  for (const count of [1, 2, 3, 4, 5]) {
    assert.equal(loop.begun.length, count);
    loop.turn();
  }
});

test("who sends thousands of requests one behind the other gets his answers, and another his before them", {
  timeout: 60_000,
}, async (t) => {
  const server = await start();
  t.after(() => server.monoport.close());
  const MANY = 3000;
  const flood = connect(server.port, "127.0.0.1");
  t.after(() => void flood.destroy());
  let bytes = 0;
  flood.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
  });
  const other = connect(server.port, "127.0.0.1");
  t.after(() => void other.destroy());
  await Promise.all([once(flood, "connect"), once(other, "connect")]);
  const request = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
  flood.write(request.repeat(MANY));
  other.write(request);
  const [answer] = (await once(other, "data")) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 200 [\s\S]*ok\n$/);
  const all = MANY * answer.length;
  assert.ok(bytes < all / 2, `${bytes} bytes of ${all} before his`);
  while (bytes < all) await once(flood, "data");
});
