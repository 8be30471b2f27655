/** ACME with Pebble as the CA: it parses and checks everything that a real one does. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { freePort } from "../free_port.ts";
import { until } from "../server/rtc/client.ts";
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

/** Whether a client who trusts only the CA's root gets in by this name. */
async function isTrusted(port: number, servername: string, ca: string): Promise<boolean> {
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
    timeout: 10_000,
  });
  return run.stdout + run.stderr;
}

for (const runtime of ["node", "deno", "bun"] as const) {
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
    const root = await pebble.root();
    for (const name of ["media.example", "stream.example"]) {
      await until(
        () => isTrusted(port, name, root),
        `${name}:\n${server.output()}${pebble.output()}`,
        60_000,
      );
    }
    assert.equal(await isTrusted(port, "other.example", root), false);
    early.write("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    assert.match(String((await once(early, "data"))[0]), /^HTTP\/1\.1 200 /);
    assert.match(server.output(), /No certificate yet: another is shown .*domain=media\.example/);
    assert.match(server.output(), /Got a certificate .*domain=stream\.example/);
    assert.match(pebble.output(), /nonce/i, "Pebble refused a nonce at least once");
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
