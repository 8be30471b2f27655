import assert from "node:assert/strict";
import net from "node:net";
import { describe, test } from "node:test";
import tls from "node:tls";
import fc from "fast-check";
import { Fault } from "../../../../core/base/mod.ts";
import { concat } from "../../../../core/bytes/mod.ts";
import * as clienthello from "../../../../core/wire/clienthello/mod.ts";
import { vector } from "../../../vector.ts";

const HELLO = vector("client_hello_rfc8448");
const MESSAGE = HELLO.subarray(5);

function record(fragment: Uint8Array): Uint8Array {
  return concat([Uint8Array.of(22, 3, 1, fragment.length >> 8, fragment.length & 0xff), fragment]);
}

function decode(bytes: Uint8Array): clienthello.ClientHello | Fault | undefined {
  return clienthello.decodeClientHello(bytes);
}

test("RFC 8448 §3: the server name of the example", () => {
  assert.deepEqual(decode(HELLO), { serverName: "server", alpn: [] });
});

test("RFC 8446 §5.1: a ClientHello over records of any size", () => {
  for (const size of [1, 3, 4, 5, 50, 195]) {
    const records: Uint8Array[] = [];
    for (let at = 0; at < MESSAGE.length; at += size)
      records.push(record(MESSAGE.slice(at, at + size)));
    assert.deepEqual(decode(concat(records)), { serverName: "server", alpn: [] });
  }
});

test("cut anywhere, more is asked for; bytes behind it change nothing", () => {
  for (let size = 0; size < HELLO.length; size++)
    assert.equal(decode(HELLO.subarray(0, size)), undefined);
  assert.deepEqual(decode(concat([HELLO, HELLO])), { serverName: "server", alpn: [] });
});

describe("what is no ClientHello", () => {
  for (const [name, bytes, fault] of [
    ["another content type", [23, 3, 1, 0, 1, 1], clienthello.BAD_RECORD],
    ["another major version", [22, 2], clienthello.BAD_RECORD],
    ["an empty record", [22, 3, 1, 0, 0], clienthello.BAD_RECORD],
    ["a record above 2^14 bytes", [22, 3, 1, 0x40, 1], clienthello.BAD_RECORD],
    ["another handshake message", [22, 3, 1, 0, 4, 2], clienthello.NOT_CLIENT_HELLO],
    ["more than 16 KiB", [22, 3, 1, 0, 4, 1, 0, 0x40, 1], clienthello.TOO_LARGE],
    ["a body too short", [22, 3, 1, 0, 5, 1, 0, 0, 1, 3], clienthello.BAD_CLIENT_HELLO],
  ] as const) {
    test(name, () => assert.equal(decode(Uint8Array.from(bytes)), fault));
  }
});

test("every bit flipped: nothing throws, and a name is a name", () => {
  for (let bit = 0; bit < HELLO.length * 8; bit++) {
    const flipped = HELLO.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    const got = decode(flipped);
    if (got === undefined || got instanceof Fault) continue;
    assert.match(got.serverName ?? "", /^[a-z0-9._-]*$/);
  }
});

test("whatever the bytes: nothing throws", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      decode(bytes);
      decode(record(concat([Uint8Array.of(1, 0, 0, bytes.length), bytes])));
    }),
    { seed: 13, numRuns: 500 },
  );
});

/** The first bytes that the TLS client of this runtime sends. */
async function capture(options: tls.ConnectionOptions): Promise<Uint8Array> {
  return await new Promise((resolve) => {
    const server = net.createServer((socket) => {
      const parts: Uint8Array[] = [];
      socket.on("error", () => {});
      socket.on("data", (bytes: Uint8Array) => {
        parts.push(bytes);
        if (decode(concat(parts)) === undefined) return;
        client.destroy();
        socket.destroy();
        server.close(() => resolve(concat(parts)));
      });
    });
    let client: tls.TLSSocket;
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as net.AddressInfo;
      client = tls.connect({ host: "127.0.0.1", port, rejectUnauthorized: false, ...options });
      client.on("error", () => {});
    });
  });
}

test("the TLS client of the runtime: RFC 6066 §3 server name, RFC 7301 ALPN", async () => {
  const bytes = await capture({ servername: "Live.Example.org", ALPNProtocols: ["http/1.1", "x"] });
  const got = decode(bytes);
  assert.ok(got !== undefined && !(got instanceof Fault), `${got}`);
  assert.equal(got.serverName, "live.example.org");
  assert.deepEqual(got.alpn, ["http/1.1", "x"]);
});
