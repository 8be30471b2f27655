import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Client, type Server, startServer } from "./fixture.ts";

const HANDSHAKE = {
  Host: "x",
  Upgrade: "websocket",
  Connection: "keep-alive, Upgrade",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};

let server: Server;
before(async () => {
  server = await startServer();
});
after(() => server.close());

function request(fields: Record<string, string | undefined> = {}, method = "GET"): string {
  const lines = Object.entries({ ...HANDSHAKE, ...fields })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} /ws HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** A masked frame, as a client sends it. */
function frame(opcode: number, payload: string | Uint8Array, first = 0x80): Buffer {
  const bytes = Buffer.from(payload);
  const head = [first | opcode];
  if (bytes.length < 126) head.push(0x80 | bytes.length);
  else if (bytes.length < 65536) head.push(0x80 | 126, bytes.length >> 8, bytes.length & 0xff);
  else
    head.push(
      0x80 | 127,
      0,
      0,
      0,
      0,
      ...[24, 16, 8, 0].map((shift) => (bytes.length >> shift) & 0xff),
    );
  const key = [1, 2, 3, 4];
  return Buffer.from([...head, ...key, ...bytes.map((byte, i) => byte ^ key[i & 3]!)]);
}

async function withSocket(use: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client(server.port);
  try {
    client.write(request());
    const answer = await client.answer();
    assert.equal(answer.status, 101);
    await expect(client, "8105", "hello");
    await use(client);
  } finally {
    client.destroy();
  }
}

/** Takes one frame off: its first two bytes in hexadecimal, and its payload. */
async function expect(client: Client, head: string, payload: string | Buffer): Promise<void> {
  const wanted = Buffer.concat([Buffer.from(head, "hex"), Buffer.from(payload)]);
  await client.until(() => client.received.length >= wanted.length || client.ended);
  assert.equal(client.received.subarray(0, wanted.length).toString("hex"), wanted.toString("hex"));
  client.received = client.received.subarray(wanted.length);
}

describe("RFC 6455 §4.2: the opening handshake", () => {
  test("is answered 101 with the accept key of the standard's example", async () => {
    const client = new Client(server.port);
    client.write(Buffer.concat([Buffer.from(request()), frame(1, "early")]));
    const answer = await client.answer();
    assert.equal(answer.status, 101);
    assert.equal(answer.fields["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert.equal(answer.fields["upgrade"], "websocket");
    assert.equal(answer.fields["connection"], "Upgrade");
    await expect(client, "8105", "hello");
    await expect(client, "8105", "early");
    client.destroy();
  });

  for (const [name, fields, status] of [
    ["no Upgrade", { Upgrade: undefined }, 426],
    ["Connection without upgrade", { Connection: "close" }, 426],
    ["another protocol", { Upgrade: "h2c" }, 426],
    ["version 8", { "Sec-WebSocket-Version": "8" }, 426],
    ["no key", { "Sec-WebSocket-Key": undefined }, 400],
    ["a key of 15 bytes", { "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAA" }, 400],
  ] as const) {
    test(`${name} is answered ${status}`, async () => {
      const client = new Client(server.port);
      client.write(request(fields));
      const answer = await client.answer();
      assert.equal(answer.status, status);
      if (status === 426) assert.equal(answer.fields["upgrade"], "websocket");
      if (name === "version 8") assert.equal(answer.fields["sec-websocket-version"], "13");
      client.destroy();
    });
  }
});

describe("RFC 6455: an open connection", () => {
  test("§5.4: a message in fragments with a Ping in between", () =>
    withSocket(async (client) => {
      client.write(frame(1, "ab", 0));
      client.write(frame(9, "p"));
      await expect(client, "8a01", "p");
      client.write(frame(0, "cd"));
      await expect(client, "8104", "abcd");
    }));

  test("§5.6: binary messages of all length forms", () =>
    withSocket(async (client) => {
      for (const [size, head] of [
        [0, "8200"],
        [125, "827d"],
        [126, "827e007e"],
        [65535, "827effff"],
        [65536, "827f0000000000010000"],
      ] as const) {
        const payload = Buffer.alloc(size, 7);
        client.write(frame(2, payload));
        await expect(client, head, payload);
      }
    }));

  test("§5.5.1: the client's Close is echoed, then the server closes", () =>
    withSocket(async (client) => {
      client.write(frame(8, Buffer.from([0x03, 0xe9])));
      await expect(client, "8802", Buffer.from([0x03, 0xe9]));
      await client.until(() => client.ended);
      assert.equal(server.seen.closes.at(-1), 1001);
    }));

  test("§7.1.2: the server's Close waits for the client's", () =>
    withSocket(async (client) => {
      client.write(frame(1, "bye"));
      await expect(client, "8805", Buffer.concat([Buffer.from([0x0f, 0xa0]), Buffer.from("bye")]));
      client.write(frame(8, Buffer.from([0x0f, 0xa0])));
      await client.until(() => client.ended);
      assert.equal(server.seen.closes.at(-1), 4000);
    }));

  test("§7.1.2: a client that does not answer a Close is closed", () =>
    withSocket(async (client) => {
      client.write(frame(1, "bye"));
      await client.until(() => client.ended);
      assert.equal(server.seen.closes.at(-1), 1006);
    }));

  for (const [name, bytes, code] of [
    ["§5.1: a frame without a mask", Buffer.from("810161", "hex"), 1002],
    ["§5.2: a reserved bit", frame(1, "a", 0xc0), 1002],
    ["§5.2: a reserved opcode", frame(3, "a"), 1002],
    ["§5.5: a Ping in fragments", frame(9, "a", 0), 1002],
    ["§5.4: a continuation of nothing", frame(0, "a"), 1002],
    ["§5.5.1: a Close with one byte", frame(8, "a"), 1002],
    ["§7.4.1: code 1005 on the wire", frame(8, Buffer.from([0x03, 0xed])), 1002],
    ["§8.1: a text that is no UTF-8", frame(1, Buffer.from([0xed, 0xa0, 0x80])), 1007],
    ["a message above the limit", frame(2, Buffer.alloc(100_001)), 1009],
  ] as const) {
    test(`${name} is answered with Close ${code}`, () =>
      withSocket(async (client) => {
        client.write(bytes);
        await expect(client, "8802", Buffer.from([code >> 8, code & 0xff]));
        await client.until(() => client.ended);
        assert.equal(server.seen.closes.at(-1), code);
        assert.equal(server.seen.faults.at(-1)?.layer, "core/wire/websocket");
      }));
  }

  test("a disconnect is reported as 1006", () =>
    withSocket(async (client) => {
      const { length } = server.seen.closes;
      client.destroy();
      await client.until(() => server.seen.closes.length > length);
      assert.equal(server.seen.closes.at(-1), 1006);
    }));

  test("a handler that throws ends its connection, and is reported", () =>
    withSocket(async (client) => {
      client.write(frame(1, "throw"));
      await client.until(() => client.ended);
      assert.match(`${server.seen.errors.at(-1)}`, /planted/);
    }));

  const withClient = typeof WebSocket !== "undefined"; // Node 20 has none
  if (withClient)
    test("the WebSocket of the runtime sends and receives text and binary", async () => {
      const socket = new WebSocket(`ws://127.0.0.1:${server.port}/ws`);
      socket.binaryType = "arraybuffer";
      const got: unknown[] = [];
      socket.onmessage = (event) => {
        got.push(event.data);
        if (got.length === 1) socket.send("grüß dich €");
        if (got.length === 2) socket.send(new Uint8Array(70_000).fill(5));
        if (got.length === 3) socket.close(4001, "done");
      };
      const code = await new Promise<number>((resolve) => {
        socket.onclose = (event) => resolve(event.code);
      });
      assert.equal(code, 4001);
      assert.deepEqual(got.slice(0, 2), ["hello", "grüß dich €"]);
      assert.deepEqual(new Uint8Array(got[2] as ArrayBuffer), new Uint8Array(70_000).fill(5));
      assert.equal(server.seen.closes.at(-1), 4001);
    });

  test("nothing is left over", async () => {
    const client = new Client(server.port);
    await client.until(() => server.http.webSockets === 0);
    client.destroy();
  });
});
