import assert from "node:assert/strict";
import { test } from "node:test";
import {
  LOOKUPS_MAX,
  type LookupResult,
  NAMES_MAX,
  Names,
} from "../../../server/candidates/names.ts";

/** A clock and a resolver that do what the test says. */
class World {
  time = 0;
  readonly asked: string[] = [];
  readonly results: LookupResult[] = [];
  readonly names: Names = new Names(
    {
      now: () => this.time,
      wakeAt: (at, fire) => {
        const timer = { at, fire };
        this.#timers.add(timer);
        return { [Symbol.dispose]: () => void this.#timers.delete(timer) };
      },
      resolve: (name) => {
        this.asked.push(name);
        return this.answer(name);
      },
    },
    (_name, result) => void this.results.push(result),
  );
  answer: (name: string) => Promise<readonly string[]> = async () => ["192.0.2.1"];
  readonly #timers = new Set<{ at: number; fire: () => void }>();

  pass(millis: number): void {
    this.time += millis;
    for (const timer of [...this.#timers]) {
      if (timer.at > this.time) continue;
      this.#timers.delete(timer);
      timer.fire();
    }
  }

  get timers(): number {
    return this.#timers.size;
  }
}

test("a name is looked up once a minute, however often and in whatever case it is asked for", async () => {
  const world = new World();
  const ask = () => world.names.addresses("Media.Example");
  assert.deepEqual(await Promise.all([ask(), ask()]), [["192.0.2.1"], ["192.0.2.1"]]);
  world.pass(59_000);
  await world.names.addresses("media.example");
  assert.deepEqual(world.asked, ["media.example"]);
  world.pass(2_000);
  await ask();
  assert.equal(world.asked.length, 2);
  assert.equal(world.timers, 0);
});

test("a lookup that takes too long is not waited for, and its answer serves the next", async () => {
  const world = new World();
  let answer: (addresses: string[]) => void = () => {};
  world.answer = () => new Promise((resolve) => (answer = resolve));
  const waiting = world.names.addresses("slow.example");
  world.pass(1_000);
  assert.deepEqual(await waiting, []);
  answer(["192.0.2.7"]);
  assert.deepEqual(await world.names.addresses("slow.example"), ["192.0.2.7"]);
  assert.deepEqual(world.results, ["timeout", "resolved"]);
});

test("a name that cannot be found is asked for again after 10 s, and what was known stays", async () => {
  const world = new World();
  await world.names.addresses("a.example");
  world.answer = () => Promise.reject(new Error("ENOTFOUND"));
  world.pass(61_000);
  assert.deepEqual(await world.names.addresses("a.example"), ["192.0.2.1"]);
  assert.deepEqual(await world.names.addresses("b.example"), []);
  world.pass(9_000);
  await world.names.addresses("b.example");
  assert.equal(world.asked.length, 3);
  world.pass(2_000);
  await world.names.addresses("b.example");
  assert.equal(world.asked.length, 4);
  assert.deepEqual(world.results, ["resolved", "failed", "failed", "failed"]);
});

/** A world whose lookups end when the test says so. */
function slowWorld(): { world: World; answer: () => void } {
  const world = new World();
  const answers: (() => void)[] = [];
  world.answer = () => new Promise((resolve) => void answers.push(() => resolve(["192.0.2.1"])));
  const answer = (): void => {
    for (const one of answers.splice(0)) one();
  };
  return { world, answer };
}

test("lookups for clients are few at a time; a configured name is looked up all the same", async () => {
  const { world, answer } = slowWorld();
  const ask = (i: number) => world.names.addresses(`n${i}`, `192.0.2.${i}`);
  const running = Array.from({ length: LOOKUPS_MAX }, (_, i) => ask(i));
  assert.deepEqual(await ask(100), []);
  running.push(world.names.addresses("configured"));
  assert.equal(world.asked.length, LOOKUPS_MAX + 1);
  answer();
  assert.deepEqual(await running.at(-1), ["192.0.2.1"]);
  assert.deepEqual(world.results.filter((one) => one === "refused").length, 1);
});

test("one address has one lookup at a time, and shares those of others", async () => {
  const { world, answer } = slowWorld();
  const first = world.names.addresses("a", "192.0.2.1");
  assert.deepEqual(await world.names.addresses("b", "192.0.2.1"), []);
  const shared = world.names.addresses("a", "192.0.2.2");
  answer();
  assert.deepEqual(await Promise.all([first, shared]), [["192.0.2.1"], ["192.0.2.1"]]);
  assert.deepEqual(world.asked, ["a"]);
});

test("a name that was known keeps its addresses while lookups are refused", async () => {
  const { world, answer } = slowWorld();
  const first = world.names.addresses("media.example", "192.0.2.1");
  answer();
  await first;
  world.pass(61_000);
  void world.names.addresses("slow.example", "192.0.2.1");
  assert.deepEqual(await world.names.addresses("media.example", "192.0.2.1"), ["192.0.2.1"]);
  assert.deepEqual(world.results, ["resolved", "refused"]);
});

test("only so many names are remembered, and those in use stay", async () => {
  const world = new World();
  for (let i = 0; i < NAMES_MAX; i++) await world.names.addresses(`n${i}.example`);
  await world.names.addresses("n0.example");
  await world.names.addresses("one-more.example");
  assert.equal(world.asked.length, NAMES_MAX + 1);
  await world.names.addresses("n0.example");
  assert.equal(world.asked.length, NAMES_MAX + 1);
  await world.names.addresses("n1.example");
  assert.equal(world.asked.length, NAMES_MAX + 2);
});

test("what is no host name is not looked up, and what comes back is addresses, a few", async () => {
  const world = new World();
  for (const text of ["", "a b", "-a", "a..b", `${"a".repeat(64)}.b`, "a/b", "a.b:c", "é.example"])
    assert.deepEqual(await world.names.addresses(text), [], text);
  assert.deepEqual(world.asked, []);
  world.answer = async () => ["nonsense", ...Array.from({ length: 9 }, (_, i) => `192.0.2.${i}`)];
  assert.deepEqual(await world.names.addresses("many.example"), [
    "192.0.2.0",
    "192.0.2.1",
    "192.0.2.2",
    "192.0.2.3",
  ]);
});
