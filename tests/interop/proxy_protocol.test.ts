import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Attr, decodeXorMappedAddress } from "../../core/wire/stun/mod.ts";
import { inbound, launchChromium, openPage, statsWhen } from "../browser/chromium.ts";
import { freePort } from "../free_port.ts";
import { publish, until } from "../server/rtc/client.ts";
import { getHttps } from "../server/tls_client.ts";
import { type ServerProcess, startServer } from "../server_process.ts";
import { need } from "../tools.ts";

/** A server that believes a balancer on 127.0.0.1. */
async function startBehind(t: TestContext): Promise<ServerProcess> {
  // Only TCP goes through it.
  const tcp = ["--rtc_server.protocol", "tcp"];
  const args = ["--proxy_protocol.from", "127.0.0.1", "--http_api.https.enabled", "on", ...tcp];
  const server = await startServer({ args });
  t.after(() => server.stop());
  return server;
}

/** Runs a program on a configuration file; it and the file are gone after the test. */
async function run(
  t: TestContext,
  program: string,
  configuration: string,
  args: (file: string) => string[],
): Promise<ChildProcess> {
  const folder = mkdtempSync(join(tmpdir(), "monoport-balancer-"));
  const file = join(folder, "configuration");
  writeFileSync(file, configuration.replaceAll("FOLDER", folder));
  const child = spawn(program, args(file), { stdio: "ignore" });
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const exit = once(child, "exit");
      child.kill("SIGTERM");
      await exit;
    }
    rmSync(folder, { recursive: true, force: true });
  });
  return child;
}

/** HTTP, HTTPS and WebRTC pass, and the server knows its clients. */
async function passesEverything(
  t: TestContext,
  server: ServerProcess,
  port: number,
): Promise<string> {
  const url = `http://127.0.0.1:${port}`;
  const answers = (): Promise<boolean> =>
    fetch(`${url}/healthz`).then(
      ({ status }) => status === 200,
      () => false,
    );
  await until(answers, "the balancer passes HTTP", 20_000);
  assert.equal((await getHttps(port, "/healthz")).status, 200);
  const client = await publish({ url, port }, { stream: "balanced" });
  t.after(() => client.close());
  await client.connect();
  assert.match(client.answer, new RegExp(`^a=candidate:\\S+ 1 tcp \\d+ \\S+ ${port} `, "im"));
  const [answer] = client.peer.answers;
  const mapped = answer?.attributes.find(({ type }) => type === Attr.XorMappedAddress);
  assert.ok(answer && mapped);
  assert.deepEqual(decodeXorMappedAddress(mapped.value, answer.transactionId), {
    host: "127.0.0.1",
    port: client.socket?.localPort, // the client's, not the balancer's
  });
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  assert.doesNotMatch(metrics, /monoport_faults_total\{/);
  return metrics;
}

test("Chromium publishes and plays by HTTPS and TCP through haproxy", async (t) => {
  const server = await startBehind(t);
  const port = await freePort("127.0.0.1");
  const configuration = `global
  maxconn 200
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen all
  bind 127.0.0.1:${port}
  server one 127.0.0.1:${server.port} send-proxy-v2
`;
  await run(t, need("haproxy"), configuration, (file) => ["-db", "-f", file]);
  const passes = (): Promise<boolean> =>
    getHttps(port, "/healthz").then(
      () => true,
      () => false,
    );
  await until(passes, "haproxy passes HTTPS", 20_000);
  const browser = await launchChromium({ args: ["--ignore-certificate-errors"] });
  t.after(() => browser.close());
  const pages = `https://127.0.0.1:${port}/players`;
  await openPage(browser, `${pages}/whip.html?stream=one&autostart=true&source=test`);
  const player = await openPage(browser, `${pages}/whep.html?stream=one&autostart=true`);
  const stats = await statsWhen(player, (now) => now.inbound.some((one) => one.framesDecoded > 30));
  assert.ok(inbound(stats, "video").framesDecoded > 30);
  assert.equal(stats.protocol, "tcp");
  assert.equal(stats.remotePort, port);
});

test("haproxy with PROXY v2 in TCP mode, its checks by connect and by GET", async (t) => {
  const server = await startBehind(t);
  const [byConnect, byGet] = [await freePort("127.0.0.1"), await freePort("127.0.0.1")];
  const listen = (port: number, check: string): string => `
listen at${port}
  bind 127.0.0.1:${port}
  ${check}
  server one 127.0.0.1:${server.port} send-proxy-v2 check inter 200
`;
  const timeouts = "timeout connect 5s\n  timeout client 60s\n  timeout server 60s";
  const configuration = `global
  maxconn 200
defaults
  mode tcp
  ${timeouts}
${listen(byConnect, "")}${listen(byGet, "option httpchk GET /healthz")}`;
  await run(t, need("haproxy"), configuration, (file) => ["-db", "-f", file]);
  for (const port of [byConnect, byGet]) {
    const metrics = await passesEverything(t, server, port);
    assert.match(metrics, /monoport_proxied_connections_total\{version="proxy-v2"\} [1-9]/);
  }
  assert.ok(!server.ended());
});

test("nginx's stream module with PROXY v1", async (t) => {
  const server = await startBehind(t);
  const port = await freePort("127.0.0.1");
  const configuration = `load_module ${need("nginx stream")};
pid FOLDER/pid;
error_log FOLDER/log;
daemon off;
master_process off;
events { worker_connections 200; }
stream {
  server {
    listen 127.0.0.1:${port};
    proxy_pass 127.0.0.1:${server.port};
    proxy_protocol on;
  }
}
`;
  await run(t, need("nginx"), configuration, (file) => ["-c", file]);
  const metrics = await passesEverything(t, server, port);
  assert.match(metrics, /monoport_proxied_connections_total\{version="proxy-v1"\} [1-9]/);
});
