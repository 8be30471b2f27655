import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { describe, test } from "node:test";
import { MonoportError } from "../../core/base/error.ts";
import type { Endpoint, Runtime, UdpSocket } from "../../core/base/io.ts";
import { digest, pattern, sleep, text, until } from "./peer.ts";

interface Received {
  readonly bytes: Uint8Array;
  readonly from: Endpoint;
}

async function open(runtime: Runtime, host?: string): Promise<[UdpSocket, Received[]]> {
  const received: Received[] = [];
  const socket = await runtime.openUdp({ port: 0, ...(host ? { host } : {}) }, (bytes, from) => {
    received.push({ bytes: bytes.slice(), from });
  });
  return [socket, received];
}

export function udpContract(name: string, runtime: Runtime): void {
  describe(`${name}: UDP`, () => {
    addresses(runtime);
    robustness(runtime);
  });
}

function addresses(runtime: Runtime): void {
  for (const host of ["127.0.0.1", "::1"]) {
    test(`datagrams go to and fro over ${host}`, async () => {
      const [a, atA] = await open(runtime, host);
      const [b, atB] = await open(runtime, host);
      assert.equal(a.local.host, host);
      assert.ok(a.local.port > 0);
      const bytes = pattern(1200);
      a.send(bytes, b.local);
      await until("a datagram", () => atB.length === 1);
      assert.equal(digest(atB[0]!.bytes), digest(bytes));
      assert.deepEqual(atB[0]!.from, a.local);
      b.send(text("back"), atB[0]!.from);
      await until("the answer", () => atA.length === 1);
      assert.deepEqual(atA[0]!.from, b.local);
      assert.equal(digest(atA[0]!.bytes), digest(text("back")));
      await a.close();
      await b.close();
    });

    test(`the default host answers ${host}, and calls the peer by that address`, async () => {
      const [all, atAll] = await open(runtime);
      const [one, atOne] = await open(runtime, host);
      one.send(text("hello"), { host, port: all.local.port });
      await until("a datagram", () => atAll.length === 1);
      assert.deepEqual(atAll[0]!.from, one.local);
      all.send(text("back"), atAll[0]!.from);
      await until("the answer", () => atOne.length === 1);
      assert.deepEqual(atOne[0]!.from, { host, port: all.local.port });
      await all.close();
      await one.close();
    });
  }

  test("a socket of node:dgram and ours understand each other", async () => {
    const [ours, received] = await open(runtime, "127.0.0.1");
    const stranger = createSocket("udp4");
    const answers: string[] = [];
    stranger.on("message", (bytes) => answers.push(bytes.toString()));
    await new Promise<void>((resolve) => stranger.bind(0, "127.0.0.1", () => resolve()));
    stranger.send("hello", ours.local.port, "127.0.0.1");
    await until("a datagram", () => received.length === 1);
    assert.equal(received[0]!.from.port, stranger.address().port);
    ours.send(text("hello yourself"), received[0]!.from);
    await until("the answer", () => answers.length === 1);
    assert.deepEqual(answers, ["hello yourself"]);
    stranger.close();
    await ours.close();
  });

  test("a datagram is a Uint8Array whose slice is a copy", async () => {
    const copied: boolean[] = [];
    const socket = await runtime.openUdp({ host: "127.0.0.1", port: 0 }, (bytes) => {
      const copy = bytes.slice(0, 2);
      copy[0] = 7;
      copied.push(bytes[0] === 104 && bytes.length === 5);
    });
    const [other] = await open(runtime, "127.0.0.1");
    other.send(text("hello"), socket.local);
    await until("a datagram", () => copied.length === 1);
    assert.deepEqual(copied, [true]);
    await socket.close();
    await other.close();
  });

  test("a port in use is an error with a code", async () => {
    const [socket] = await open(runtime, "127.0.0.1");
    await assert.rejects(
      () => runtime.openUdp(socket.local, () => {}),
      (error) => error instanceof MonoportError && error.code === "port-in-use",
    );
    await socket.close();
    const again = await runtime.openUdp(socket.local, () => {});
    assert.deepEqual(again.local, socket.local);
    await again.close();
  });
}

function robustness(runtime: Runtime): void {
  test("100 datagrams of every size up to a path's MTU arrive whole", async () => {
    const [a, atA] = await open(runtime, "127.0.0.1");
    const [b] = await open(runtime, "127.0.0.1");
    const bytes = pattern(1500);
    for (let i = 0; i < 100; i++) {
      b.send(bytes.slice(0, 1 + 14 * i), a.local);
      if (i % 10 === 9) await sleep(1);
    }
    await until("all datagrams", () => atA.length === 100);
    for (const [i, { bytes: got }] of atA.entries()) {
      assert.equal(digest(got), digest(bytes.subarray(0, 1 + 14 * i)));
    }
    await a.close();
    await b.close();
  });

  test("sending to nobody, to a bad address or too much drops the datagram and nothing else", async () => {
    const [a, atA] = await open(runtime, "127.0.0.1");
    const [all] = await open(runtime);
    const gone = (await open(runtime, "127.0.0.1"))[0];
    await gone.close();
    for (const socket of [a, all]) {
      for (let i = 0; i < 3; i++) socket.send(text("x"), gone.local);
      socket.send(text("x"), { host: "127.0.0.1", port: 0 });
      socket.send(text("x"), { host: "127.0.0.1", port: 65_536 });
      socket.send(text("x"), { host: "not an address", port: 9 });
      socket.send(text("x"), { host: "", port: 9 });
      socket.send(new Uint8Array(70_000), a.local);
    }
    a.send(text("x"), { host: "::1", port: 9 });
    await sleep(50);
    assert.equal(atA.length, 0);
    all.send(text("still alive"), a.local);
    await until("a datagram", () => atA.length === 1);
    a.send(text("and this one"), a.local);
    await until("a datagram", () => atA.length === 2);
    await a.close();
    await all.close();
  });

  test("a peer that is gone costs the others no datagram, and they come in order", async () => {
    const [a] = await open(runtime);
    const [b, atB] = await open(runtime, "127.0.0.1");
    const gone = (await open(runtime, "127.0.0.1"))[0];
    await gone.close();
    for (let i = 0; i < 50; i++) {
      a.send(text("x"), gone.local);
      a.send(Uint8Array.of(i), b.local);
      a.send(Uint8Array.of(i, 0), b.local);
      if (i % 10 === 9) await sleep(2); // for the answers of the kernel
    }
    await until("all datagrams", () => atB.length === 100);
    assert.deepEqual(
      atB.map(({ bytes }) => `${bytes[0]} ${bytes.length}`),
      Array.from({ length: 100 }, (_, i) => `${i >> 1} ${1 + (i & 1)}`),
    );
    await a.close();
    await b.close();
  });

  test("an exception of the handler loses one datagram; after close there is silence", async () => {
    let count = 0;
    const socket = await runtime.openUdp({ host: "127.0.0.1", port: 0 }, () => {
      if (++count === 1) throw new Error("a bug that this test plants: its stack is expected here");
    });
    const [other] = await open(runtime, "127.0.0.1");
    other.send(text("x"), socket.local);
    await until("the first", () => count === 1);
    other.send(text("x"), socket.local);
    await until("the second", () => count === 2);
    await socket.close();
    await socket.close();
    other.send(text("x"), socket.local);
    socket.send(text("x"), other.local);
    await sleep(20);
    assert.equal(count, 2);
    await other.close();
  });
}
