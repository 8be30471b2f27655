import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { type Running, start } from "../fixture.ts";
import { publish } from "../rtc/client.ts";
import { clientHello, getHttps, openTls } from "../tls_client.ts";

describe("inside TLS", () => {
  let running: Running;
  before(async () => {
    running = await start(["--http_api.https.enabled", "on"]);
  });
  after(() => running.monoport.close());

  test("a WebSocket opens and echoes, as outside", async () => {
    for (const socket of [await openTls(running.port), await openPlain(running.port)]) {
      const got = collect(socket);
      const key = randomBytes(16).toString("base64");
      socket.write(
        `GET /api/v1/diagnose/ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
      );
      await got((text) => /^HTTP\/1\.1 101 [\s\S]*\r\n\r\n/.test(text));
      // FIN and text; masked with zeros, which RFC 6455 §5.3 does not forbid.
      socket.write(Buffer.from([0x81, 0x85, 0, 0, 0, 0, ...Buffer.from("hello")]));
      await got((text) => text.endsWith("\x81\x05hello"));
      socket.destroy();
    }
  });

  test("RTMP is known and answered, as outside, and counted in both", async (t) => {
    const { metrics } = running.monoport;
    const hello = Buffer.concat([Buffer.of(3), Buffer.alloc(1536, 0)]);
    for (const counter of ["monoport_tls_connections_total", "monoport_connections_total"]) {
      const before = metrics.value(counter, "rtmp");
      const tls = counter.includes("tls");
      const socket = tls ? await openTls(running.port) : await openPlain(running.port);
      t.after(() => socket.destroy());
      const got = collect(socket);
      socket.write(hello);
      // S0 and S1 (RTMP 1.0 §5.2).
      assert.equal((await got((text) => text.length >= 1537)).charCodeAt(0), 3);
      assert.equal(metrics.value(counter, "rtmp"), before + 1);
    }
  });

  test("routes know that they are reached by https", async () => {
    const told = async (body: string): Promise<unknown> => JSON.parse(body).data.tls;
    assert.equal(await told((await getHttps(running.port, "/api/v1/diagnose")).body), true);
    const plain = await fetch(`${running.url}/api/v1/diagnose`);
    assert.equal(await told(await plain.text()), false);
  });

  test("Location of a session is relative, so it keeps scheme, host and port of the request", async (t) => {
    const client = await publish(running, { stream: "relative" });
    t.after(() => client.close());
    assert.match(client.location, /^\/rtc\/v1\/whip\/\?/);
  });
});

test("by ALPN nothing but http/1.1 and http/1.0 is agreed; who offers other things alone is refused in words of TLS", async (t) => {
  const running = await start(["--http_api.https.enabled", "on"]);
  t.after(() => running.monoport.close());
  const { metrics } = running.monoport;
  for (const alpn of [["h2"], ["acme-tls/1"], ["acme-tls/1", "h2"]]) {
    const hello = await clientHello({ ALPNProtocols: alpn, servername: "media.example" });
    const socket = await openPlain(running.port);
    t.after(() => socket.destroy());
    const got = collect(socket);
    socket.write(hello);
    assert.equal(
      await got((text) => text.length >= 7),
      "\x15\x03\x03\x00\x02\x02\x78",
      alpn.join(),
    );
  }
  assert.equal(metrics.value("monoport_tls_handshakes_failed_total", "alpn"), 3);
  for (const [agreed, ...offered] of [
    ["http/1.1", "acme-tls/1", "http/1.1"],
    ["http/1.1", "h2", "http/1.0", "http/1.1"],
    ["http/1.0", "http/1.0"],
  ]) {
    const socket = await openTls(running.port, { ALPNProtocols: offered });
    assert.equal(socket.alpnProtocol, agreed);
    socket.destroy();
  }
});

async function openPlain(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

/** Waits until what came so far will do. */
function collect(socket: Socket): (enough: (text: string) => boolean) => Promise<string> {
  let text = "";
  let look = (): void => {};
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
    look();
  });
  return (enough) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`only got ${JSON.stringify(text)}`)), 8000);
      look = () => {
        if (!enough(text)) return;
        clearTimeout(timer);
        resolve(text);
      };
      look();
    });
}
