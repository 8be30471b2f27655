/** One public port for Monoport and another web server, on the files of docs/operations.md. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer as createHttp, type Server } from "node:http";
import { createServer as createHttps, request } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { inbound, launchChromium, openPage, statsWhen } from "../browser/chromium.ts";
import { makeCertificate } from "../contract/certificate.ts";
import { freePort } from "../free_port.ts";
import { configurationOf } from "../operations.ts";
import { publish, sleep, until } from "../server/rtc/client.ts";
import { Folder, getHttps } from "../server/tls_client.ts";
import { type ServerProcess, startServer } from "../server_process.ts";
import { repository } from "../tools.ts";
import { runHaproxy, runNginx } from "./balancer.ts";
import { startPebble } from "./pebble.ts";

const TCP = ["--rtc_server.protocol", "tcp", "--demo", "off"];

/** The other web server; its port. */
async function serveShop(t: TestContext, server: Server): Promise<number> {
  server.on("request", (_, answer) => answer.end("the shop"));
  t.after(() => server.close());
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return (server.address() as AddressInfo).port;
}

async function answersHttps(port: number, servername?: string): Promise<void> {
  const options = servername === undefined ? {} : { servername };
  const answers = async (): Promise<boolean> => {
    await sleep(100);
    return await getHttps(port, "/healthz", options).then(
      ({ status }) => status === 200,
      () => false,
    );
  };
  await until(answers, `HTTPS on ${port} answers`);
}

/** A client from 127.0.0.9 publishes by https: API and log know him, whatever he says he is. */
async function knowsClient(port: number, server: ServerProcess, mediaPort: number): Promise<void> {
  const recorded = readFileSync(join(repository, "tests/vectors/sdp/chromium_publish.sdp"), "utf8");
  const sdp = recorded.replace(/^#.*\r?\n/, "");
  const answer = await new Promise<string>((resolve, reject) => {
    const asked = request(
      {
        ...{ host: "127.0.0.1", port, method: "POST", path: "/whip/live/forwarded" },
        ...{ localAddress: "127.0.0.9", rejectUnauthorized: false },
        headers: { "content-type": "application/sdp", "x-forwarded-for": "192.0.2.66" },
      },
      async (response) => resolve(`${response.statusCode} ${await text(response)}`),
    );
    asked.on("error", reject);
    asked.end(sdp);
  });
  assert.match(answer, /^201 v=0/);
  assert.match(
    answer,
    new RegExp(`^a=candidate:\\S+ 1 tcp \\d+ 127\\.0\\.0\\.1 ${mediaPort} `, "im"),
  );
  const clients = await (await fetch(`${server.url}/api/v1/clients/`)).text();
  assert.match(clients, /"ip":"127\.0\.0\.9"/);
  assert.match(server.output(), /Publishing stream=live\/forwarded .*address=127\.0\.0\.9\n/);
}

/** Chromium publishes and plays: pages by https on `port`, media by TCP on `mediaPort`. */
async function chromiumPasses(t: TestContext, port: number, mediaPort: number): Promise<void> {
  const browser = await launchChromium({ args: ["--ignore-certificate-errors"] });
  t.after(() => browser.close());
  const pages = `https://127.0.0.1:${port}/players`;
  await openPage(browser, `${pages}/whip.html?stream=one&autostart=true&source=test`);
  const player = await openPage(browser, `${pages}/whep.html?stream=one&autostart=true`);
  const stats = await statsWhen(player, (now) => now.inbound.some((one) => one.framesDecoded > 30));
  assert.ok(inbound(stats, "video").framesDecoded > 30);
  assert.equal(stats.protocol, "tcp");
  assert.equal(stats.remotePort, mediaPort);
}

test("haproxy chooses by server name: its own TLS, ACME and raw media for Monoport, the rest for the shop", async (t) => {
  const folder = new Folder();
  t.after(() => folder.remove());
  const port = await freePort();
  const pebble = await startPebble({ tlsPort: port });
  t.after(() => pebble.stop());
  const acme = ["--acme.domains", "media.example.org", "--acme.agree_tos", "on"];
  const kept = ["--tls.dir", join(folder.path, "kept"), "--acme.directory", pebble.directory];
  const { certificate, key } = makeCertificate("shop.example.org");
  const shop = await serveShop(t, createHttps({ cert: certificate, key }));
  const inner = await freePort();
  await runHaproxy(
    t,
    configurationOf("haproxy_sni.cfg", {
      "*:443": `127.0.0.1:${port}`,
      "127.0.0.1:8080": `127.0.0.1:${inner}`,
      "127.0.0.1:9443": `127.0.0.1:${shop}`,
    }),
  );
  const shopAnswers = (): Promise<boolean> =>
    getHttps(port, "/", { servername: "shop.example.org" }).then(
      ({ body }) => body === "the shop",
      () => false,
    );
  await until(shopAnswers, "haproxy hands on what names another");
  const server = await startServer({
    port: inner,
    args: [...acme, ...kept, "--proxy_protocol.from", "127.0.0.1", ...TCP],
    env: pebble.env,
  });
  t.after(() => server.stop());
  await answersHttps(port, "media.example.org");
  const ca = await pebble.root();
  const trusting = { ca, servername: "media.example.org", rejectUnauthorized: true };
  const trusted = async (): Promise<boolean> => {
    await sleep(100); // the CA's handshakes come from the same address
    return await getHttps(port, "/healthz", trusting).then(
      ({ status }) => status === 200,
      () => false,
    );
  };
  await until(trusted, "a certificate through haproxy").catch((error) =>
    assert.fail(`${error}\n${server.output()}`),
  );
  const media = await publish({ url: `http://127.0.0.1:${port}`, port }, { stream: "beside" });
  t.after(() => media.close());
  await media.connect();
  assert.ok(media.connected);
});

test("haproxy ends TLS and hands everything else to Monoport: Chromium publishes and plays by the one port", async (t) => {
  const folder = new Folder();
  t.after(() => folder.remove());
  const [port, inner] = [await freePort(), await freePort()];
  const local = "127.0.0.1";
  const server = await startServer({
    args: [
      ...["--proxy_protocol.from", local, "--trusted_proxies", local],
      ...["--rtc_server.candidate", `${local}:${port}`, ...TCP],
    ],
  });
  t.after(() => server.stop());
  const pem = makeCertificate("media.example.org");
  const { cert } = folder.write("both", { ...pem, certificate: pem.certificate + pem.key });
  const configuration = configurationOf("haproxy_tls.cfg", {
    "*:443": `127.0.0.1:${port}`,
    "127.0.0.1:8080": `127.0.0.1:${server.port}`,
    "127.0.0.1:9444": `127.0.0.1:${inner}`,
    "127.0.0.1:9080": `127.0.0.1:${await serveShop(t, createHttp())}`,
    "/etc/ssl/both.pem": cert,
  });
  await runHaproxy(t, configuration);
  await answersHttps(port);
  assert.equal((await getHttps(port, "/shop/")).body, "the shop");
  await knowsClient(port, server, port);
  await chromiumPasses(t, port, port);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  assert.match(metrics, /monoport_connections_total\{protocol="stun-tcp"\} [1-9]/);
});

test("nginx ends TLS and speaks HTTP; media has a port of its own: Chromium publishes and plays", async (t) => {
  const folder = new Folder();
  t.after(() => folder.remove());
  const [port, mediaPort] = [await freePort(), await freePort()];
  const media = `127.0.0.1:${mediaPort}`;
  const server = await startServer({
    args: [
      ...["--trusted_proxies", "127.0.0.1", "--rtc_server.tcp.listen", media],
      ...["--rtc_server.candidate", media, ...TCP],
    ],
  });
  t.after(() => server.stop());
  const { cert, key } = folder.write("media", makeCertificate("media.example.org"));
  const configuration = configurationOf("nginx_http.conf", {
    "listen 443": `listen 127.0.0.1:${port}`,
    "127.0.0.1:8080": `127.0.0.1:${server.port}`,
    "/etc/ssl/media.pem": cert,
    "/etc/ssl/media.key": key,
  });
  await runNginx(t, configuration);
  await answersHttps(port);
  await knowsClient(port, server, mediaPort);
  await chromiumPasses(t, port, mediaPort);
  assert.match(server.output(), /Publishing .*address=127\.0\.0\.1\n/);
});

test("the guard of the API: a bare proxy_pass opens it, the documented headers close it", async (t) => {
  const server = await startServer({ args: TCP });
  t.after(() => server.stop());
  const port = await freePort();
  const pass = `proxy_pass http://127.0.0.1:${server.port};`;
  await runNginx(
    t,
    `events {}
http {
  server {
    listen 127.0.0.1:${port};
    location / { ${pass} }
    location /headers/ { ${pass.replace(";", "/;")} proxy_set_header X-Forwarded-For $remote_addr; }
  }
}
`,
  );
  const url = `http://127.0.0.1:${port}`;
  const answers = (): Promise<boolean> =>
    fetch(`${url}/healthz`)
      .then(({ ok }) => ok)
      .catch(() => false);
  await until(answers, "nginx answers");
  const kick = async (path: string): Promise<number> => {
    const answer = await fetch(`${url}${path}api/v1/clients/none`, { method: "DELETE" });
    await answer.text();
    return answer.status;
  };
  assert.notEqual(await kick("/"), 403, "nothing tells it from a program on this machine");
  assert.equal(await kick("/headers/"), 403);
});
