/** Chromium in an office whose firewall lets out TCP to port 443 and no more, or nothing but its proxy. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { configurationOf } from "../operations.ts";
import { until } from "../server/rtc/client.ts";
import { type ServerProcess, startServer } from "../server_process.ts";
import { need } from "../tools.ts";
import {
  type ChromiumOptions,
  inbound,
  launchChromium,
  openPage,
  statsOf,
  statsWhen,
} from "./chromium.ts";
import { INTERNET, makeOffice, OFFICE, type Office, PROXY } from "./office.ts";

describe("from an office", () => {
  let office: Office;
  let server: ServerProcess;
  let folder: string;
  before(async () => {
    office = makeOffice();
    folder = mkdtempSync(join(tmpdir(), "monoport-office-"));
    chmodSync(folder, 0o777); // squid gives up root
    const script = `#!/bin/sh\nexec ${office.inside("office").join(" ")} ${need("chromium")} "$@"\n`;
    writeFileSync(join(folder, "chromium"), script, { mode: 0o755 });
    server = await startServer({
      prefix: office.inside("internet"),
      host: INTERNET,
      port: 443,
      args: ["--http_api.https.enabled", "on", "--demo", "off"],
    });
  });
  after(async () => {
    await server?.stop();
    office?.remove();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  /** Publishes and plays a stream; what both sides' statistics say. */
  const publishAndPlay = async (
    t: TestContext,
    stream: string,
    options: ChromiumOptions = {},
  ): Promise<void> => {
    const executable = join(folder, "chromium");
    const args = ["--ignore-certificate-errors"];
    const browser = await launchChromium({ executable, args, ...options });
    t.after(() => browser.close());
    const pages = `https://${INTERNET}/players`;
    const query = `stream=${stream}&autostart=true`;
    const publisher = await openPage(browser, `${pages}/whip.html?${query}&source=test`);
    const player = await openPage(browser, `${pages}/whep.html?${query}`);
    const plays = await statsWhen(player, (now) =>
      now.inbound.some((one) => one.framesDecoded > 30),
    );
    const sends = await statsOf(publisher);
    assert.ok(inbound(plays, "video").framesDecoded > 30);
    for (const stats of [plays, sends]) {
      assert.equal(stats.state, "connected");
      assert.equal(stats.protocol, "tcp");
      assert.equal(stats.remotePort, 443);
    }
    await browser.close();
  };

  test("Chromium publishes and plays where nothing but TCP to port 443 gets out", async (t) => {
    office.open(443);
    await publishAndPlay(t, "direct");
    assert.match(server.output(), new RegExp(`Publishing .*address=${OFFICE}\\n`));
    assert.ok(office.dropped() > 0, "UDP was tried and dropped");
  });

  test("Chromium publishes and plays through squid by CONNECT with a password, where nothing else gets out", async (t) => {
    office.open(undefined);
    const configuration = configurationOf("squid.conf", {
      "http_port 3128": `http_port ${PROXY}:3128`,
      "http_access allow all": `auth_param basic program ${need("squid basic_fake_auth")}
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all`,
    });
    await runSquid(t, office, folder, configuration);
    const proxy = { server: `http://${PROXY}:3128`, username: "clerk", password: "secret" };
    await publishAndPlay(t, "proxied", { proxy });
    // The server sees the proxy's address.
    assert.match(server.output(), /Publishing stream=live\/proxied .*address=203\.0\.113\.1\n/);
    // One line when a tunnel ends: of the page and its requests, the publisher's and player's media.
    const address = INTERNET.replaceAll(".", "\\.");
    const line = new RegExp(`TCP_TUNNEL/200 (\\d+) CONNECT ${address}:443 clerk`, "g");
    const large = (): number =>
      [...readFileSync(join(folder, "access.log"), "latin1").matchAll(line)].filter(
        ([, bytes]) => Number(bytes) > 10_000,
      ).length;
    await until(() => large() >= 2, "pages and media went through the proxy");
  });

  test("a squid that looks for TLS inside CONNECT stops media, which page and log say, unless it is told to pass it", async (t) => {
    office.open(undefined);
    const ca = join(folder, "ca.pem");
    const [key, subject] = [
      ["-newkey", "rsa:2048", "-nodes"],
      ["-days", "2", "-subj", "/CN=office"],
    ];
    execFileSync(need("openssl"), ["req", "-x509", ...key, ...subject, "-keyout", ca, "-out", ca], {
      stdio: "ignore",
    });
    chmodSync(ca, 0o644);
    need("squid ssl_bump");
    const configuration = configurationOf("squid_ssl_bump.conf", {
      "http_port 3128": `http_port ${PROXY}:3128`,
      "/etc/squid/ca.pem": `${ca} generate-host-certificates=off`,
    });
    const proxy = [`--proxy-server=http://${PROXY}:3128`];
    await t.test("stops it", async (t) => {
      const strict = configuration.replace("on_unsupported_protocol tunnel all", "");
      await runSquid(t, office, folder, strict);
      const executable = join(folder, "chromium");
      const args = ["--ignore-certificate-errors", ...proxy];
      const browser = await launchChromium({ executable, args });
      t.after(() => browser.close());
      const page = await openPage(
        browser,
        `https://${INTERNET}/players/whip.html?stream=stopped&autostart=true&source=test`,
      );
      await page
        .getByText(/No media connection to .*TCP 203\.0\.113\.2:443/)
        .waitFor({ timeout: 60_000 });
      const says = /No STUN within 5 s of an answer stream=live\/stopped/;
      await until(() => says.test(server.output()), "the log says so");
    });
    await t.test("passes it", async (t) => {
      await runSquid(t, office, folder, configuration);
      await publishAndPlay(t, "told", { args: ["--ignore-certificate-errors", ...proxy] });
    });
  });
});

async function runSquid(
  t: TestContext,
  office: Office,
  folder: string,
  configuration: string,
): Promise<void> {
  const file = join(folder, "squid.conf");
  const own = [
    `access_log stdio:${folder}/access.log`,
    `cache_log ${folder}/cache.log`,
    `pid_filename ${folder}/pid`,
    `coredump_dir ${folder}`,
    "visible_hostname office",
    "shutdown_lifetime 0 seconds",
    "pinger_enable off",
  ];
  writeFileSync(file, `${configuration}\n${own.join("\n")}\n`);
  for (const left of ["access.log", "cache.log", "pid"])
    rmSync(join(folder, left), { force: true });
  const [program = "", ...args] = [...office.inside("firewall"), need("squid"), "-N", "-f", file];
  const child: ChildProcess = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (text: Buffer) => {
      printed += text.toString("utf8");
    });
  }
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  });
  const listens = (): boolean => {
    if (child.exitCode !== null) throw new Error(`squid ended:\n${printed}`);
    return /Accepting .*HTTP Socket connections/.test(logOf(folder));
  };
  await until(listens, `squid listens:\n${printed}`);
}

function logOf(folder: string): string {
  try {
    return readFileSync(join(folder, "cache.log"), "latin1");
  } catch {
    return "";
  }
}
