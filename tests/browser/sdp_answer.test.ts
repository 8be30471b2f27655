/** Chromium and Firefox take our answers to every kind of offer they make. */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { chromium } from "playwright-core";
import puppeteer from "puppeteer-core";
import type { CodecName, Format } from "../../core/media/mod.ts";
import { negotiatePlay, negotiatePublish } from "../../core/session/webrtc/negotiation/mod.ts";
import { accepted, decoded, local } from "../core/session/webrtc/negotiation/local.ts";
import { need } from "../tools.ts";
import { type Outcome, pageCode, playKinds, publishKinds } from "./sdp_page.ts";

interface Page {
  /** Runs an expression in the page; a promise is waited for. */
  run(expression: string): Promise<unknown>;
  close(): Promise<void>;
}

let server: Server;
let url = "";

before(async () => {
  server = createServer((_, response) => {
    response.setHeader("content-type", "text/html");
    response.end("<!doctype html><title>SDP</title>");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});

after(() => {
  server.closeAllConnections();
  server.close();
});

const VP8: Format = { codec: "vp8", clockRate: 90000, channels: 0, parameters: "" };
const OPUS: Format = { codec: "opus", clockRate: 48000, channels: 2, parameters: "" };

async function makeOffer(page: Page, kind: string): Promise<string> {
  return String(await page.run(`makeOffer(${JSON.stringify(kind)})`));
}

async function takeAnswer(page: Page, sdp: string): Promise<Outcome> {
  return (await page.run(`takeAnswer(${JSON.stringify(sdp)})`)) as Outcome;
}

async function publishes(page: Page, kind: string, preferredCodec?: CodecName): Promise<void> {
  const offer = await makeOffer(page, kind);
  if (offer === "") return;
  const { sdp, media } = accepted(negotiatePublish(decoded(offer), local({ preferredCodec })));
  const { transceivers, signalingState } = await takeAnswer(page, sdp);
  assert.equal(signalingState, "stable");
  assert.equal(transceivers.length, media.length);
  for (const [index, transceiver] of transceivers.entries()) {
    assert.equal(transceiver.direction, "sendonly");
    assert.equal(transceiver.mid, media[index]?.mid);
    const first = media[index]?.codecs[0]?.format.codec ?? "";
    const red = kind === "publish_red_first" && transceiver.kind === "audio";
    assert.equal(transceiver.sends.toLowerCase(), `${transceiver.kind}/${red ? "red" : first}`);
  }
}

async function plays(page: Page, kind: string): Promise<void> {
  const offer = await makeOffer(page, kind);
  const { sdp, media } = accepted(negotiatePlay(decoded(offer), local(), [VP8, OPUS]));
  const { transceivers, signalingState } = await takeAnswer(page, sdp);
  assert.equal(signalingState, "stable");
  const served = new Set(media.map(({ mid }) => mid));
  for (const transceiver of transceivers) {
    if (transceiver.mid === null || !served.has(transceiver.mid)) {
      assert.notEqual(transceiver.direction, "recvonly");
    } else {
      assert.equal(transceiver.direction, "recvonly");
      assert.equal(transceiver.stream, "live-livestream");
    }
  }
}

for (const browser of ["Chromium", "Firefox"] as const) {
  describe(`answers in ${browser}`, () => {
    let page: Page;
    before(async () => {
      page = await (browser === "Chromium" ? openChromium() : openFirefox());
      await page.run(`(() => { ${pageCode} })()`);
    });
    after(() => page.close());
    for (const kind of publishKinds) it(kind, () => publishes(page, kind));
    for (const kind of playKinds) it(kind, () => plays(page, kind));
    for (const codec of ["vp8", "vp9", "av1", "h264"] as const) {
      // This Firefox has no H.264.
      if (browser === "Firefox" && codec === "h264") continue;
      it(`the preferred codec is what it sends: ${codec}`, async () => {
        const offer = await makeOffer(page, "publish");
        const answer = negotiatePublish(decoded(offer), local({ preferredCodec: codec }));
        const { transceivers } = await takeAnswer(page, accepted(answer).sdp);
        assert.equal(transceivers[1]?.sends.toLowerCase(), `video/${codec}`);
      });
    }
    it("simulcast is taken with all its layers", async () => {
      const offer = await makeOffer(page, "publish_simulcast");
      assert.match(offer, /a=simulcast:send q;h;f/);
      const answer = accepted(negotiatePublish(decoded(offer), local()));
      const { transceivers } = await takeAnswer(page, answer.sdp);
      assert.deepEqual(transceivers[1]?.encodings, ["q", "h", "f"]);
    });
  });
}

async function openChromium(): Promise<Page> {
  const browser = await chromium.launch({
    executablePath: need("chromium"),
    headless: true,
    args: [
      "--headless=new",
      "--no-sandbox",
      "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream",
    ],
  });
  const context = await browser.newContext({ permissions: ["camera", "microphone"] });
  const page = await context.newPage();
  await page.goto(url);
  return { run: (expression) => page.evaluate(expression), close: () => browser.close() };
}

async function openFirefox(): Promise<Page> {
  const browser = await puppeteer.launch({
    browser: "firefox",
    protocol: "webDriverBiDi",
    executablePath: need("firefox"),
    headless: true,
    env: { ...process.env, MOZ_DISABLE_CONTENT_SANDBOX: "1" },
    extraPrefsFirefox: {
      "media.navigator.streams.fake": true,
      "media.navigator.permission.disabled": true,
      "media.peerconnection.ice.tcp": true,
      "media.gmp-manager.updateEnabled": false,
      "network.captive-portal-service.enabled": false,
      "network.connectivity-service.enabled": false,
    },
  });
  const page = await browser.newPage();
  await page.goto(url);
  return { run: (expression) => page.evaluate(expression), close: () => browser.close() };
}
