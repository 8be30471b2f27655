import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { isFault } from "../../../core/base/mod.ts";
import { Attr, decodeXorMappedAddress, type StunMessage } from "../../../core/wire/stun/mod.ts";
import { type Running, start } from "../fixture.ts";
import { publish } from "../rtc/client.ts";

const REQUEST = "GET /api/v1/clients/ HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
const DELETE = "DELETE /api/v1/clients/x HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
const V1 = "PROXY TCP4 192.0.2.33 198.51.100.1 56324 443\r\n";

/** Version 2 (proxy-protocol §2.2), from 192.0.2.33:56324 to 198.51.100.1:443; command 0 is LOCAL. */
function v2(command: 0 | 1): string {
  const head = [0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
  const addresses = [192, 0, 2, 33, 198, 51, 100, 1, 0xdc, 0x04, 0x01, 0xbb];
  return String.fromCharCode(...head, 0x20 | command, 0x11, 0, 12, ...addresses);
}

describe("PROXY protocol from a listed balancer", () => {
  let running: Running;
  before(async () => {
    running = await start([
      "--proxy_protocol.from",
      "127.0.0.0/8, ::1",
      "--http_api.https.enabled",
      "on",
    ]);
  });
  after(() => running.monoport.close());

  for (const [name, header] of [
    ["version 1", V1],
    ["version 2", v2(1)],
  ] as const) {
    test(`${name}: the client's address counts, for API, guard and XOR-MAPPED-ADDRESS`, async (t) => {
      const balancer = await openBalancer(running.port, header);
      t.after(() => balancer.close());
      const place = { url: `http://127.0.0.1:${balancer.port}`, port: balancer.port };
      const client = await publish(place, { stream: name.replace(" ", "") });
      t.after(() => client.close());
      await client.connect();
      assert.match(client.answer, /a=candidate:\S+ 1 tcp \d+ \S+ 443 typ host/i);
      assert.equal(mappedAddress(client.peer.answers[0]), "192.0.2.33:56324");
      const clients = await (await fetch(`${place.url}/api/v1/clients/`)).json();
      assert.equal(clients.clients[0].ip, "192.0.2.33");
      const refused = await fetch(`${place.url}/api/v1/clients/x`, { method: "DELETE" });
      assert.match(await refused.text(), /the call came from 192\.0\.2\.33/);
    });

    test(`${name}: cut at every length, and nothing lost behind it`, async () => {
      for (let cut = 1; cut <= header.length; cut++) {
        const answer = await ask(running.port, header + REQUEST, cut);
        assert.match(answer, /^HTTP\/1\.1 200 /, `cut at ${cut}`);
      }
    });

    test(`${name}: TLS behind it, and the address inside`, async () => {
      const socket = connect(running.port, "127.0.0.1");
      await once(socket, "connect");
      socket.write(header, "latin1");
      const tls = connectTls({ socket, rejectUnauthorized: false });
      let answer = "";
      tls.setEncoding("latin1");
      tls.on("data", (text) => {
        answer += text;
      });
      tls.write(DELETE);
      await once(tls, "end");
      assert.match(answer, /came from 192\.0\.2\.33/);
      tls.destroy();
      socket.destroy();
    });
  }

  test("LOCAL and UNKNOWN keep the connection's address; a check may come without a header", async () => {
    for (const header of [v2(0), "PROXY UNKNOWN\r\n", ""]) {
      const answer = await ask(running.port, header + DELETE);
      assert.match(answer, /^HTTP\/1\.1 \d/);
      assert.doesNotMatch(answer, /the call came from/);
    }
    const { metrics } = running.monoport;
    const ended = metrics.value("monoport_connections_shed_total", "ended");
    connect(running.port, "127.0.0.1").end();
    while (metrics.value("monoport_connections_shed_total", "ended") === ended) {
      await new Promise((wake) => setTimeout(wake, 5));
    }
  });

  test("a header that is wrong, or a second one, closes the connection and is counted", async () => {
    const { metrics } = running.monoport;
    assert.equal(await ask(running.port, `PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n${REQUEST}`), "");
    assert.equal(metrics.value("monoport_connections_shed_total", "bad-proxy-header"), 1);
    assert.match(metrics.render(), /fault="core\/wire\/proxy_protocol\/bad-line"/);
    assert.equal(await ask(running.port, V1 + V1 + REQUEST), "");
    assert.equal(metrics.value("monoport_connections_shed_total", "not-served"), 1);
  });
});

test("PROXY protocol from anybody else closes the connection and is counted", async (t) => {
  for (const args of [[], ["--proxy_protocol.from", "192.0.2.1"]]) {
    const running = await start(args);
    t.after(() => running.monoport.close());
    for (const header of [V1, v2(1), v2(0)]) {
      assert.equal(await ask(running.port, header + REQUEST), "");
    }
    const { metrics } = running.monoport;
    assert.equal(metrics.value("monoport_connections_shed_total", "proxy-not-listed"), 3);
  }
});

interface Balancer {
  readonly port: number;
  close(): void;
}

/** Passes connections on with `header` in front. */
async function openBalancer(to: number, header: string): Promise<Balancer> {
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const far = connect({ port: to, host: "127.0.0.1", noDelay: true });
    far.write(header, "latin1");
    sockets.push(near, far);
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
    near.pipe(far);
    far.pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Sends `text`, in two writes when `cut` is within; what comes back until the end. */
function ask(port: number, text: string, cut: number = text.length): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect({ port, host: "127.0.0.1", noDelay: true }, () => {
      socket.write(text.slice(0, cut), "latin1");
      if (cut < text.length) setTimeout(() => socket.write(text.slice(cut), "latin1"), 2);
    });
    socket.on("data", (chunk) => {
      answer += String(chunk);
    });
    socket.on("end", () => socket.end());
    socket.on("close", () => resolve(answer));
    socket.on("error", () => {});
  });
}

/** XOR-MAPPED-ADDRESS of an answer to a check, as `host:port`. */
function mappedAddress(answer: StunMessage | undefined): string {
  assert.ok(answer);
  const attribute = answer.attributes.find(({ type }) => type === Attr.XorMappedAddress);
  assert.ok(attribute);
  const address = decodeXorMappedAddress(attribute.value, answer.transactionId);
  assert.ok(!isFault(address));
  return `${address.host}:${address.port}`;
}
