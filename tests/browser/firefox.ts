/** Headless Firefox by WebDriver BiDi, with a fake camera and microphone. @module */
import assert from "node:assert/strict";
import puppeteer, { type Browser, type Page } from "puppeteer-core";
import type { PageHandle } from "../../web/lib/view.ts";
import { need } from "../tools.ts";

/**
 * The caller closes it. It gathers no loopback address, whatever it is told, and nothing at all on
 * a machine without a default route: its candidates are those of the interfaces.
 */
export function launchFirefox(): Promise<Browser> {
  return puppeteer.launch({
    browser: "firefox",
    protocol: "webDriverBiDi",
    executablePath: need("firefox"),
    headless: true,
    timeout: 60_000,
    env: { ...process.env, MOZ_DISABLE_CONTENT_SANDBOX: "1" },
    extraPrefsFirefox: {
      "media.navigator.streams.fake": true,
      "media.navigator.permission.disabled": true,
      "media.peerconnection.ice.tcp": true,
      "media.peerconnection.ice.obfuscate_host_addresses": false,
      "media.autoplay.default": 0,
      "media.autoplay.blocking_policy": 0,
      "media.gmp-manager.updateEnabled": false,
      "network.captive-portal-service.enabled": false,
      "network.connectivity-service.enabled": false,
    },
  });
}

/** Opens one of Monoport's pages. */
export async function openPage(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(url);
  return page;
}

export type Figures = NonNullable<PageHandle["figures"]>;

/** What the page shows about its connection, as soon as `enough` says so. */
export async function figuresWhen(
  page: Page,
  enough: (figures: Figures) => boolean,
  millis = 60_000,
): Promise<Figures> {
  const until = Date.now() + millis;
  for (;;) {
    const { figures, message } = await page.evaluate(() => {
      const { monoport } = globalThis as unknown as { monoport?: PageHandle };
      return { figures: monoport?.figures, message: monoport?.message };
    });
    if (figures !== undefined && enough(figures)) return figures;
    assert.ok(Date.now() < until, `${page.url()} says "${message}", ${JSON.stringify(figures)}`);
    await new Promise((wake) => setTimeout(wake, 250));
  }
}
