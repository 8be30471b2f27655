import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Conn, Runtime } from "../../core/base/io.ts";
import { digest, openPair, openPeer, pattern, Recorder, sleep, text, until } from "./peer.ts";

const MIB = 1024 * 1024;

/** What could not be made alike. */
export interface Differences {
  /**
   * Deno's node:net answers a FIN that comes while bytes are queued with EPIPE: the queue is lost.
   * Seen with Deno 2.9.6.
   */
  readonly finLosesQueue?: boolean;
}

export function connContract(name: string, runtime: Runtime, differences: Differences): void {
  describe(`${name}: half-close`, () => halfClose(runtime, differences));
  describe(`${name}: read`, () => reading(runtime));
}

function halfClose(runtime: Runtime, differences: Differences): void {
  test("after the peer's FIN we can still write, then end, and close comes last without error", async () => {
    const pair = await openPair(runtime);
    const { conn, peer, handler } = pair;
    peer.socket.end("request");
    await until("end", () => handler.calls.includes("end"));
    const bytes = pattern(6 * MIB);
    conn.write(bytes);
    await sleep(20);
    assert.equal(handler.closed, false);
    conn.end();
    await until("the peer has all and FIN", () => peer.ended);
    assert.equal(peer.digest, digest(bytes));
    await until("close", () => handler.closed);
    assert.equal(handler.text, "request");
    assert.equal(handler.error, undefined);
    assert.equal(conn.closed, true);
    const calls = handler.calls.filter((call) => call !== "drain");
    assert.deepEqual(calls, ["data", "end", "close"]);
    await pair.done();
  });

  test("after our FIN the peer can still write, and close comes after its FIN", async () => {
    const pair = await openPair(runtime);
    const { conn, peer, handler } = pair;
    conn.write(text("answer"));
    conn.end();
    conn.end();
    assert.equal(conn.write(text("too late")), true);
    await until("FIN", () => peer.ended);
    assert.equal(peer.text, "answer");
    const bytes = pattern(3 * MIB);
    peer.socket.write(bytes);
    await until("all bytes", () => handler.size >= bytes.length);
    assert.equal(handler.digest, digest(bytes));
    assert.equal(handler.closed, false);
    peer.socket.end();
    await until("close", () => handler.closed);
    assert.equal(handler.error, undefined);
    assert.deepEqual(handler.calls, ["data", "end", "close"]);
    await pair.done();
  });

  test("bytes and FIN that come while we are paused after our own FIN are kept", async () => {
    const pair = await openPair(runtime);
    const { conn, peer, handler } = pair;
    conn.end();
    conn.pause();
    await until("FIN", () => peer.ended);
    const bytes = pattern(3 * MIB);
    peer.socket.end(bytes);
    await sleep(100);
    conn.resume();
    await until("close", () => handler.closed);
    assert.equal(handler.digest, digest(bytes));
    assert.deepEqual(handler.calls, ["data", "end", "close"]);
    await pair.done();
  });

  test("bytes and FIN that come while we are paused are kept", async () => {
    const pair = await openPair(runtime);
    const { conn, peer, handler } = pair;
    conn.pause();
    const bytes = pattern(1 * MIB);
    peer.socket.end(bytes);
    await sleep(100);
    assert.ok(handler.size < bytes.length);
    conn.resume();
    await until("end", () => handler.calls.includes("end"));
    assert.equal(handler.digest, digest(bytes));
    conn.write(text("answer"));
    conn.end();
    await until("close", () => handler.closed);
    if (!differences.finLosesQueue) assert.equal(peer.text, "answer");
    assert.deepEqual(handler.calls, ["data", "end", "close"]);
    await pair.done();
  });

  test("end flushes what is queued before FIN, however slow the reader", async () => {
    const pair = await openPair(runtime);
    const { conn, peer } = pair;
    peer.socket.pause();
    const bytes = pattern(12 * MIB);
    conn.write(bytes);
    conn.write(text("last"));
    conn.end();
    await sleep(50);
    peer.socket.resume();
    await until("FIN", () => peer.ended);
    assert.equal(peer.digest, digest(bytes, text("last")));
    await pair.done();
  });

  test("an answer and end are not lost while the peer goes on sending", async () => {
    const pair = await openPair(runtime);
    const { conn, peer, handler } = pair;
    peer.socket.write(pattern(2 * MIB));
    handler.data = () => {
      conn.write(text("413"));
      conn.end();
      handler.data = (chunk) => {
        handler.size += chunk.length;
      };
    };
    await until("the answer and FIN", () => peer.ended);
    assert.equal(peer.text, "413");
    assert.equal(peer.error, undefined);
    await pair.done();
  });

  const { finLosesQueue = false } = differences;
  if (finLosesQueue) return;
  test("a handler without end answers FIN with FIN, after what is queued", async () => {
    const pair = await openPair(runtime);
    const { conn, peer } = pair;
    const closes: unknown[] = [];
    conn.handler = { data: () => {}, close: (error) => closes.push(error) };
    peer.socket.pause();
    const bytes = pattern(8 * MIB);
    conn.write(bytes);
    peer.socket.end();
    await sleep(30);
    peer.socket.resume();
    await until("FIN", () => peer.ended);
    assert.equal(peer.digest, digest(bytes));
    await until("close", () => closes.length > 0);
    assert.deepEqual(closes, [undefined]);
    await pair.done();
  });
}

function reading(runtime: Runtime): void {
  test("a paused connection takes at most one more chunk, and nothing is lost", async () => {
    const pair = await openPair(runtime);
    const { conn, peer, handler } = pair;
    const bytes = pattern(20 * MIB);
    peer.socket.write(text("x"));
    await until("the first byte", () => handler.size === 1);
    conn.pause();
    conn.pause();
    peer.socket.write(bytes);
    await sleep(150);
    assert.ok(handler.chunks.length <= 2, `${handler.chunks.length} chunks`);
    assert.ok(handler.size <= 1 * MIB);
    assert.ok(peer.socket.writableLength > 0, "the peer feels it");
    conn.resume();
    conn.resume();
    await until("all bytes", () => handler.size >= 1 + bytes.length);
    assert.equal(handler.digest, digest(text("x"), bytes));
    await pair.done();
  });

  test("pausing and resuming at every chunk loses nothing, nor the FIN behind", async () => {
    const pair = await openPair(runtime);
    const { conn, peer, handler } = pair;
    const keep = handler.data.bind(handler);
    handler.data = (chunk) => {
      keep(chunk);
      conn.pause();
      if (handler.chunks.length % 3 === 0) conn.resume();
      else setTimeout(() => conn.resume(), 0);
    };
    const bytes = pattern(3 * MIB);
    peer.socket.end(bytes);
    await until("end", () => handler.calls.includes("end"));
    assert.equal(handler.digest, digest(bytes));
    assert.deepEqual(handler.calls, ["data", "end"]);
    await pair.done();
  });

  test("a chunk belongs to the handler: later reads do not change it", async () => {
    const pair = await openPair(runtime);
    const { peer, handler } = pair;
    for (let i = 0; i < 50; i++) {
      peer.socket.write(new Uint8Array(700).fill(i));
      await until("the piece", () => handler.size === 700 * (i + 1));
    }
    const all = Array.from({ length: 50 }, (_, i) => new Uint8Array(700).fill(i));
    assert.equal(handler.digest, digest(...all));
    assert.ok(handler.chunks.every((chunk) => chunk.constructor === Uint8Array));
    await pair.done();
  });

  test("a handler swapped inside data gets the rest, the old one nothing more", async () => {
    const pair = await openPair(runtime);
    const { conn, peer, handler } = pair;
    const second = new Recorder();
    const keep = handler.data.bind(handler);
    handler.data = (chunk) => {
      keep(chunk);
      conn.handler = second;
    };
    peer.socket.write("first");
    await until("first", () => handler.size === 5);
    peer.socket.end("second");
    await until("end", () => second.calls.includes("end"));
    assert.equal(second.text, "second");
    conn.end();
    await until("close", () => second.closed);
    assert.equal(handler.text, "first");
    assert.deepEqual(handler.calls, ["data"]);
    await pair.done();
  });

  test("a handler that comes late gets every byte, the FIN or the close", async () => {
    const accepted: Conn[] = [];
    const listener = await runtime.listen({ host: "127.0.0.1", port: 0 }, (conn) => {
      accepted.push(conn);
    });
    const peer = await openPeer(listener.local.port);
    peer.socket.end("early");
    await until("accepted", () => accepted.length === 1);
    await sleep(50);
    const [conn] = accepted;
    assert.ok(conn);
    const handler = new Recorder();
    conn.handler = handler;
    assert.deepEqual(handler.calls, [], "not inside the assignment");
    await until("end", () => handler.calls.includes("end"));
    assert.equal(handler.text, "early");
    conn.destroy();
    const other = await openPeer(listener.local.port);
    await until("accepted", () => accepted.length === 2);
    accepted[1]!.destroy(new Error("why"));
    await sleep(20);
    const late = new Recorder();
    accepted[1]!.handler = late;
    assert.deepEqual(late.calls, []);
    await until("close", () => late.closed);
    assert.equal(late.error?.message, "why");
    peer.socket.destroy();
    other.socket.destroy();
    await listener.close();
  });
}
