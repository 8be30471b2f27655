import assert from "node:assert/strict";
import { test } from "node:test";
import {
  TELLINGS_MAX,
  TELLINGS_MAX_BYTES,
  type Telling,
  Tellings,
} from "../../../server/hooks/tellings.ts";
import {
  ASKING_MAX,
  ASKING_PER_ADDRESS,
  CALLS_AT_A_TIME,
  Turns,
} from "../../../server/hooks/turns.ts";

const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

test("beyond CALLS_AT_A_TIME clients wait for their turn, in the order they came", async () => {
  const turns = new Turns();
  const { signal } = new AbortController();
  const running = [];
  for (let i = 0; i < CALLS_AT_A_TIME; i++) running.push(await turns.take(`${i}`, signal));
  const order: number[] = [];
  const waiting = [1, 2, 3].map((i) =>
    turns.take("x", signal).then((turn) => {
      order.push(i);
      return turn;
    }),
  );
  await tick();
  assert.deepEqual(order, []);
  running[0]?.[Symbol.dispose]();
  running[0]?.[Symbol.dispose](); // harmless
  await tick();
  assert.deepEqual(order, [1]);
  (await waiting[0])?.[Symbol.dispose]();
  await tick();
  assert.deepEqual(order, [1, 2]);
});

test("over ASKING_PER_ADDRESS, and over ASKING_MAX, there is no turn; who goes makes room", async () => {
  const turns = new Turns();
  const gone = new AbortController();
  const pending = (key: string): Promise<Disposable | undefined> => turns.take(key, gone.signal);
  const all = Array.from({ length: ASKING_PER_ADDRESS }, () => pending("a"));
  assert.equal(await pending("a"), undefined);
  for (let i = turns.size; i < ASKING_MAX; i++) all.push(pending(`b${i}`));
  assert.equal(await pending("c"), undefined);
  assert.equal(turns.size, ASKING_MAX);
  gone.abort(); // those who wait give up
  for (const turn of await Promise.all(all)) turn?.[Symbol.dispose]();
  assert.equal(turns.size, 0);
  const turn = await turns.take("a", new AbortController().signal);
  assert.notEqual(turn, undefined);
});

/** Calls that end when the test says so. */
function held(): { tellings: Tellings; sent: string[]; release: () => void } {
  const sent: string[] = [];
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const tellings = new Tellings(async ({ hook }: Telling) => {
    sent.push(hook);
    await gate;
  });
  return { tellings, sent, release };
}

test("what is told of one client goes one after the other, in order", async () => {
  const { tellings, sent, release } = held();
  const hooks = Array.from({ length: 20 }, (_, i) => `${i}`);
  for (const hook of hooks) tellings.tell("a", { hook, body: "" });
  assert.deepEqual(sent, ["0"]);
  release();
  await tellings.idle();
  assert.deepEqual(sent, hooks);
  assert.equal(tellings.size, 0);
});

test("over TELLINGS_MAX calls, or TELLINGS_MAX_BYTES, calls are dropped until some are done", async () => {
  const { tellings, release } = held();
  for (let i = 0; i < TELLINGS_MAX; i++) {
    assert.equal(tellings.tell(`${i}`, { hook: "h", body: "" }), true);
  }
  assert.equal(tellings.tell("a", { hook: "h", body: "" }), false);
  release();
  await tellings.idle();
  const large = { hook: "h", body: "x".repeat(TELLINGS_MAX_BYTES) };
  assert.equal(tellings.tell("a", large), true);
  assert.equal(tellings.tell("b", { hook: "h", body: "y" }), false);
  await tellings.idle();
  assert.equal(tellings.tell("b", { hook: "h", body: "y" }), true);
});
