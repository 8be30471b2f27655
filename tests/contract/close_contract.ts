import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { describe, test } from "node:test";
import type { Conn, Runtime } from "../../core/base/io.ts";
import { openPair, openPeer, pattern, sleep, until } from "./peer.ts";

const MIB = 1024 * 1024;
const DESCRIPTORS = "/proc/self/fd";

export function closeContract(name: string, runtime: Runtime): void {
  describe(`${name}: the end of a connection`, () => closing(runtime));
}

function closing(runtime: Runtime): void {
  test("destroy reports close later, once, with its error, and then all is silent", async () => {
    const pair = await openPair(runtime);
    const { conn, peer, handler } = pair;
    peer.socket.write("x");
    await until("data", () => handler.size === 1);
    const error = new Error("no more");
    conn.destroy(error);
    conn.destroy(new Error("another"));
    assert.deepEqual(handler.calls, ["data"], "close is never inside destroy");
    assert.equal(conn.closed, true);
    assert.equal(conn.write(pattern(MIB)), true);
    conn.end();
    conn.pause();
    conn.resume();
    await until("close", () => handler.closed);
    assert.equal(handler.error, error);
    peer.socket.write("y");
    await sleep(30);
    assert.deepEqual(handler.calls, ["data", "close"]);
    assert.equal(conn.buffered, 0);
    await pair.done();
  });

  test("destroy from data, drain, end and close neither recurses nor calls again", async () => {
    for (const at of ["data", "drain", "end", "close"] as const) {
      const pair = await openPair(runtime);
      const { conn, peer, handler } = pair;
      const inner = handler[at].bind(handler) as (argument?: unknown) => void;
      let inside = 0;
      handler[at] = (argument?: unknown): void => {
        inside++;
        assert.equal(inside, 1, at);
        inner(argument);
        conn.destroy();
        inside--;
      };
      peer.socket.write("x");
      if (at === "drain") conn.write(pattern(8 * MIB));
      if (at === "end") peer.socket.end();
      if (at === "close") {
        // Node 20 sends FIN when it is told to reset with a write under way.
        await until("data", () => handler.size === 1);
        peer.reset();
      }
      await until(`close after destroy in ${at}`, () => handler.closed);
      await sleep(5);
      assert.equal(handler.calls.at(-1), "close");
      assert.equal(handler.calls.filter((call) => call === "close").length, 1);
      await pair.done();
    }
  });

  test("destroy of a stalled connection frees it: the peer sees the end before all that was queued", async () => {
    const pair = await openPair(runtime);
    const { conn, peer, handler } = pair;
    peer.socket.pause();
    conn.write(pattern(16 * MIB));
    await sleep(50);
    conn.destroy();
    await until("close", () => handler.closed);
    peer.socket.resume();
    await until("the end at the peer", () => peer.ended || peer.closed);
    assert.ok(peer.size < 16 * MIB);
    await pair.done();
  });

  test("a reset by the peer is close with ECONNRESET, last and once", async () => {
    const pair = await openPair(runtime);
    const { peer, handler } = pair;
    peer.socket.write("x");
    await until("data", () => handler.size === 1);
    peer.reset();
    await until("close", () => handler.closed);
    await sleep(10);
    assert.equal(handler.error?.code, "ECONNRESET");
    assert.deepEqual(handler.calls, ["data", "close"]);
    assert.equal(pair.conn.closed, true);
    await pair.done();
  });

  test("a reset while we have bytes queued is close with an error", async () => {
    const pair = await openPair(runtime);
    const { conn, peer, handler } = pair;
    peer.socket.pause();
    conn.write(pattern(16 * MIB));
    await sleep(30);
    peer.reset();
    await until("close", () => handler.closed);
    assert.ok(handler.error);
    assert.deepEqual(handler.calls, ["close"]);
    await pair.done();
  });

  test("the listener's owner is told of every close, after the handler, with the connection", async () => {
    const order: string[] = [];
    const told: Conn[] = [];
    const pair = await openPair(runtime, {
      onConnClosed: (conn) => {
        order.push("owner");
        told.push(conn);
      },
    });
    pair.handler.close = () => void order.push("handler");
    pair.conn.destroy();
    assert.deepEqual(order, []);
    await until("both", () => order.length === 2);
    assert.deepEqual(order, ["handler", "owner"]);
    assert.deepEqual(told, [pair.conn]);
    await pair.done();
  });

  const skip = existsSync(DESCRIPTORS) ? false : "no /proc here";
  test("after 300 connections that end in every way all descriptors are back", {
    skip,
  }, async () => {
    const open = (): number => readdirSync(DESCRIPTORS).length;
    let [accepted, closed] = [0, 0];
    const listener = await runtime.listen({ host: "127.0.0.1", port: 0 }, (conn) => {
      accepted++;
      conn.handler = {
        data: (chunk) => {
          const [way = 0] = chunk;
          conn.write(pattern(way === 2 ? 6 * MIB : 1000));
          if (way === 0) conn.destroy();
          else conn.end();
        },
        close: () => closed++,
      };
    });
    const before = open();
    for (let round = 0; round < 12; round++) {
      const peers = await Promise.all(
        Array.from({ length: 25 }, () => openPeer(listener.local.port)),
      );
      await until("all are accepted", () => accepted === 25 * (round + 1));
      for (const [i, peer] of peers.entries()) {
        peer.socket.pause();
        peer.socket.write(Uint8Array.of(i % 4));
      }
      await sleep(5);
      for (const [i, peer] of peers.entries()) {
        if (i % 2 === 0) peer.reset();
        else peer.socket.destroy();
      }
    }
    await until("all are closed", () => closed === 300);
    await until("descriptors are back", () => open() <= before + 3);
    await listener.close();
  });

  test("an exception of the handler closes its connection with that error, and no other one", async () => {
    const pair = await openPair(runtime);
    const other = await openPair(runtime);
    const bug = new Error("planted");
    pair.handler.data = () => {
      throw bug;
    };
    pair.peer.socket.write("x");
    await until("close", () => pair.handler.closed);
    assert.equal(pair.handler.error, bug);
    await until("the peer sees it", () => pair.peer.ended || pair.peer.closed);
    other.peer.socket.write("x");
    await until("data", () => other.handler.size === 1);
    await pair.done();
    await other.done();
  });
}
