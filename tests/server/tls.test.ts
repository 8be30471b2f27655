import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { MonoportError } from "../../core/base/mod.ts";
import { makeCertificate } from "../contract/certificate.ts";
import { openProxy } from "../contract/tls_peer.ts";
import { type Running, raw, rawStatus, start } from "./fixture.ts";
import { publish } from "./rtc/client.ts";
import { clientHello, Folder, getHttps, openTls, shownTo } from "./tls_client.ts";

const ON = ["--http_api.https.enabled", "on"];

describe("HTTPS beside everything else on one port", () => {
  let running: Running;
  before(async () => {
    running = await start(ON);
  });
  after(() => running.monoport.close());

  test("TLS 1.2 and 1.3 with ALPN http/1.1, and nothing older", async () => {
    const { port } = running;
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      const socket = await openTls(port, {
        minVersion: version,
        maxVersion: version,
        ALPNProtocols: ["h2", "http/1.1"],
      });
      assert.equal(socket.getProtocol(), version);
      assert.equal(socket.alpnProtocol, "http/1.1");
      socket.destroy();
    }
    await assert.rejects(
      openTls(port, {
        minVersion: "TLSv1",
        maxVersion: "TLSv1.1",
        ciphers: "DEFAULT:@SECLEVEL=0",
      }),
    );
  });

  test("pages and API come by https and by http, several requests on a connection", async () => {
    const { port, url } = running;
    assert.equal((await getHttps(port, "/healthz")).status, 200);
    assert.match((await getHttps(port, "/players/whep.html")).body, /<html/i);
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
    const socket = await openTls(port);
    let got = "";
    socket.on("data", (chunk: Buffer) => {
      got += chunk.toString("latin1");
    });
    socket.write("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2));
    socket.write("GET /api/v1/versions HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    await once(socket, "end");
    assert.equal(got.match(/^HTTP\/1\.1 200 /gm)?.length, 3);
    socket.destroy();
  });

  test("a WebRTC session over plain TCP publishes beside it", async (t) => {
    const client = await publish(running, { stream: "beside" });
    t.after(() => client.close());
    await client.connect();
    assert.ok(client.connected);
    const { body } = await getHttps(running.port, "/api/v1/clients/");
    assert.match(body, /beside/);
  });

  test("inside TLS only HTTP is served: STUN and TLS in it are closed and counted", async () => {
    const { metrics } = running.monoport;
    for (const bytes of [Uint8Array.of(0x16, 3, 1, 0, 5), stunFrame()]) {
      const shed = metrics.value("monoport_connections_shed_total", "not-served");
      const socket = await openTls(running.port);
      socket.on("error", () => {});
      socket.write(bytes);
      socket.resume();
      await once(socket, "close");
      assert.equal(metrics.value("monoport_connections_shed_total", "not-served"), shed + 1);
    }
    assert.ok(metrics.value("monoport_tls_connections_total", "stun-tcp") >= 1);
  });

  test("a ClientHello that is none is closed and counted as a fault", async () => {
    const { metrics } = running.monoport;
    const before = metrics.value("monoport_tls_handshakes_failed_total", "client-hello");
    const text = String.fromCharCode(0x16, 3, 1, 0, 4, 9, 0, 0, 0);
    assert.equal(await raw(running.port, text), "");
    assert.equal(metrics.value("monoport_tls_handshakes_failed_total", "client-hello"), before + 1);
    assert.match(metrics.render(), /fault="core\/wire\/clienthello\/not-client-hello"/);
  });
});

test("who stalls in the ClientHello, in the handshake, or behind it is closed", async (t) => {
  const running = await start([
    ...ON,
    "--limits.first_bytes",
    "400",
    "--limits.tls_handshake",
    "400",
  ]);
  t.after(() => running.monoport.close());
  const { metrics } = running.monoport;
  const timeouts = metrics.value("monoport_tls_handshakes_failed_total", "timeout");
  const late = metrics.value("monoport_connections_shed_total", "first-bytes-deadline");
  const hello = await clientHello();
  for (const bytes of [hello.subarray(0, 100), hello]) {
    const socket = connect(running.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.resume();
    socket.write(bytes);
    await once(socket, "close");
  }
  const silent = await openTls(running.port);
  silent.on("error", () => {});
  silent.resume();
  await once(silent, "close");
  assert.equal(metrics.value("monoport_tls_handshakes_failed_total", "timeout"), timeouts + 1);
  const shed = metrics.value("monoport_connections_shed_total", "first-bytes-deadline");
  assert.ok(shed >= late + 2, `${shed - late} were closed`);
});

test("a ClientHello in small pieces is put together", async (t) => {
  const running = await start(ON);
  t.after(() => running.monoport.close());
  for (const size of [3, 37]) {
    const proxy = await openProxy(running.port, size);
    t.after(() => proxy.close());
    assert.equal((await getHttps(proxy.port, "/healthz")).status, 200);
  }
});

test("without TLS a ClientHello is not served", async (t) => {
  const running = await start();
  t.after(() => running.monoport.close());
  await assert.rejects(openTls(running.port));
  assert.equal(running.monoport.tls, undefined);
  assert.equal(running.monoport.metrics.value("monoport_connections_total", "tls"), 1);
});

test("handshakes count among the connections that have proved nothing", async (t) => {
  const running = await start([...ON, "--limits.unproven_connections", "2"]);
  t.after(() => running.monoport.close());
  const hello = await clientHello();
  const sockets = [0, 1, 2].map(() => connect(running.port, "127.0.0.1"));
  for (const socket of sockets) {
    socket.on("error", () => {});
    socket.resume();
    socket.write(hello);
  }
  await Promise.race(sockets.map((socket) => new Promise((end) => socket.once("close", end))));
  const { metrics } = running.monoport;
  assert.ok(metrics.value("monoport_connections_shed_total", "unproven-limit") >= 1);
  for (const socket of sockets) socket.destroy();
});

test("https.listen is listened on besides, and takes every protocol", async (t) => {
  const running = await start([...ON, "--http_api.https.listen", "127.0.0.1:0"]);
  t.after(() => running.monoport.close());
  const { endpoints } = running.monoport;
  for (const { port } of endpoints) {
    assert.equal((await getHttps(port, "/healthz")).status, 200);
    assert.equal(await rawStatus(port, "GET", "/healthz", "host: a\r\n"), 200);
  }
});

test("a self-signed certificate is for this machine's names and is trusted when given as CA", async (t) => {
  const folder = new Folder();
  t.after(() => folder.remove());
  const dir = join(folder.path, "kept");
  const args = [...ON, "--tls.dir", dir, "--candidate", "media.example 192.0.2.7:443"];
  const running = await start(args);
  const { tls } = running.monoport;
  assert.equal(tls?.selfSigned, true);
  const file = join(dir, "self_signed.pem");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const ca = readFileSync(file, "latin1").split("-----BEGIN PRIVATE")[0];
  const trusting = { ...(ca ? { ca } : {}), rejectUnauthorized: true };
  for (const servername of ["localhost", "media.example"]) {
    const { status } = await getHttps(running.port, "/healthz", { ...trusting, servername });
    assert.equal(status, 200);
  }
  await assert.rejects(
    getHttps(running.port, "/healthz", { ...trusting, servername: "other.example" }),
  );
  const socket = await openTls(running.port);
  const certificate = socket.getPeerCertificate();
  assert.equal(certificate.fingerprint256, tls?.fingerprint);
  assert.match(certificate.subjectaltname ?? "", /IP Address:127\.0\.0\.1.*192\.0\.2\.7/);
  socket.destroy();
  await running.monoport.close();
  const again = await start(args);
  assert.equal(again.monoport.tls?.fingerprint, tls?.fingerprint, "it is kept");
  await again.monoport.close();
  const unkept = await start(ON);
  assert.notEqual(unkept.monoport.tls?.fingerprint, tls?.fingerprint);
  await unkept.monoport.close();
});

test("certificates of files: chosen by server name, the first one for everybody else", async (t) => {
  const folder = new Folder();
  t.after(() => folder.remove());
  const one = folder.write("one", makeCertificate("one.test"));
  const two = folder.write("two", makeCertificate("*.two.test"));
  const running = await start([
    ...["--http_server.https.enabled", "on"],
    ...["--http_server.https.cert", `${one.cert} ${two.cert}`],
    ...["--http_server.https.key", `${one.key} ${two.key}`],
  ]);
  t.after(() => running.monoport.close());
  assert.equal(running.monoport.tls?.selfSigned, false);
  assert.equal(await shownTo(running.port, "one.test"), "one.test");
  assert.equal(await shownTo(running.port, "A.two.test"), "*.two.test");
  assert.equal(await shownTo(running.port, "a.b.two.test"), "one.test");
  assert.equal(await shownTo(running.port, "unknown.test"), "one.test");
  assert.equal(await shownTo(running.port, undefined), "one.test");
});

test("files that change are read again and nobody is dropped; bad ones change nothing", async (t) => {
  const folder = new Folder();
  t.after(() => folder.remove());
  const files = folder.write("site", makeCertificate("old.test"));
  const running = await start([
    ...[...ON, "--http_api.https.cert", files.cert, "--http_api.https.key", files.key],
    ...["--log.level", "error"],
  ]);
  t.after(() => running.monoport.close());
  const { port } = running;
  const open = await openTls(port);
  folder.write("site", { certificate: "garbage", key: "garbage" });
  await new Promise((wake) => setTimeout(wake, 2800));
  assert.equal(await shownTo(port, "old.test"), "old.test");
  folder.write("site", makeCertificate("new.test"));
  const deadline = Date.now() + 30_000;
  while ((await shownTo(port, "old.test")) !== "new.test") {
    assert.ok(Date.now() < deadline, "the new certificate is not shown");
    await new Promise((wake) => setTimeout(wake, 100));
  }
  open.write("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
  const [answer] = await once(open, "data");
  assert.match(String(answer), /^HTTP\/1\.1 200 /);
  open.destroy();
});

test("files that cannot be used stop the start and name the setting", async (t) => {
  const folder = new Folder();
  t.after(() => folder.remove());
  const one = folder.write("one", makeCertificate("one.test"));
  const two = folder.write("two", makeCertificate("two.test"));
  const cases: [cert: string, key: string, says: RegExp][] = [
    [join(folder.path, "absent"), one.key, /^http_api\.https\.cert: cannot read .*it is not there/],
    [one.cert, join(folder.path, "absent"), /^http_api\.https\.key: cannot read .*it is not there/],
    [one.cert, two.key, /^http_api\.https\.cert, http_api\.https\.key: cannot use/],
    [one.key, one.key, /^http_api\.https\.cert, .*: there is no "-----BEGIN CERTIFICATE-----" in /],
    [one.cert, one.cert, /: there is no "-----BEGIN PRIVATE KEY-----" in ".*one/],
    [one.cert, "", /as many certificates as keys, not 1 and 0/],
  ];
  for (const [cert, key, says] of cases) {
    const starting = start([...ON, "--http_api.https.cert", cert, "--http_api.https.key", key]);
    await assert.rejects(starting, (error) => {
      assert.ok(error instanceof MonoportError);
      assert.equal(error.code, "config-invalid");
      assert.match(error.message, says);
      return true;
    });
  }
});

/** An empty binding request, framed. */
function stunFrame(): Uint8Array {
  const frame = new Uint8Array(22);
  frame.set([0, 20, 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]);
  return frame;
}
