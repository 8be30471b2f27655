/** The page that finds out what passes: everything, TCP alone, HTTP alone. */
import assert from "node:assert/strict";
import { after, before, describe, type TestContext, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { launchChromium } from "../chromium.ts";
import { freePort } from "../free_port.ts";
import { startHttpProxy } from "../nginx.ts";
import { type ServerOptions, type ServerProcess, startServer } from "../server_process.ts";

const QUIET = ["--demo", "off", "--log.level", "error"];
const TCP = [...QUIET, "--rtc_server.protocol", "tcp"];

interface Line {
  readonly verdict: string;
  readonly facts: string;
  readonly advice: string;
}

/** What the page says of each test, once it is through. */
async function results(page: Page): Promise<Readonly<Record<string, Line>>> {
  await page.waitForSelector('[data-state="done"]', { timeout: 90_000 });
  return await page.evaluate(() => {
    const text = (item: Element, selector: string): string =>
      item.querySelector(selector)?.textContent ?? "";
    const items = [...document.querySelectorAll<HTMLElement>("[data-check]")];
    return Object.fromEntries(
      items.map((item) => [
        item.dataset["check"] ?? "",
        {
          verdict: item.dataset["verdict"] ?? "",
          facts: text(item, ".facts"),
          advice: text(item, ".advice"),
        },
      ]),
    );
  });
}

describe("/diagnose in Chromium", () => {
  let browser: Browser;
  before(async () => {
    browser = await launchChromium();
  });
  after(() => browser?.close());

  const open = async (t: TestContext, url: string): Promise<Page> => {
    const page = await browser.newPage();
    t.after(() => page.close());
    page.on("pageerror", (error) => assert.fail(`an error escaped on the page: ${error.stack}`));
    page.on("console", (line) => {
      if (line.text().includes("Content Security Policy")) assert.fail(line.text());
    });
    await page.goto(url);
    return page;
  };
  const serve = async (t: TestContext, options: ServerOptions): Promise<ServerProcess> => {
    const server = await startServer(options);
    t.after(() => server.stop());
    return server;
  };

  test("everything passes, over TCP and UDP, and the text for a ticket has it", async (t) => {
    const { url, port } = await serve(t, { args: QUIET });
    const page = await open(t, `${url}/diagnose?token=secret`);
    assert.equal(await page.isVisible("#results"), false, "nothing begins by itself");
    const running = page.waitForSelector('[data-check="tcp"][data-verdict="running"]');
    const progress = page.waitForSelector("#progress");
    await page.focus("#start");
    await page.keyboard.press("Enter");
    await Promise.all([running, progress]);
    const told = await results(page);
    for (const name of ["http", "websocket", "tcp", "udp", "round-trip", "address"])
      assert.equal(told[name]?.verdict, "passes", `${name}: ${JSON.stringify(told[name])}`);
    for (const name of ["tcp", "udp"])
      assert.match(told[name]?.facts ?? "", new RegExp(`${name} 127\\.0\\.0\\.1:${port}`));
    assert.match(
      told["address"]?.facts ?? "",
      /^127\.0\.0\.1 by HTTP, 127\.0\.0\.1:\d+ by STUN over TCP, \S+:\d+ by STUN over UDP$/,
    );
    assert.match(
      told["round-trip"]?.facts ?? "",
      /HTTP .* ms, WebSocket .* ms, WebRTC over TCP .* ms, WebRTC over UDP .* ms/,
    );
    for (const name of ["http-rate", "tcp-rate", "udp-rate"])
      assert.match(told[name]?.facts ?? "", /^down [\d.]+ [Mk]bps, up [\d.]+ [Mk]bps/, name);

    const report = (await page.textContent("#report")) ?? "";
    assert.match(report, /^Media passes over TCP and UDP\.\n/);
    assert.match(report, /Server: Monoport \d+\.\d+\.\d+ at http:\/\/127\.0\.0\.1:/);
    assert.match(report, /Browser: .*Chrome/);
    assert.match(report, new RegExp(`Candidates: .*tcp 127\\.0\\.0\\.1:${port}`));
    assert.doesNotMatch(report, /secret|session=|pwd/);
    assert.equal(await page.evaluate(() => document.activeElement?.id), "start", "the focus stays");
  });

  test("behind a proxy that speaks HTTP, it says why no media passes", async (t) => {
    // nginx's own port is the one that is offered for media, as a container's mapping would.
    const inner = await freePort();
    const server = await serve(t, { port: inner, args: TCP });
    const proxy = await startHttpProxy(inner);
    t.after(() => proxy.stop());
    const page = await open(t, `${proxy.url}/diagnose?eip=127.0.0.1:${proxy.port}`);
    await page.click("#start");
    const told = await results(page);
    assert.equal(told["http"]?.verdict, "passes");
    assert.match(told["http"]?.facts ?? "", /through a proxy/);
    assert.equal(told["websocket"]?.verdict, "blocked", "nginx passes no Upgrade on");
    assert.match(told["websocket"]?.advice ?? "", /proxy_set_header Upgrade/);
    assert.equal(told["tcp"]?.verdict, "blocked");
    assert.match(
      told["tcp"]?.advice ?? "",
      /A proxy that speaks HTTP stands between.*nginx stream/,
    );
    assert.equal(told["tcp-rate"]?.verdict, "blocked");
    assert.equal(told["http-rate"]?.verdict, "passes");
    assert.equal(told["udp"]?.verdict, "not offered");
    assert.match(told["udp"]?.advice ?? "", /names no UDP address.*rtc_server\.protocol/);
    assert.equal(told["udp-rate"]?.verdict, "not offered");
    assert.match((await page.textContent("#message")) ?? "", /^No media passes: .*A proxy/);
    assert.equal(server.ended(), false);
  });

  test("where the API is off, it says so", async (t) => {
    const { url } = await serve(t, { args: [...QUIET, "--diagnose.enabled", "off"] });
    const page = await open(t, `${url}/diagnose`);
    await page.click("#start");
    const told = await results(page);
    assert.equal(told["http"]?.verdict, "blocked");
    assert.match((await page.textContent("#message")) ?? "", /diagnose\.enabled is off/);
  });
});
