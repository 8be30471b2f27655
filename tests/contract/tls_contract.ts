import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { MonoportError } from "../../core/base/error.ts";
import type { Runtime } from "../../core/base/io.ts";
import { makeCertificate, type Pem } from "./certificate.ts";
import { deferred, digest, openPeer, pattern, Recorder, sleep, text, until } from "./peer.ts";
import { connectClient, openProxy, openTlsPair, TlsServer } from "./tls_peer.ts";

const MIB = 1024 * 1024;

export function tlsContract(name: string, runtime: Runtime): void {
  describe(`${name}: TLS`, () => {
    let opened: TlsServer | undefined;
    const pem = makeCertificate("first.test");
    const server = (): TlsServer => {
      assert.ok(opened);
      opened.options = {};
      opened.gather = 1;
      return opened;
    };
    before(async () => {
      opened = await TlsServer.open(runtime, runtime.tlsContext(pem.certificate, pem.key));
    });
    after(() => opened?.close());
    contexts(runtime, pem, server);
    handshakes(server);
    failures(server);
    streams(server);
    ends(server);
  });
}

function contexts(runtime: Runtime, pem: Pem, open: () => TlsServer): void {
  test("a context of garbage, or of a key of another certificate, cannot be made", () => {
    const other = makeCertificate("other.test");
    assert.throws(() => runtime.tlsContext("garbage", pem.key));
    assert.throws(() => runtime.tlsContext(pem.certificate, "garbage"));
    assert.throws(() => runtime.tlsContext(pem.certificate, other.key));
  });

  test("each connection has the context it was given, so that certificates can be renewed", async () => {
    const server = open();
    const { context } = server;
    const other = makeCertificate("second.test");
    const first = await openTlsPair(server);
    server.context = runtime.tlsContext(other.certificate, other.key);
    const second = await openTlsPair(server);
    server.context = context;
    for (const { peer, conn } of [first, second]) {
      conn.write(text("x"));
      await until("data", () => peer.size === 1);
    }
    assert.equal(first.tls.getPeerCertificate().subject.CN, "first.test");
    assert.equal(second.tls.getPeerCertificate().subject.CN, "second.test");
    first.close();
    second.close();
  });

  test("startTls of a listener without tls works or is refused as misuse", async () => {
    const outcome = deferred<unknown>();
    const { context } = open();
    const listener = await runtime.listen({ host: "127.0.0.1", port: 0 }, (conn) => {
      const data = (first: Uint8Array): void => {
        const started = conn.startTls(first, { context });
        outcome.resolve(
          started.then(
            (tls) => tls.destroy(),
            (error) => error,
          ),
        );
      };
      conn.handler = { data, close: () => {} };
    });
    const client = connectClient({ port: listener.local.port });
    const error = await outcome.promise;
    if (error !== undefined) {
      assert.ok(error instanceof MonoportError);
      assert.equal(error.code, "api-misuse");
    }
    client.destroy();
    await listener.close();
  });
}

function handshakes(open: () => TlsServer): void {
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    test(`${version} with node:tls, no SNI, ALPN by our order`, async () => {
      const server = open();
      server.options = { alpn: ["http/1.1", "other"] };
      const pair = await openTlsPair(server, {
        minVersion: version,
        maxVersion: version,
        ALPNProtocols: ["other", "http/1.1"],
      });
      pair.tls.write("ping");
      await until("ping", () => pair.handler.text === "ping");
      pair.conn.write(text("pong"));
      await until("pong", () => pair.peer.text === "pong");
      assert.equal(pair.tls.getProtocol(), version);
      assert.equal(pair.tls.alpnProtocol, "http/1.1");
      assert.equal(pair.conn.remote.port, pair.tls.localPort);
      assert.equal(pair.conn.remote.host, "127.0.0.1");
      assert.equal(pair.conn.local.port, server.port);
      pair.close();
    });

    test(`${version} with OpenSSL's client, with SNI and ALPN`, async () => {
      const server = open();
      server.options = { alpn: ["http/1.1"] };
      const accepted = server.next();
      const flag = version === "TLSv1.2" ? "-tls1_2" : "-tls1_3";
      const target = ["-connect", `127.0.0.1:${server.port}`, "-servername", "localhost"];
      const client = spawn("openssl", ["s_client", flag, ...target, "-alpn", "h2,http/1.1"]);
      let output = "";
      client.stdout.on("data", (b) => {
        output += b;
      });
      const exited = new Promise((resolve) => client.on("close", resolve));
      const conn = await accepted;
      const handler = new Recorder();
      conn.handler = handler;
      client.stdin.write("hello\n");
      await until("hello", () => handler.text === "hello\n");
      conn.write(text("good bye\n"));
      await until("good bye", () => output.includes("good bye"));
      conn.end();
      client.stdin.end();
      await exited;
      assert.match(output, new RegExp(`New, ${version}, Cipher is`));
      assert.match(output, /ALPN protocol: http\/1.1/);
      conn.destroy();
    });
  }

  for (const gather of [1, 200]) {
    test(`a ClientHello in pieces of 37 bytes, startTls after ${gather} or more`, async () => {
      const server = open();
      server.gather = gather;
      const proxy = await openProxy(server.port, 37);
      const pair = await openTlsPair(server, { port: proxy.port });
      pair.tls.write("through the proxy");
      await until("data", () => pair.handler.text === "through the proxy");
      pair.close();
      proxy.close();
    });
  }

  test("a handler that comes late gets what came right behind the handshake", async () => {
    const server = open();
    const accepted = server.next();
    const client = connectClient({ port: server.port });
    const bytes = pattern(200_000);
    client.write(bytes);
    const conn = await accepted;
    await sleep(50);
    const handler = new Recorder();
    conn.handler = handler;
    await until("all bytes", () => handler.size >= bytes.length);
    assert.equal(handler.digest, digest(bytes));
    conn.destroy();
    client.destroy();
  });
}

function failures(open: () => TlsServer): void {
  test("a handshake that takes too long is refused and the connection closed", async () => {
    const server = open();
    server.options = { handshakeMillis: 120 };
    const outcome = server.next();
    const peer = await openPeer(server.port);
    const start = performance.now();
    peer.socket.write(Uint8Array.of(0x16, 3, 1));
    await assert.rejects(outcome, (error: { code?: string }) => error.code === "ETIMEDOUT");
    assert.ok(performance.now() - start >= 100);
    await until("the close", () => peer.ended || peer.closed);
    peer.socket.destroy();
  });

  test("garbage instead of a ClientHello is refused and the connection closed", async () => {
    const server = open();
    const outcome = server.next();
    const peer = await openPeer(server.port);
    peer.socket.write(new Uint8Array(2000).fill(0x16));
    await assert.rejects(outcome);
    await until("the close", () => peer.ended || peer.closed);
    peer.socket.destroy();
  });

  test("a peer that leaves during the handshake is an error, however it leaves", async () => {
    for (const leave of ["end", "reset"] as const) {
      const server = open();
      server.options = { handshakeMillis: 60_000 };
      const outcome = server.next();
      const peer = await openPeer(server.port);
      const start = performance.now();
      peer.socket.write(Uint8Array.of(0x16, 3, 1, 2, 0, 1));
      setTimeout(() => (leave === "end" ? peer.socket.end() : peer.reset()), 20);
      await assert.rejects(outcome);
      assert.ok(performance.now() - start < 30_000, "not only by the timeout");
      peer.socket.destroy();
    }
  });
}

function streams(open: () => TlsServer): void {
  test("16 MiB to a stalled client: write says stop, buffered says why, all of it arrives", async () => {
    const server = open();
    const proxy = await openProxy(server.port);
    const pair = await openTlsPair(server, { port: proxy.port });
    const { conn, peer, handler } = pair;
    proxy.stall();
    const bytes = pattern(16 * MIB);
    let at = 0;
    const pump = (): void => {
      while (at < bytes.length) {
        const piece = bytes.subarray(at, at + 65_536);
        at += piece.length;
        if (!conn.write(piece)) return;
      }
    };
    handler.drain = pump;
    pump();
    await sleep(150);
    assert.ok(at < 12 * MIB, `${at} bytes were taken for a client that reads nothing`);
    assert.ok(conn.buffered > 0);
    proxy.flow();
    await until("all bytes", () => peer.size >= bytes.length, 20_000);
    assert.equal(peer.digest, digest(bytes));
    await until("empty", () => conn.buffered === 0);
    pair.close();
    proxy.close();
  });

  test("8 MiB from a client while we pause and resume", async () => {
    const pair = await openTlsPair(open());
    const { conn, handler, tls } = pair;
    const bytes = pattern(8 * MIB);
    conn.pause();
    tls.write(bytes);
    await sleep(100);
    assert.ok(handler.size <= MIB, `${handler.size} bytes while paused`);
    conn.resume();
    await until("all bytes", () => handler.size >= bytes.length, 20_000);
    assert.equal(handler.digest, digest(bytes));
    assert.ok(handler.chunks.every((chunk) => chunk.constructor === Uint8Array));
    pair.close();
  });

  test("bytes may be changed once buffered is 0", async () => {
    const pair = await openTlsPair(open());
    const scratch = new Uint8Array(1200);
    const sent: Uint8Array[] = [];
    for (let i = 0; i < 200; i++) {
      scratch.fill(i);
      sent.push(scratch.slice());
      pair.conn.write(scratch);
      while (pair.conn.buffered > 0) await new Promise((resolve) => setImmediate(resolve));
    }
    scratch.fill(0xff);
    await until("all bytes", () => pair.peer.size >= 200 * 1200);
    assert.equal(pair.peer.digest, digest(...sent));
    pair.close();
  });
}

function ends(open: () => TlsServer): void {
  test("end flushes what is queued, then tells the client", async () => {
    const server = open();
    const proxy = await openProxy(server.port);
    const pair = await openTlsPair(server, { port: proxy.port });
    const { conn, peer, handler, tls } = pair;
    proxy.stall();
    const bytes = pattern(9 * MIB);
    conn.write(bytes);
    conn.end();
    await sleep(30);
    proxy.flow();
    await until("the end", () => peer.ended || peer.closed);
    assert.equal(peer.digest, digest(bytes));
    tls.end();
    await until("close", () => handler.closed);
    assert.equal(handler.calls.at(-1), "close");
    pair.close();
    proxy.close();
  });

  test("the client's end is told, then close, once and last", async () => {
    const pair = await openTlsPair(open());
    const { conn, handler, tls } = pair;
    tls.end("last words");
    await until("end", () => handler.calls.includes("end"));
    assert.equal(handler.text, "last words");
    conn.end();
    await until("close", () => handler.closed);
    assert.deepEqual(handler.calls, ["data", "end", "close"]);
    pair.close();
  });

  test("destroy is close later, with its error; a reset by the client is close too", async () => {
    const pair = await openTlsPair(open());
    const error = new Error("no more");
    pair.conn.destroy(error);
    assert.deepEqual(pair.handler.calls, []);
    assert.equal(pair.conn.write(text("x")), true);
    await until("close", () => pair.handler.closed);
    assert.equal(pair.handler.error, error);
    await until("the client sees it", () => pair.peer.ended || pair.peer.closed);
    pair.close();
    const other = await openTlsPair(open());
    other.tls.write("x");
    await until("data", () => other.handler.size === 1);
    other.tls.destroy();
    await until("end or close", () => other.handler.calls.length > 1);
    other.conn.end();
    await until("close", () => other.handler.closed);
    other.close();
  });
}
