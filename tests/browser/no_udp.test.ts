/** A network that lets no UDP through: Monoport and Chromium in a namespace of their own. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
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
    const player = await openPage(browser, `${site}/whep.html?autostart=true`);
    const played = await statsWhen(player, (stats) =>
      stats.inbound.some((one) => one.framesDecoded > 40),
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
});

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
