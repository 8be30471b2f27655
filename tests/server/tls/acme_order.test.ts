import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Running, start } from "../fixture.ts";
import { until } from "../rtc/client.ts";
import { Folder, getHttps } from "../tls_client.ts";
import { type Mood, StubCa } from "./stub_ca.ts";
import { virtualTime } from "./virtual_time.ts";

interface Case {
  readonly running: Running;
  readonly ca: StubCa;
  readonly lines: readonly string[];
}

async function startWith(t: TestContext, mood: Mood): Promise<Case> {
  const folder = new Folder();
  t.after(() => folder.remove());
  let port = 0;
  const ca = new StubCa(mood, () => port);
  const { runtime, lines } = await virtualTime(500);
  const running = await start(
    [
      ...["--acme.domains", "media.example", "--acme.directory", ca.directory],
      ...["--acme.agree_tos", "on", "--tls.dir", folder.path, "--log.level", "info"],
    ],
    { runtime, fetch: ca.fetch },
  );
  port = running.port;
  t.after(() => running.monoport.close());
  return { running, ca, lines };
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
