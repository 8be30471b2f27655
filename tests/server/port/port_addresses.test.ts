import assert from "node:assert/strict";
import { test } from "node:test";
import { HeldBytes } from "../../../server/limits/held_bytes.ts";
import type { AddressLimits, PortOptions } from "../../../server/port/port_options.ts";
import { type FakeConn, Harbour } from "../harbour.ts";

const harbour = (
  limits: Partial<AddressLimits>,
  options: Partial<PortOptions> = {},
): Promise<Harbour> => {
  const perAddress = {
    connections: 100,
    unproven: 100,
    tlsHandshakesPerSecond: 100,
    exempt: () => false,
    ...limits,
  };
  return new Harbour({ perAddress, ...options }).open();
};
const GET = "GET / HTTP/1.1\r\n";
const closed = (conns: readonly FakeConn[]): number =>
  conns.filter(({ destroyed }) => destroyed).length;

test("one address gets so many connections, and another's are not counted with them", async () => {
  const it = await harbour({ connections: 3 });
  const loud = it.acceptMany(5, "198.51.100.7");
  for (const conn of loud) if (!conn.destroyed) conn.say(GET);
  assert.deepEqual(
    loud.map(({ destroyed }) => destroyed),
    [false, false, false, true, true],
  );
  assert.equal(it.shed("connections-per-address"), 2);
  assert.equal(closed(it.acceptMany(3, "198.51.100.8")), 0);
  it.settle();
  loud[0]?.destroy();
  it.settle();
  assert.equal(it.accept("198.51.100.7").destroyed, false);
  assert.equal(it.accept("198.51.100.7").destroyed, true);
});

test("a /64 of IPv6 is one address", async () => {
  const it = await harbour({ connections: 2 });
  const conns = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1"];
  assert.deepEqual(
    conns.map((host) => it.accept(host).destroyed),
    [false, false, true, false],
  );
});

test("who opens more unproven connections than one address may loses his own oldest", async () => {
  const it = await harbour({ unproven: 4 }, { maxUnproven: 50 });
  const others = it.acceptMany(3, "203.0.113.1");
  const loud = it.acceptMany(10, "198.51.100.7");
  assert.equal(closed(others), 0);
  assert.deepEqual(
    loud.map(({ destroyed }) => destroyed),
    [true, true, true, true, true, true, false, false, false, false],
  );
  assert.equal(it.shed("unproven-per-address"), 6);
  assert.equal(it.port.unproven, 7);
});

test("balancers and proxies have no bound of their own", async () => {
  const it = await harbour({
    connections: 1,
    unproven: 1,
    exempt: (host) => host === "192.0.2.99",
  });
  assert.equal(closed(it.acceptMany(20, "192.0.2.99")), 0);
  assert.equal(closed(it.acceptMany(2, "192.0.2.98")), 1);
});

test("behind a balancer the client's address is the one that is counted", async () => {
  const it = await harbour(
    { connections: 2, exempt: (host) => host === "192.0.2.99" },
    { proxies: new Set(["192.0.2.99"]) },
  );
  const from = (host: string): FakeConn => {
    const conn = it.accept("192.0.2.99");
    conn.say(`PROXY TCP4 ${host} 203.0.113.9 40000 443\r\n${GET}`);
    return conn;
  };
  const loud = [1, 2, 3].map(() => from("198.51.100.7"));
  assert.deepEqual(
    loud.map(({ destroyed }) => destroyed),
    [false, false, true],
  );
  assert.equal(from("198.51.100.8").destroyed, false);
  assert.equal(it.taken.length, 3);
  loud[0]?.destroy();
  it.settle();
  assert.equal(from("198.51.100.7").destroyed, false);
});

test("behind a balancer a client's unproven connections push out his own", async () => {
  const it = await harbour(
    { unproven: 2, exempt: (host) => host === "192.0.2.99" },
    { proxies: new Set(["192.0.2.99"]) },
  );
  const from = (host: string): FakeConn => {
    const conn = it.accept("192.0.2.99");
    conn.say(`PROXY TCP4 ${host} 203.0.113.9 40000 443\r\n`);
    return conn;
  };
  const other = from("198.51.100.8");
  const loud = [1, 2, 3].map(() => from("198.51.100.7"));
  assert.equal(other.destroyed, false);
  assert.deepEqual(
    loud.map(({ destroyed }) => destroyed),
    [true, false, false],
  );
});

test("bytes before proof have a bound in all and for one address, and are given back", async () => {
  const held = new HeldBytes(400);
  const it = await harbour({}, { held });
  it.accept("198.51.100.7").say("\x00\xc8"); // a frame's length, and nothing of the frame
  assert.equal(held.used, 2);
  const quiet = it.accept("198.51.100.9");
  quiet.say("GE");
  assert.equal(held.used, 4);
  quiet.say("T / HTTP/1.1\r\n");
  assert.equal(held.used, 2, "what was handed over is not held any more");
  const many = it.acceptMany(60, "198.51.100.7");
  for (const conn of many) conn.say("GE");
  assert.equal(closed(many), 11, "a quarter of 400 bytes is 50 times 2");
  assert.equal(it.shed("unproven-bytes"), 11);
  for (let host = 1; host < 5; host++) {
    for (let i = 0; i < 60; i++) it.accept(`203.0.113.${host}`).say("GE");
  }
  assert.equal(held.used, 400);
  for (const conn of it.conns) conn.destroy();
  it.settle();
  assert.equal(held.used, 0);
});
