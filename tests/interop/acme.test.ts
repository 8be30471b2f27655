/** ACME with Pebble as the CA: it parses and checks everything that a real one does. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { freePort } from "../free_port.ts";
import { start } from "../server/fixture.ts";
import { sleep, until } from "../server/rtc/client.ts";
import { virtualTime } from "../server/tls/virtual_time.ts";
import { Folder, getHttps, openTls } from "../server/tls_client.ts";
import { type ServerProcess, startServer } from "../server_process.ts";
import { need } from "../tools.ts";
import { type Pebble, type PebbleOptions, startPebble } from "./pebble.ts";

/** A CA, a folder that is kept, and the port that the CA validates. */
async function prepare(
  t: TestContext,
  options: Partial<PebbleOptions> = {},
): Promise<{ pebble: Pebble; port: number; dir: string }> {
  const folder = new Folder();
  t.after(() => folder.remove());
  const port = await freePort();
  const pebble = await startPebble({ tlsPort: port, ...options });
  t.after(() => pebble.stop());
  return { pebble, port, dir: join(folder.path, "kept") };
}

function settings(pebble: Pebble, dir: string, domains: string): string[] {
  return [
    ...["--acme.domains", domains, "--acme.directory", pebble.directory],
    ...["--acme.agree_tos", "on", "--acme.email", "admin@monoport.example", "--tls.dir", dir],
    ...["--demo", "off"],
  ];
}

/**
 * Whether a client who trusts only the CA's root gets in by this name. No more than ten a second:
 * the CA comes from the same address, and limits.tls_handshakes_per_second counts both.
 */
async function isTrusted(port: number, servername: string, ca: string): Promise<boolean> {
  await sleep(100);
  return await getHttps(port, "/healthz", { servername, ca, rejectUnauthorized: true }).then(
    ({ status }) => status === 200,
    () => false,
  );
}

/** What OpenSSL's client prints when it offers acme-tls/1 for a name. */
function offerAcmeTls(port: number, name: string): string {
  const args = ["s_client", "-connect", `127.0.0.1:${port}`, "-alpn", "acme-tls/1"];
  const run = spawnSync(need("openssl"), [...args, "-servername", name], {
    input: "",
    encoding: "utf8",
    timeout: 60_000,
  });
  return run.stdout + run.stderr;
}

for (const runtime of ["node20", "node", "deno", "bun"] as const) {
  test(`certificates for two domains come while everybody stays, and are kept, on ${runtime}`, async (t) => {
    const { pebble, port, dir } = await prepare(t);
    const starting = (): Promise<ServerProcess> =>
      startServer({
        runtime,
        port,
        args: settings(pebble, dir, "media.example Stream.example"),
        env: pebble.env,
        denoFlags: [`--allow-write=${dir}`],
      });
    const server = await starting();
    t.after(() => server.stop());
    const early = await openTls(port, { servername: "media.example" });
    t.after(() => early.destroy());
    // Who asks nothing for 10 s is sent away.
    const asks = (): void => void early.write("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    const asking = setInterval(asks, 2000);
    t.after(() => clearInterval(asking));
    const root = await pebble.root();
    for (const name of ["media.example", "stream.example"]) {
      await until(
        () => isTrusted(port, name, root),
        `${name}:\n${server.output()}${pebble.output()}`,
        60_000,
      );
    }
    assert.equal(await isTrusted(port, "other.example", root), false);
    asks();
    assert.match(String((await once(early, "data"))[0]), /^HTTP\/1\.1 200 /);
    assert.match(server.output(), /No certificate yet: another is shown .*domain=media\.example/);
    assert.match(server.output(), /Got a certificate .*domain=stream\.example/);
    for (const name of ["acme_account", "acme_media.example", "acme_stream.example"])
      assert.equal(statSync(join(dir, `${name}.pem`)).mode & 0o777, 0o600, name);
    assert.match(
      offerAcmeTls(port, "media.example"),
      /alert no application protocol|alert number 120/,
    );
    const kept = readFileSync(join(dir, "acme_media.example.pem"), "latin1");
    await server.stop();
    const again = await starting();
    t.after(() => again.stop());
    assert.ok(await isTrusted(port, "media.example", root), "the kept one is shown at once");
    const metrics = await (await fetch(`${again.url}/metrics`)).text();
    assert.doesNotMatch(metrics, /monoport_acme_orders_total\{/);
    assert.equal(readFileSync(join(dir, "acme_media.example.pem"), "latin1"), kept);
  });
}

const YEAR_MILLIS = 365 * 86_400_000;

test("by an external account; renewed when a third of its life is left, and nobody is dropped", async (t) => {
  const hmacKey = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
  const { pebble, port, dir } = await prepare(t, {
    more: { externalAccountBindingRequired: true, externalAccountMACKeys: { "kid-1": hmacKey } },
  });
  const time = await virtualTime();
  const args = [...settings(pebble, dir, "media.example"), "--listen", `127.0.0.1:${port}`];
  const options = { runtime: time.runtime, fetch: pebble.fetch };
  const without = await start(args, options);
  t.after(() => without.monoport.close());
  await until(
    () => time.lines.some((line) => line.includes("set acme.eab_kid and acme.eab_hmac_key")),
    "the log says what to set",
  );
  await without.monoport.close();
  const wrong = await start(
    [...args, "--acme.eab_kid", "kid-1", "--acme.eab_hmac_key", "AAAA"],
    options,
  );
  t.after(() => wrong.monoport.close());
  await until(
    () => time.lines.some((line) => /refused: \w+: .*external/i.test(line)),
    "the CA's words about a wrong key",
  );
  await wrong.monoport.close();
  const running = await start(
    [...args, "--acme.eab_kid", "kid-1", "--acme.eab_hmac_key", hmacKey],
    options,
  );
  t.after(() => running.monoport.close());
  const { metrics } = running.monoport;
  const orders = (): number => metrics.value("monoport_acme_orders_total", "valid");
  await until(() => orders() === 1, `a certificate:\n${time.lines.join("\n")}`, 30_000);
  const first = running.monoport.tls?.fingerprint;
  assert.equal(running.monoport.tls?.selfSigned, false);
  const open = await openTls(port, { servername: "media.example" });
  t.after(() => open.destroy());
  const stays = async (): Promise<void> => {
    const answered = once(open, "data");
    open.write("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    assert.match(String((await answered)[0]), /^HTTP\/1\.1 200 /);
  };
  await stays(); // who asks nothing for 10 s is sent away
  time.forward(3.1 * YEAR_MILLIS); // of 5; with chance at most a sixth of a year before 3.33
  await new Promise((wake) => setTimeout(wake, 300));
  assert.equal(orders(), 1, "not before its time");
  time.forward(0.3 * YEAR_MILLIS);
  await until(() => orders() === 2, "renewed", 30_000);
  assert.notEqual(running.monoport.tls?.fingerprint, first);
  assert.ok(await isTrusted(port, "media.example", await pebble.root()));
  await stays();
  // By its clock the new one is due again at once; it does not ask before an hour is over.
  await new Promise((wake) => setTimeout(wake, 500));
  assert.equal(orders(), 2);
  assert.ok(metrics.value("monoport_tls_connections_total", "acme-tls/1") >= 2);
});

test("what the CA says of a domain it cannot validate or does not serve is in the log", async (t) => {
  const { pebble, dir } = await prepare(t, {
    tlsPort: await freePort(),
    more: { domainBlocklist: ["blocked.example"] },
  });
  const time = await virtualTime();
  const args = [
    ...settings(pebble, dir, "media.example blocked.example"),
    "--listen",
    "127.0.0.1:0",
  ];
  const running = await start(args, { runtime: time.runtime, fetch: pebble.fetch });
  t.after(() => running.monoport.close());
  for (const says of [
    /Cannot get a certificate domain=media\.example error="The CA refused media\.example: \w+: .*tls-alpn-01.* advice="TCP port 443 of media\.example must lead/,
    /Cannot get a certificate domain=blocked\.example error=".*refused: rejectedIdentifier: /,
  ]) {
    await until(() => time.lines.some((line) => says.test(line)), String(says)).catch((error) =>
      assert.fail(`${error}\n${time.lines.join("\n")}`),
    );
  }
  assert.equal((await getHttps(running.port, "/healthz")).status, 200);
});
