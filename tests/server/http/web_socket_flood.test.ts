import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { RECEIVED_BURST_BYTES } from "../../../server/http/web_socket.ts";
import { type Running, start } from "../fixture.ts";
import { sleep, until } from "../rtc/client.ts";

const FAULT = "server/http/web-socket-flood";
/** A masked Ping without a byte. */
const PING = Buffer.from([0x89, 0x80, 0, 0, 0, 0]);

async function viewer(t: TestContext, { port }: Running): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  t.after(() => void socket.destroy());
  socket.on("error", () => {});
  const fields =
    "Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n";
  const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  socket.write(`GET /live/a.flv HTTP/1.1\r\n${fields}${key}\r\n`);
  const [answer] = (await once(socket, "data")) as [Buffer];
  assert.match(answer.toString("latin1"), /^HTTP\/1\.1 101 /);
  return socket;
}

test("a WebSocket that sends more than a viewer has to say is closed, and its client counted", async (t) => {
  const server = await start();
  t.after(() => server.monoport.close());
  const faults = (): number => server.monoport.metrics.value("monoport_faults_total", FAULT);
  const socket = await viewer(t, server);
  // So much may come at once.
  const most = Math.floor((RECEIVED_BURST_BYTES - 1000) / PING.length);
  let pongs = 0;
  socket.on("data", (chunk: Buffer) => {
    pongs += chunk.length;
  });
  socket.write(Buffer.alloc(most * PING.length, PING));
  await until(() => pongs > 0, "pongs");
  assert.equal(faults(), 0);
  for (let i = 0; i < 100 && faults() === 0 && !socket.destroyed; i++) {
    socket.write(Buffer.alloc(30_000 * PING.length, PING));
    await sleep(10);
  }
  await until(() => faults() === 1, "it is closed");
  await until(() => socket.destroyed, "its client knows");
});
