import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Running, start } from "../fixture.ts";
import { until } from "../rtc/client.ts";
import { Folder, getHttps } from "../tls_client.ts";
import { type Mood, StubCa } from "./stub_ca.ts";
import { type VirtualTime, virtualTime } from "./virtual_time.ts";

/** As RFC 9773 §4.1 writes it for the key identifier and serial number that the CA uses. */
const ID = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE";
const HOUR_MILLIS = 3_600_000;

interface Case extends VirtualTime {
  readonly running: Running;
  readonly ca: StubCa;
}

async function startWith(
  t: TestContext,
  mood: Mood,
  window?: { readonly start: number; readonly end: number },
): Promise<Case> {
  const folder = new Folder();
  t.after(() => folder.remove());
  let port = 0;
  const ca = new StubCa(mood, () => port);
  ca.window = window;
  const time = await virtualTime(500);
  const running = await start(
    [
      ...["--acme.domains", "media.example", "--acme.directory", ca.directory],
      ...["--acme.agree_tos", "on", "--tls.dir", folder.path, "--log.level", "info"],
    ],
    { runtime: time.runtime, fetch: ca.fetch },
  );
  port = running.port;
  t.after(() => running.monoport.close());
  return { ...time, running, ca };
}

async function logs({ ca, lines }: Case, says: RegExp): Promise<void> {
  await until(() => lines.some((line) => says.test(line)), String(says)).catch((error) =>
    assert.fail(`${error}\n${lines.join("\n")}\n${ca.complaints.join("\n")}`),
  );
}

test("every request is signed, names its URL and spends a nonce; the CA sees what RFC 8737 asks", async (t) => {
  const one = await startWith(t, "good");
  const { running, ca } = one;
  await logs(one, /Got a certificate domain=media\.example issuer="?CN=Stub CA/);
  assert.deepEqual(ca.complaints, []);
  assert.equal(ca.validated, 1);
  assert.equal(running.monoport.tls?.selfSigned, false);
  assert.equal((await getHttps(running.port, "/healthz")).status, 200);
  assert.equal(
    await ca.validates(),
    false,
    "the certificate is shown while the challenge is pending only",
  );
});

test("an authorization that is valid already needs no challenge", async (t) => {
  const one = await startWith(t, "already-valid");
  await logs(one, /Got a certificate/);
  assert.deepEqual(one.ca.complaints, []);
  assert.equal(one.ca.validated, 0);
});

test("the CA is asked when it wants a renewal, and the order says what it replaces", async (t) => {
  const [start, end] = [Date.now() + 4 * HOUR_MILLIS, Date.now() + 5 * HOUR_MILLIS];
  const one = await startWith(t, "good", { start, end });
  const { ca, running, forward } = one;
  const orders = (): number =>
    running.monoport.metrics.value("monoport_acme_orders_total", "valid");
  await until(() => ca.asked.length > 0, "it is asked about the first certificate");
  assert.equal(ca.asked[0], ID);
  assert.deepEqual(ca.replaced, [undefined]);
  forward(3.9 * HOUR_MILLIS);
  await until(() => ca.asked.length > 1, "it is asked again");
  assert.equal(orders(), 1, "not before the window");
  ca.window = { start: Date.now() + 200 * HOUR_MILLIS, end: Date.now() + 201 * HOUR_MILLIS };
  forward(2.2 * HOUR_MILLIS);
  await until(() => ca.asked.length > 2, "and again");
  assert.equal(orders(), 1, "the window has moved");
  ca.window = { start: 0, end: 1 };
  ca.forgetful = true;
  forward(1.1 * HOUR_MILLIS);
  await until(() => orders() === 2, "a window in the past means now");
  assert.deepEqual(ca.replaced, [undefined, undefined], "without what the CA had forgotten");
  ca.forgetful = false;
  await new Promise((wake) => setTimeout(wake, 200));
  assert.equal(orders(), 2, "but never twice in an hour");
  forward(1.1 * HOUR_MILLIS);
  await until(() => orders() === 3, "an hour later");
  assert.equal(ca.replaced[2], ID);
  assert.deepEqual(ca.complaints, []);
});

for (const [mood, says] of [
  ["no-tls-alpn", /error="The CA offers no tls-alpn-01 for media\.example, but: http-01"/],
  ["order-invalid", /error="The CA refused media\.example: badCSR: no"/],
  ["never-done", /error="The CA does not come to an end with the order"/],
  ["other-name", /error="The CA's certificate is for another name"/],
  ["other-key", /error="The CA's certificate cannot be used: .*private key/],
] as const) {
  test(`a CA that is not as it should be (${mood}) is named, and what was shown stays`, async (t) => {
    const one = await startWith(t, mood);
    await logs(one, says);
    const { monoport, port } = one.running;
    assert.equal(monoport.tls?.selfSigned, true);
    assert.equal(monoport.metrics.value("monoport_acme_orders_total", "failed"), 1);
    assert.equal((await getHttps(port, "/healthz")).status, 200);
  });
}
