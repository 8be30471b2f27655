/** A firewall that drops UDP in mid-session: Monoport and Chromium in a namespace of their own. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { until } from "../server/rtc/client.ts";
import { type ServerProcess, startServer } from "../server_process.ts";
import { need } from "../tools.ts";
import { launchChromium, openPage, type Stats, statsOf, statsWhen } from "./chromium.ts";

const NAME = `monoport-udp-dies-${process.pid}`;
const INSIDE = ["ip", "netns", "exec", NAME];
/** Chromium gives a pair up after 5 s without answers; a busy machine takes longer. */
const HANDOVER_MILLIS = 60_000;

describe("UDP is cut off in mid-session", () => {
  let server: ServerProcess;
  let browser: Browser;
  let folder: string;

  before(async () => {
    if (process.getuid?.() !== 0) throw new Error("Network namespaces need root: sudo npm test");
    run("ip", "netns", "add", NAME);
    inside("ip", "link", "set", "lo", "up");
    inside("nft", "add", "table", "inet", "f");
    inside("nft", "add chain inet f out { type filter hook output priority 0 ; }");
    folder = mkdtempSync(join(tmpdir(), "monoport-"));
    const executable = join(folder, "chromium");
    writeFileSync(executable, `#!/bin/sh\nexec ${INSIDE.join(" ")} ${need("chromium")} "$@"\n`, {
      mode: 0o755,
    });
    [server, browser] = await Promise.all([
      startServer({ prefix: INSIDE, args: ["--demo", "off"] }),
      launchChromium({ executable }),
    ]);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
    run("ip", "netns", "del", NAME);
    rmSync(folder, { recursive: true, force: true });
  });

  test("the same sessions go on over TCP with the picture moving, and live on when UDP is back", async (t) => {
    const site = `${server.url}/players`;
    const publisher = await openPage(browser, `${site}/whip.html?autostart=true&codec=h264`);
    const player = await openPage(browser, `${site}/whep.html?autostart=true`);
    const pages = [publisher, player];
    await statsWhen(player, (stats) => framesOf(stats) > 40);
    for (const page of pages) await statsWhen(page, ({ protocol }) => protocol === "udp");
    const sessions = await sessionsOf(player, server);
    assert.equal(sessions.length, 2);

    inside("nft", "add rule inet f out meta l4proto udp counter drop");
    const began = performance.now();
    for (const page of pages) {
      const stats = await statsWhen(page, ({ protocol }) => protocol === "tcp", HANDOVER_MILLIS);
      assert.equal(stats.protocol, "tcp");
    }
    await movesOn(player);
    t.diagnostic(`moving over TCP ${Math.round(performance.now() - began)} ms after the cut`);
    assert.deepEqual(await sessionsOf(player, server), sessions, "the same sessions");
    const onTcp = async (): Promise<boolean> =>
      (await clientsOf(player, server)).every(({ transport }) => transport === "tcp");
    await until(onTcp, "the server says so, too");

    inside("nft", "flush", "chain", "inet", "f", "out");
    await new Promise((wake) => setTimeout(wake, 3000));
    await movesOn(player);
    t.diagnostic(`with UDP back they use ${(await statsOf(player)).protocol}`);
    assert.deepEqual(await sessionsOf(player, server), sessions, "the same sessions");
    for (const page of pages) assert.equal((await statsOf(page)).state, "connected");
  });
});

function framesOf(stats: Stats): number {
  return stats.inbound.find((one) => one.kind === "video")?.framesDecoded ?? 0;
}

/** A second's worth of new pictures come. */
async function movesOn(page: Page): Promise<void> {
  const before = framesOf(await statsOf(page));
  const stats = await statsWhen(page, (one) => framesOf(one) > before + 20);
  assert.ok(framesOf(stats) > before + 20, `${framesOf(stats) - before} new pictures`);
}

/** From inside the namespace, as only a page there reaches the server. */
function clientsOf(page: Page, { url }: ServerProcess) {
  return page.evaluate(async (api) => {
    const answer = await fetch(api);
    return ((await answer.json()) as { clients: { id: string; transport: string }[] }).clients;
  }, `${url}/api/v1/clients/`);
}

async function sessionsOf(page: Page, server: ServerProcess): Promise<string[]> {
  return (await clientsOf(page, server)).map((one) => one.id);
}

function run(command: "ip", ...args: readonly string[]): string {
  return execFileSync(need(command), args, { encoding: "utf8", timeout: 20_000 });
}

function inside(command: "ip" | "nft", ...args: readonly string[]): string {
  return run("ip", "netns", "exec", NAME, need(command), ...args);
}
