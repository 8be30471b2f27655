import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { inbound, launchChromium, openPage, statsWhen } from "../browser/chromium.ts";
import { freePort } from "../free_port.ts";
import { configurationOf } from "../operations.ts";
import { until } from "../server/rtc/client.ts";
import { getHttps } from "../server/tls_client.ts";
import { type ServerProcess, startServer } from "../server_process.ts";
import { need } from "../tools.ts";
import { passesEverything, runHaproxy, runNginx } from "./balancer.ts";

/** A server that believes a balancer on 127.0.0.1. */
async function startBehind(t: TestContext): Promise<ServerProcess> {
  // Only TCP goes through it.
  const tcp = ["--rtc_server.protocol", "tcp"];
  const args = ["--proxy_protocol.from", "127.0.0.1", "--http_api.https.enabled", "on", ...tcp];
  const server = await startServer({ args });
  t.after(() => server.stop());
  return server;
}

test("Chromium publishes and plays by HTTPS and TCP through haproxy", async (t) => {
  const server = await startBehind(t);
  const port = await freePort("127.0.0.1");
  const configuration = configurationOf("haproxy.cfg", {
    "*:443": `127.0.0.1:${port}`,
    "127.0.0.1:8080": `127.0.0.1:${server.port}`,
  });
  await runHaproxy(t, configuration);
  const passes = (): Promise<boolean> =>
    getHttps(port, "/healthz").then(
      () => true,
      () => false,
    );
  await until(passes, "haproxy passes HTTPS");
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
  const timeouts =
    "timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n  timeout check 10s";
  const configuration = `global
  maxconn 200
defaults
  mode tcp
  ${timeouts}
${listen(byConnect, "")}${listen(byGet, "option httpchk GET /healthz")}`;
  await runHaproxy(t, configuration);
  for (const port of [byConnect, byGet]) {
    const metrics = await passesEverything(t, server, port);
    assert.match(metrics, /monoport_proxied_connections_total\{version="proxy-v2"\} [1-9]/);
  }
  assert.ok(!server.ended());
});

test("nginx's stream module with PROXY v1", async (t) => {
  const server = await startBehind(t);
  const port = await freePort("127.0.0.1");
  const configuration = configurationOf("nginx_stream.conf", {
    "modules/ngx_stream_module.so": need("nginx stream"),
    "listen 443": `listen 127.0.0.1:${port}`,
    "127.0.0.1:8080": `127.0.0.1:${server.port}`,
  });
  await runNginx(t, configuration);
  const metrics = await passesEverything(t, server, port);
  assert.match(metrics, /monoport_proxied_connections_total\{version="proxy-v1"\} [1-9]/);
});
