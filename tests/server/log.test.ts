import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Log } from "../../server/log.ts";

function logging(least: "debug" | "info" | "warn" | "error" = "debug") {
  const lines: string[] = [];
  const clock = { now: 1_700_000_000_000 };
  const log = new Log(
    {
      wallClock: () => clock.now,
      print: (line, to) => lines.push(`${to}: ${line}`),
    },
    least,
  );
  return { log, lines, clock };
}

describe("a line", () => {
  test("has time, level, message and fields, and goes to standard error", () => {
    const { log, lines } = logging();
    log.info("Playing", { stream: "live/x", n: 3, ok: true, absent: undefined });
    assert.deepEqual(lines, [
      "error: 2023-11-14T22:13:20.000Z INFO  Playing stream=live/x n=3 ok=true",
    ]);
  });

  test("below the wanted level is not written", () => {
    const { log, lines } = logging("warn");
    log.debug("a");
    log.info("b");
    log.limited("info", "c");
    log.warn("d");
    log.error("e");
    assert.deepEqual(
      lines.map((line) => line.at(-1)),
      ["d", "e"],
    );
  });

  test("is one line of printable characters, whatever a peer sent", () => {
    const { log, lines } = logging();
    for (let code = 0; code < 0x300; code++) {
      log.info("x", { from: `a${String.fromCharCode(code)}b` });
    }
    const turning = [0x200b, 0x200e, 0x2028, 0x2029, 0x202e, 0x2066, 0xfeff, 0xd800];
    for (const code of turning) log.info("x", { from: `a${String.fromCharCode(code)}b` });
    log.info("x", { from: '\r\n2023 ERROR "forged" line=1' });
    for (const line of lines) {
      assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u, JSON.stringify(line));
    }
    assert.match(lines.at(-1) ?? "", / x from="\\r\\n2023 ERROR \\"forged\\" line=1"$/);
  });

  test("a value with a space, a quote or nothing in it is quoted: fields can be told apart", () => {
    const { log, lines } = logging();
    log.info("x", { a: "1 b=2", c: 'q"', d: "", e: "plain=1" });
    assert.match(lines[0] ?? "", / x a="1 b=2" c="q\\"" d="" e=plain=1$/);
  });

  test("is at most 2,000 characters", () => {
    const { log, lines } = logging();
    log.info("x", { long: "y".repeat(100_000) });
    assert.equal(lines[0]?.length, "error: ".length + 2000);
  });
});

test("limited lines: one per message and 10 s, the next one says how many were left out", () => {
  const { log, lines, clock } = logging();
  for (let i = 0; i < 100; i++) log.limited("warn", "A peer did it", { i });
  log.limited("warn", "Another message");
  assert.equal(lines.length, 2);
  clock.now += 9_999;
  log.limited("warn", "A peer did it");
  assert.equal(lines.length, 2);
  clock.now += 1;
  log.limited("warn", "A peer did it", { i: 7 });
  assert.match(lines[2] ?? "", /A peer did it i=7 more=100$/);
  clock.now += 10_000;
  log.limited("warn", "A peer did it", { i: 8 });
  assert.match(lines[3] ?? "", /A peer did it i=8$/);
});

test("events of clients are told one by one, up to 50 in 10 s, and the next says how many were not", () => {
  const { log, lines, clock } = logging();
  for (let i = 0; i < 60; i++) log.event("Playing", { i });
  log.event("Session ended");
  assert.equal(lines.length, 51);
  clock.now += 10_000;
  log.event("Playing", { i: 60 });
  assert.match(lines.at(-1) ?? "", /Playing i=60 more=10$/);
});
