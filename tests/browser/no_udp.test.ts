/** A network that lets no UDP through: Monoport and Chromium in a namespace of their own. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { type ServerProcess, startServer } from "../server_process.ts";
import { need } from "../tools.ts";
import { inbound, launchChromium, openPage, statsOf, statsWhen } from "./chromium.ts";

const NAME = `monoport-no-udp-${process.pid}`;
const INSIDE = ["ip", "netns", "exec", NAME];

describe("where no UDP goes through", () => {
  let server: ServerProcess;
  let browser: Browser;
  let folder: string;

  before(async () => {
    if (process.getuid?.() !== 0) throw new Error("Network namespaces need root: sudo npm test");
    run("ip", "netns", "add", NAME);
    inside("ip", "link", "set", "lo", "up");
    // For the NAT; while Chromium runs it would be a change of network, at which it gives up what it is loading.
    inside("ip", "addr", "add", "192.0.2.77/32", "dev", "lo");
    assert.equal(sendDatagram(), "sent");
    inside("nft", "add", "table", "inet", "f");
    inside("nft", "add chain inet f out { type filter hook output priority 0 ; }");
    inside("nft", "add rule inet f out meta l4proto udp counter drop");
    assert.equal(sendDatagram(), "EPERM", "the firewall drops UDP");
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

  test("Chromium publishes and plays H.264 and Opus", async (t) => {
    const dropped = droppedDatagrams();
    assert.ok(dropped > 0, "the counter counts");
    const site = `${server.url}/players`;
    const publisher = await openPage(browser, `${site}/whip.html?autostart=true&codec=h264`);
    t.after(() => publisher.context().close());
    const player = await openPage(browser, `${site}/whep.html?autostart=true`);
    t.after(() => player.context().close());
    const played = await statsWhen(
      player,
      (stats) =>
        stats.inbound.some((one) => one.framesDecoded > 40) &&
        stats.inbound.some((one) => one.samples > 48_000),
    );
    const sent = await statsOf(publisher);
    for (const stats of [played, sent]) {
      assert.equal(stats.state, "connected");
      assert.equal(stats.protocol, "tcp");
      assert.equal(stats.remotePort, server.port);
    }
    assert.ok(inbound(played, "video").framesDecoded > 40, JSON.stringify(played));
    assert.equal(inbound(played, "video").codec, "video/H264");
    assert.ok(inbound(played, "audio").samples > 48_000);
    assert.equal(inbound(played, "video").lost + inbound(played, "audio").lost, 0);
    t.diagnostic(`datagrams dropped meanwhile: ${droppedDatagrams() - dropped}`);
  });

  test("/diagnose finds UDP blocked and TCP open, and says what that means", async (t) => {
    const page = await openPage(browser, `${server.url}/diagnose`);
    t.after(() => page.close());
    await page.click("#start");
    await page.waitForSelector('[data-check="udp"][data-verdict="blocked"]', { timeout: 90_000 });
    assert.match(await text(page, "udp"), /No UDP passes .*Media passes over TCP/);
    await page.waitForSelector('[data-check="tcp"][data-verdict="passes"]');
  });

  test("transport=udp tries nothing else, and the page says what and where to ask", async (t) => {
    const page = await openPage(
      browser,
      `${server.url}/players/whep.html?autostart=true&transport=udp`,
    );
    t.after(() => page.close());
    await page.waitForSelector('[data-state="failed"]', { timeout: 60_000 });
    const said = (await page.textContent("#message")) ?? "";
    assert.match(said, new RegExp(`No media connection to UDP 127\\.0\\.0\\.1:${server.port}`));
    assert.doesNotMatch(said, /TCP/);
    assert.match((await page.getAttribute("#why", "href")) ?? "", /diagnose\?.*transport=udp/);
    assert.equal(await page.isVisible("#why"), true);
  });

  test("/diagnose finds the NAT that this browser is behind", async (t) => {
    inside("nft", "flush", "chain", "inet", "f", "out");
    inside("nft", "add table ip nat");
    t.after(() => inside("nft", "delete table ip nat"));
    inside("nft", "add chain ip nat post { type nat hook postrouting priority 100 ; }");
    inside("nft", `add rule ip nat post udp dport ${server.port} snat to 192.0.2.77`);
    const page = await openPage(browser, `${server.url}/diagnose`);
    t.after(() => page.close());
    await page.click("#start");
    await page.waitForSelector('[data-check="address"][data-verdict="passes"]', {
      timeout: 90_000,
    });
    const facts = (await page.textContent('[data-check="address"] .facts')) ?? "";
    assert.match(
      facts,
      /^127\.0\.0\.1 by HTTP, .*192\.0\.2\.77:\d+ by STUN over UDP, .*behind a NAT$/,
    );
    assert.match(await text(page, "address"), /another address than media/);
  });

  test("where UDP carries small packets only, a page falls back to TCP and says so", async (t) => {
    // So ICE finds a path by UDP, and DTLS gets nowhere on it.
    inside("nft", "flush", "chain", "inet", "f", "out");
    inside("nft", "add rule inet f out meta l4proto udp meta length > 250 counter drop");
    const page = await openPage(
      browser,
      `${server.url}/players/whip.html?autostart=true&source=test&stream=small`,
    );
    t.after(() => page.close());
    await page.waitForSelector('[data-state="live"]', { timeout: 60_000 });
    assert.equal((await statsOf(page)).protocol, "tcp");
    assert.match((await page.textContent("#message")) ?? "", /by TCP alone, as UDP did not carry/);
    assert.ok(droppedDatagrams() > 0);
  });
});

async function text(page: Page, check: string): Promise<string> {
  return (await page.textContent(`[data-check="${check}"] .advice`)) ?? "";
}

function run(command: "ip" | "nft", ...args: readonly string[]): string {
  return execFileSync(need(command), args, { encoding: "utf8", timeout: 20_000 });
}

function inside(command: "ip" | "nft", ...args: readonly string[]): string {
  return run("ip", "netns", "exec", NAME, need(command), ...args);
}

/** What becomes of a datagram to the loopback address: `sent`, or an error code. */
function sendDatagram(): string {
  const code = `require("node:dgram").createSocket("udp4").send("x", 9, "127.0.0.1", function (error) {
    require("node:fs").writeSync(1, error?.code ?? "sent");
    process.exit();
  });`;
  return run("ip", "netns", "exec", NAME, process.execPath, "-e", code);
}

function droppedDatagrams(): number {
  const rules = inside("nft", "list", "chain", "inet", "f", "out");
  return Number(/counter packets (\d+)/.exec(rules)?.[1]);
}
