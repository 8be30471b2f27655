import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PortOptions } from "../../../server/port/port_options.ts";
import { Harbour } from "../harbour.ts";

const harbour = (options?: Partial<PortOptions>): Promise<Harbour> => new Harbour(options).open();
const STUN = "\x00\x14\x00\x01\x00\x00\x21\x12\xa4\x42";

describe("a connection", () => {
  test("is handed over with all its bytes, however they are split", async () => {
    for (const [protocol, text] of [
      ["http", "GET / HTTP/1.1\r\n"],
      ["stun-tcp", STUN],
      ["stun-tcp", `\x00\x00\x00\x00${STUN}`],
    ] as const) {
      for (let cut = 0; cut <= text.length; cut++) {
        const one = await harbour();
        const next = one.accept();
        next.say(text.slice(0, cut));
        if (one.taken.length === 0) next.say(text.slice(cut));
        assert.equal(one.taken[0]?.[0], protocol);
        assert.ok(text.startsWith(one.taken[0]?.[1] ?? "?"));
        assert.equal(one.port.unproven, 0);
        assert.ok(!next.destroyed);
      }
    }
  });

  test("of a protocol that is not served, or of none, is closed, counted and told once in 10 s", async () => {
    const one = await harbour();
    const conns = one.acceptMany(3);
    conns[0]?.say("\x16\x03\x01");
    conns[1]?.say("\x16\x03\x01");
    conns[2]?.say("\xff\xff");
    assert.ok(conns.every(({ destroyed }) => destroyed));
    assert.equal(one.shed("not-served"), 2);
    assert.equal(one.shed("unknown"), 1);
    assert.equal(one.lines.length, 1);
    assert.equal(one.metrics.value("monoport_connections_total", "tls"), 2);
  });

  test("that ends before it has shown anything is closed", async () => {
    const one = await harbour();
    const conn = one.accept();
    conn.say("GE");
    conn.handler.end?.();
    assert.ok(conn.destroyed);
    assert.equal(one.shed("ended"), 1);
  });

  test("that shows nothing has 10 s, and one byte at a time gives it no more", async () => {
    const one = await harbour();
    const silent = one.accept();
    const slow = one.accept();
    const served = one.accept();
    served.say("GET / HTTP/1.1\r\n");
    for (let at = 0; at < 9; at++) {
      one.until(at * 1000);
      slow.say("X");
    }
    one.until(9_999);
    const late = one.accept();
    assert.ok(!silent.destroyed && !slow.destroyed);
    one.until(10_500);
    assert.ok(silent.destroyed && slow.destroyed);
    assert.ok(!served.destroyed && !late.destroyed);
    assert.equal(one.shed("first-bytes-deadline"), 2);
    one.settle();
    one.until(60_000);
    assert.ok(late.destroyed && !served.destroyed);
  });
});

describe("at a bound", () => {
  test("of connections without a protocol the oldest goes", async () => {
    const one = await harbour({ maxUnproven: 3 });
    const conns = one.acceptMany(5);
    assert.deepEqual(
      conns.map(({ destroyed }) => destroyed),
      [true, true, false, false, false],
    );
    assert.equal(one.shed("unproven-limit"), 2);
  });

  test("of all connections, one that shows nothing or is idle makes room, else the new one is refused", async () => {
    const one = await harbour({ maxConnections: 3 });
    const [a, b, c] = one.acceptMany(3);
    for (const conn of [a, b]) conn?.say("GET / HTTP/1.1\r\n");
    const d = one.accept();
    assert.ok(c?.destroyed && !d.destroyed, "the silent one makes room");
    one.settle();
    d.say("GET / HTTP/1.1\r\n");
    one.idle = 1;
    assert.ok(!one.accept().destroyed, "HTTP lets an idle one go");
    const last = one.conns.at(-1);
    last?.say("GET / HTTP/1.1\r\n");
    const refused = one.acceptMany(3);
    assert.ok(refused.every(({ destroyed }) => destroyed));
    assert.ok(!a?.destroyed && !b?.destroyed && !last?.destroyed);
    assert.equal(one.shed("max-connections"), 3);
    assert.equal(one.lines.length, 1, "one line");
  });
});

describe("when accepting fails", () => {
  test("for want of descriptors, 32 of those that show nothing go, then idle ones; one line", async () => {
    const one = await harbour();
    const served = one.accept();
    served.say("GET / HTTP/1.1\r\n");
    const conns = one.acceptMany(40);
    one.idle = 100;
    one.fail("EMFILE");
    assert.equal(conns.filter(({ destroyed }) => destroyed).length, 32);
    assert.ok(
      conns.slice(0, 32).every(({ destroyed }) => destroyed),
      "the oldest",
    );
    assert.equal(one.idle, 100);
    one.fail("ENFILE");
    assert.ok(conns.every(({ destroyed }) => destroyed));
    assert.equal(one.idle, 100 - 24);
    assert.ok(!served.destroyed);
    assert.equal(one.shed("descriptors"), 64);
    assert.equal(one.metrics.value("monoport_accept_errors_total", "EMFILE"), 1);
    assert.equal(one.lines.length, 1);
    assert.match(one.lines[0] ?? "", /ulimit -n/);
  });

  test("for another reason, nobody is closed", async () => {
    const one = await harbour();
    const conns = one.acceptMany(5);
    one.idle = 5;
    one.fail("ECONNABORTED");
    assert.ok(!conns.some(({ destroyed }) => destroyed));
    assert.equal(one.idle, 5);
    assert.equal(one.metrics.value("monoport_accept_errors_total", "ECONNABORTED"), 1);
  });
});

test("close() closes every connection, shown or not", async () => {
  const one = await harbour();
  const conns = one.acceptMany(3);
  conns[0]?.say("GET / HTTP/1.1\r\n");
  await one.port.close();
  assert.ok(conns.every(({ destroyed }) => destroyed));
});
