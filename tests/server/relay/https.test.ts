import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { issue } from "../../contract/certificate.ts";
import { start } from "../fixture.ts";
import { until } from "../rtc/client.ts";
import { film, onlyRelay, relays, server, watch } from "./fixture.ts";

const ALLOW = ["--relay.allow", "127.0.0.1"];

/** Files of an authority and of a certificate of it for 127.0.0.1. */
function files(t: TestContext): { ca: string; certificate: string; key: string } {
  const folder = mkdtempSync(join(tmpdir(), "monoport-relay-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const issued = issue();
  const write = (name: "ca" | "certificate" | "key"): string => {
    const path = join(folder, name);
    writeFileSync(path, issued[name]);
    return path;
  };
  return { ca: write("ca"), certificate: write("certificate"), key: write("key") };
}

test("a far end by https is asked when its certificate is of a known authority, and else not", async (t) => {
  const { ca, certificate, key } = files(t);
  const far = await server(
    t,
    ...["--http_api.https.enabled", "on"],
    ...["--http_api.https.cert", certificate, "--http_api.https.key", key],
  );
  const push = ["--relay.push", `live/cam=https://127.0.0.1:${far.port}/whip/live/copy`];
  const stranger = await server(t, ...ALLOW, ...push);
  await film(t, stranger, "cam");
  await until(async () => (await relays(stranger))[0]?.error !== "", "it is refused");
  await until(async () => (await relays(stranger))[0]?.state === "waiting", "it waits");
  assert.match(
    (await onlyRelay(stranger)).error,
    /^Cannot connect to 127\.0\.0\.1 port \d+: .*(certificate|issuer|CA)/i,
  );
  assert.equal(far.monoport.metrics.value("monoport_sessions"), 0);

  const near = await server(t, ...ALLOW, ...push, "--relay.ca", ca);
  await film(t, near, "cam");
  const screen = await watch(t, far, "copy");
  await until(() => screen.packets > 30, "pictures");
});

test("a relay.ca that is not there, or no certificate, does not start", async (t) => {
  const { key } = files(t);
  await assert.rejects(start(["--relay.ca", "/no/such/file"]), /relay\.ca: cannot read/);
  await assert.rejects(start(["--relay.ca", key]), /relay\.ca: .* holds no certificate in PEM/);
});
