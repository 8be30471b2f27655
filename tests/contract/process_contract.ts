import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import type { Runtime } from "../../core/base/io.ts";
import { digest, pattern, sleep, text, until } from "./peer.ts";

export function processContract(name: string, runtime: Runtime): void {
  describe(`${name}: clock`, () => clock(runtime));
  describe(`${name}: files`, () => files(runtime));
  describe(`${name}: process`, () => processOf(runtime));
}

function clock(runtime: Runtime): void {
  test("now is monotonic and in milliseconds, wallClock is Unix time", async () => {
    const [start, wall] = [runtime.now(), runtime.wallClock()];
    await sleep(30);
    const took = runtime.now() - start;
    assert.ok(took >= 29 && took < 5000, `${took}`);
    assert.ok(Math.abs(wall - Date.now()) < 5000);
  });

  test("wakeAt fires in order of time, never early, in the past at once but not inside the call", async () => {
    const fired: string[] = [];
    const early: number[] = [];
    const start = runtime.now();
    for (const [label, delay] of [
      ["c", 40.4],
      ["b", 15.7],
      ["a", -1000],
      ["d", 60],
    ] as const) {
      runtime.wakeAt(start + delay, () => {
        fired.push(label);
        if (runtime.now() < start + delay) early.push(delay);
      });
    }
    assert.deepEqual(fired, []);
    await until("all", () => fired.length === 4);
    assert.deepEqual(fired, ["a", "b", "c", "d"]);
    assert.deepEqual(early, []);
  });

  test("a disposed wake does not fire, and disposing it again is harmless", async () => {
    let fired = 0;
    const wake = runtime.wakeAt(runtime.now() + 10, () => fired++);
    wake[Symbol.dispose]();
    wake[Symbol.dispose]();
    const done = runtime.wakeAt(0, () => fired++);
    await sleep(40);
    done[Symbol.dispose]();
    assert.equal(fired, 1);
  });

  test("NEVER and times beyond the 2^31 ms of setTimeout do not fire", async () => {
    let fired = 0;
    const warnings: string[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning.name);
    process.on("warning", onWarning);
    const wakes = [Number.POSITIVE_INFINITY, 2 ** 31, 2 ** 33, 1e15].map((at) =>
      runtime.wakeAt(runtime.now() + at, () => fired++),
    );
    await sleep(30);
    assert.equal(fired, 0);
    assert.ok(!warnings.includes("TimeoutOverflowWarning"));
    process.off("warning", onWarning);
    for (const wake of wakes) wake[Symbol.dispose]();
  });
}

function files(runtime: Runtime): void {
  let folder = "";
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "monoport-files-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  const isMissing = (error: { code?: string }): boolean => error.code === "ENOENT";

  test("what is written is read, replaced at once, with its mode, and nothing is left beside it", async () => {
    const path = join(folder, "a.bin");
    const bytes = pattern(100_000);
    await runtime.files.write(path, bytes);
    assert.equal(digest(await runtime.files.read(path)), digest(bytes));
    assert.equal(statSync(path).mode & 0o777, 0o644);
    await runtime.files.write(path, text("short"), 0o600);
    const read = await runtime.files.read(path);
    assert.equal(digest(read), digest(text("short")));
    assert.equal(read.constructor, Uint8Array);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(folder), ["a.bin"]);
    const found = await runtime.files.stat(path);
    assert.equal(found?.size, 5);
    assert.ok(Math.abs((found?.modified ?? 0) - Date.now()) < 60_000);
    await runtime.files.remove(path);
    assert.equal(await runtime.files.stat(path), undefined);
  });

  test("what is not there is ENOENT", async () => {
    const path = join(folder, "missing");
    await assert.rejects(() => runtime.files.read(path), isMissing);
    await assert.rejects(() => runtime.files.remove(path), isMissing);
    await assert.rejects(() => runtime.files.write(join(path, "file"), text("x")), isMissing);
  });

  test("makeDir makes parents and does not mind if they exist; a write that fails leaves nothing", async () => {
    const path = join(folder, "one", "two");
    await runtime.files.makeDir(path);
    await runtime.files.makeDir(path);
    await assert.rejects(() => runtime.files.write(path, text("x")));
    assert.deepEqual(readdirSync(join(folder, "one")), ["two"]);
  });
}

function processOf(runtime: Runtime): void {
  test("the runtime knows its name, version, process and environment", () => {
    assert.match(runtime.name, /^(node|deno|bun)$/);
    assert.match(runtime.version, /^\d+\.\d+\.\d+/);
    assert.equal(runtime.pid, process.pid);
    assert.equal(runtime.cwd(), process.cwd());
    assert.ok(Array.isArray(runtime.args));
    assert.equal(runtime.env()["PATH"], process.env["PATH"]);
    assert.ok(Object.values(runtime.env()).every((value) => typeof value === "string"));
  });

  test("interfaces tells the loopback addresses without zone", () => {
    const found = runtime.interfaces();
    const loopback = found.find(({ address }) => address === "127.0.0.1");
    assert.equal(loopback?.family, "ipv4");
    assert.equal(loopback?.internal, true);
    assert.ok(loopback?.name);
    assert.ok(found.every(({ address }) => !address.includes("%")));
  });

  test("resolve gives the addresses of a name, each once, and rejects for one that has none", async () => {
    const found = await runtime.resolve("localhost");
    assert.ok(found.includes("127.0.0.1") || found.includes("::1"), found.join());
    assert.equal(new Set(found).size, found.length);
    assert.deepEqual(await runtime.resolve("192.0.2.1"), ["192.0.2.1"]);
    await assert.rejects(runtime.resolve("name.invalid"), Error); // RFC 2606 §2
  });

  test("usage grows with what is used", async () => {
    const before = runtime.usage();
    assert.ok(before.residentBytes > 10_000_000 && before.residentBytes < 4e9);
    await until("30 ms of CPU time", () => {
      digest(pattern(1_000_000));
      return runtime.usage().cpuMillis - before.cpuMillis > 30;
    });
  });

  test("a signal calls its handler until that is disposed", async () => {
    let first = 0;
    let second = 0;
    const one = runtime.onSignal("SIGHUP", () => first++);
    const two = runtime.onSignal("SIGHUP", () => second++);
    process.kill(process.pid, "SIGHUP");
    await until("both", () => first === 1 && second === 1);
    one[Symbol.dispose]();
    one[Symbol.dispose]();
    process.kill(process.pid, "SIGHUP");
    await until("the second", () => second === 2);
    assert.equal(first, 1);
    two[Symbol.dispose]();
  });
}
