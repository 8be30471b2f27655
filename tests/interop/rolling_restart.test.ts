/** Two servers behind haproxy, which asks /readyz; one is stopped while somebody watches. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { PageHandle } from "../../web/lib/view.ts";
import { launchChromium, openPage, type Stats, statsWhen } from "../browser/chromium.ts";
import { freePort } from "../free_port.ts";
import { Camera } from "../server/rtc/camera.ts";
import { type Place, play, publish, until } from "../server/rtc/client.ts";
import { type ServerProcess, startServer } from "../server_process.ts";
import { need } from "../tools.ts";

async function startHaproxy(t: TestContext, configuration: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "monoport-haproxy-"));
  const file = join(folder, "haproxy.cfg");
  writeFileSync(file, configuration);
  const child = spawn(need("haproxy"), ["-db", "-f", file], { stdio: "ignore" });
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const exit = once(child, "exit");
      child.kill("SIGKILL");
      await exit;
    }
    rmSync(folder, { recursive: true, force: true });
  });
}

/** As in docs/operations.md, with short times; a check may take long on a slow machine. */
function configurationFor(port: number, first: ServerProcess, second: ServerProcess): string {
  return `global
  maxconn 200
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout check 10s
listen monoport
  bind 127.0.0.1:${port}
  balance source
  hash-type consistent
  option httpchk GET /readyz
  default-server check inter 100 fall 1 rise 1 send-proxy-v2
  server first 127.0.0.1:${first.port}
  server second 127.0.0.1:${second.port}
`;
}

async function startOne(t: TestContext, graceSeconds: number): Promise<ServerProcess> {
  const server = await startServer({
    args: [
      ...["--rtc_server.protocol", "tcp", "--proxy_protocol.from", "127.0.0.1"],
      ...["--drain.grace", String(graceSeconds), "--grace_start_wait", "500"],
    ],
  });
  t.after(() => server.stop("SIGKILL"));
  return server;
}

/** The sessions of a server, seen past the balancer. */
async function sessionsOf({ url }: ServerProcess): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^monoport_sessions (\d+)$/m.exec(metrics)?.[1]);
}

/** On a connection of its own: the server that is stopped closes idle ones. */
function isOk(url: string): Promise<boolean> {
  return fetch(url, { headers: { connection: "close" } }).then(
    ({ status }) => status === 200,
    () => false,
  );
}

async function watch(
  t: TestContext,
  place: Place,
  stream: string,
): Promise<{ received: number; closed: () => boolean }> {
  const publisher = await publish(place, { stream });
  t.after(() => publisher.close());
  await publisher.connect();
  const camera = new Camera(publisher);
  camera.remembers = false;
  camera.run(3);
  t.after(() => camera.stop());
  const viewer = await play(place, { stream });
  t.after(() => viewer.close());
  await viewer.connect();
  const seen = { received: 0, closed: () => viewer.peer.closed };
  viewer.onRtp = () => void seen.received++;
  await until(() => seen.received > 10, `${stream} is seen`);
  return seen;
}

interface Balanced {
  readonly place: Place;
  readonly servers: readonly [ServerProcess, ServerProcess];
}

async function startBalanced(t: TestContext, graceSeconds: number): Promise<Balanced> {
  const servers = [await startOne(t, graceSeconds), await startOne(t, graceSeconds)] as const;
  const port = await freePort("127.0.0.1");
  const place = { url: `http://127.0.0.1:${port}`, port };
  await startHaproxy(t, configurationFor(port, ...servers));
  await until(() => isOk(`${place.url}/healthz`), "haproxy passes HTTP");
  return { place, servers };
}

/** The one with so many sessions, and the other one. */
async function busyAndIdle(
  [first, second]: Balanced["servers"],
  sessions: number,
): Promise<[busy: ServerProcess, idle: ServerProcess]> {
  const sorted: [ServerProcess, ServerProcess] =
    (await sessionsOf(first)) === sessions ? [first, second] : [second, first];
  // All of one client's connections reach the same server: balance source.
  assert.equal(await sessionsOf(sorted[0]), sessions);
  assert.equal(await sessionsOf(sorted[1]), 0);
  return sorted;
}

test("haproxy sends new clients elsewhere while the old ones watch on, until a second SIGTERM ends those", async (t) => {
  const { place, servers } = await startBalanced(t, 90);
  const old = await watch(t, place, "old");
  const [draining, other] = await busyAndIdle(servers, 2);

  process.kill(draining.pid, "SIGTERM");
  await until(async () => !(await isOk(`${draining.url}/readyz`)), "readiness falls");
  await until(() => isOk(`${place.url}/readyz`), "haproxy has moved on");
  const fresh = await watch(t, place, "fresh");
  assert.equal(await sessionsOf(other), 2, "the new ones are on the other server");
  const before = old.received;
  await until(() => old.received > before + 20, "the old viewer watches on");
  assert.ok(!old.closed() && !draining.ended());

  process.kill(draining.pid, "SIGTERM");
  await until(() => old.closed(), "the old viewer got close_notify");
  await until(() => draining.ended(), "the old server has ended");
  assert.equal(await draining.stop(), 0);
  const since = fresh.received;
  await until(() => fresh.received > since + 20, "the new viewer watches on");
});

test("a page that is told goodbye plays on at the other server at once", async (t) => {
  const { place, servers } = await startBalanced(t, 1);
  const browser = await launchChromium();
  t.after(() => browser.close());
  const url = `${place.url}/players/whep.html?app=live&stream=demo&autostart=true`;
  const page = await openPage(browser, url);
  const plays = (frames: number): Promise<Stats> =>
    statsWhen(page, ({ inbound }) => inbound.some((one) => one.framesDecoded > frames));
  await plays(20);
  const [draining, other] = await busyAndIdle(servers, 1);
  await page.evaluate(() => {
    const { monoport } = globalThis as unknown as { monoport: PageHandle };
    const said: string[] = [];
    Object.assign(globalThis, { said });
    setInterval(() => {
      if (said.at(-1) !== monoport.message) said.push(monoport.message);
    }, 10);
  });
  process.kill(draining.pid, "SIGTERM");
  await until(() => draining.ended(), "the old server has ended");
  await until(async () => (await sessionsOf(other)) === 1, "the page has come to the other one");
  await plays(20);
  const said = await page.evaluate(() => (globalThis as unknown as { said: string[] }).said);
  // Without close_notify it is interrupted first, for 5 s and 3 s more.
  assert.match(said.join("\n"), /^The server has ended the session\. Trying again now\.$/m);
  assert.doesNotMatch(said.join("\n"), /interrupted/);
});
