import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { recorded } from "../../core/wire/sdp/recorded.ts";
import { raw, start } from "../fixture.ts";

const OFFER = recorded("chromium_play");

interface Asked {
  readonly args?: readonly string[];
  /** A PROXY header, with its line end. */
  readonly before?: string;
  readonly query?: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** The candidates of an answer over TCP, as `address port`; `OWN` is the port of the server. */
async function offered(t: TestContext, asked: Asked): Promise<string[]> {
  const { port, monoport } = await start([
    ...["--rtc_server.protocol", "tcp", "--rtc_server.use_auto_detect_network_ip", "off"],
    ...(asked.args ?? []),
  ]);
  t.after(() => monoport.close());
  const fields = { ...asked.fields, "content-type": "application/sdp", connection: "close" };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const answer = await raw(
    port,
    `${asked.before ?? ""}POST /whep/live/x${asked.query ?? ""} HTTP/1.1\r\n${lines.join("")}` +
      `content-length: ${OFFER.length}\r\n\r\n${OFFER}`,
  );
  assert.match(answer, /^HTTP\/1\.1 201 /);
  const [media = ""] = answer.split(/^a=end-of-candidates/m);
  return [...media.matchAll(/^a=candidate:\S+ 1 tcp \d+ (\S+) (\d+) /gim)].map(
    ([, host = "", at = ""]) => `${host} ${Number(at) === port ? "OWN" : at}`,
  );
}

test("the port in Host is offered, ours behind it", async (t) => {
  const fields = { host: "203.0.113.5:443" };
  assert.deepEqual(await offered(t, { fields }), ["203.0.113.5 443", "203.0.113.5 OWN"]);
});

test("CANDIDATE goes by the same port, unless it has one of its own", async (t) => {
  const fields = { host: "203.0.113.5" };
  const args = ["--candidate", "198.51.100.7, 198.51.100.8:9000"];
  assert.deepEqual(await offered(t, { args, fields }), [
    "198.51.100.7 80",
    "198.51.100.7 OWN",
    "198.51.100.8 9000",
    "203.0.113.5 80",
    "203.0.113.5 OWN",
  ]);
});

test("a trusted proxy tells host and port; from others they are Host's, and ours goes first", async (t) => {
  const fields = {
    host: "192.0.2.80:8088",
    "x-forwarded-for": "192.0.2.77",
    "x-forwarded-host": "203.0.113.5",
    "x-forwarded-port": "443",
  };
  const args = ["--trusted_proxies", "127.0.0.0/8"];
  assert.deepEqual(await offered(t, { args, fields }), ["203.0.113.5 OWN", "203.0.113.5 443"]);
  assert.deepEqual(await offered(t, { fields }), ["192.0.2.80 OWN", "192.0.2.80 8088"]);
});

test("a PROXY header tells address and port where Host does not", async (t) => {
  const args = ["--proxy_protocol.from", "127.0.0.1"];
  const before = "PROXY TCP4 192.0.2.77 203.0.113.5 50000 443\r\n";
  const fields = { host: "unknown.invalid:443" };
  assert.deepEqual(await offered(t, { args, before, fields }), ["203.0.113.5 443"]);
});

test("eip stands alone, in several entries, and what is none counts for nothing", async (t) => {
  const query = "?eip=192.0.2.9:443,192.0.2.10&candidate=300.1.1.1&candidate=%0d%0aa=x";
  const fields = { host: "203.0.113.5:443" };
  assert.deepEqual(await offered(t, { query, fields }), [
    "192.0.2.9 443",
    "192.0.2.10 443",
    "192.0.2.10 OWN",
  ]);
});
