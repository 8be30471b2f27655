/**
 * The pages say in words what went wrong; the server is a stand-in that answers what a test wants.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import type { Browser, Page } from "playwright-core";
import { assets } from "../../server/assets.gen.ts";
import { launchChromium } from "../chromium.ts";

interface Given {
  readonly status: number;
  readonly body: string;
}

let server: Server;
let port = 0;
let browser: Browser;
/** What the stand-in answers to an offer. */
let given: Given = { status: 500, body: "" };
/** Requests to WHIP and WHEP addresses, as `METHOD path authorization`. */
const requests: string[] = [];

/** As server/routes/pages.ts sends it. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob: mediastream:; connect-src *";

function answer(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? "/", "http://host");
  if (url.pathname.startsWith("/rtc/")) {
    const { authorization = "" } = request.headers;
    requests.push(`${request.method} ${url.pathname}${url.search} ${authorization}`.trim());
    request.resume();
    response.writeHead(given.status, { "content-type": "text/plain" });
    response.end(given.body);
    return;
  }
  if (url.pathname.startsWith("/api/")) {
    response.end(JSON.stringify({ code: 0, streams: [], data: { version: "1.2.3" } }));
    return;
  }
  const asset =
    assets[url.pathname.replace(/\/$/, "/index.html").replace(/diagnose$/, "diagnose.html")];
  response.writeHead(asset === undefined ? 404 : 200, {
    "content-type": asset?.type ?? "text/plain",
    "content-security-policy": policy,
  });
  response.end(asset?.body);
}

before(async () => {
  server = createServer(answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
  browser = await launchChromium({
    args: ["--host-resolver-rules=MAP monoport.test 127.0.0.1"],
  });
});

after(async () => {
  await browser?.close();
  server.closeAllConnections();
  server.close();
});

async function open(path: string, host = "127.0.0.1"): Promise<Page> {
  const page = await browser.newPage();
  page.on("pageerror", (error) => assert.fail(`an error escaped on the page: ${error.stack}`));
  await page.goto(`http://${host}:${port}${path}`);
  return page;
}

async function words(page: Page, state: string): Promise<string> {
  // Both at once, as it may try again soon.
  const said = await page.waitForFunction(
    (wanted) => {
      const there = document.querySelector(`[data-state="${wanted}"]`) !== null;
      return there && { text: document.querySelector("#message")?.textContent ?? "" };
    },
    state,
    { timeout: 60_000 },
  );
  return ((await said.jsonValue()) as { text: string }).text;
}

describe("the player", () => {
  it("shows what a 406 says about both sides", async () => {
    given = { status: 406, body: "The stream is H265; the offer has VP8.\n" };
    const page = await open("/players/whep.html?autostart=true&app=a&stream=b&x=y");
    assert.match(await words(page, "failed"), /refused \(406\): The stream is H265; the offer/);
    assert.equal(requests.at(-1), "POST /rtc/v1/whep/?app=a&stream=b&x=y");
    await page.close();
  });

  it("sends the token as a Bearer token and asks for one when it is refused", async () => {
    given = { status: 401, body: "Wrong token" };
    const page = await open("/players/whep.html?autostart=true&token=abc");
    assert.match(await words(page, "failed"), /401.*Wrong token.*token=/);
    assert.equal(requests.at(-1), "POST /rtc/v1/whep/?app=live&stream=livestream Bearer abc");
    await page.close();
  });

  it("says that the server cannot be reached, and tries again", async () => {
    const page = await open("/players/whep.html?autostart=true&api=9");
    assert.match(await words(page, "failed"), /127\.0\.0\.1:9 cannot be reached.*Trying again/);
    await page.waitForEvent("requestfailed", { timeout: 60_000 });
    await page.close();
  });

  it("refuses a codec this browser does not have, and names those it has", async () => {
    const page = await open("/players/whep.html?autostart=true&codec=mpeg2");
    assert.match(await words(page, "failed"), /cannot play mpeg2; it plays .*VP8/);
    await page.close();
  });
});

describe("the publisher", () => {
  it("tells a busy stream", async () => {
    given = { status: 409, body: "live/livestream is busy" };
    const page = await open("/players/whip.html?autostart=true");
    assert.match(await words(page, "failed"), /409.*busy.*another name/);
    await page.close();
  });

  it("sends the test picture where there is no camera for it, H.264 first", async () => {
    given = { status: 422, body: "m=video: no codec" };
    const page = await open("/players/whip.html?source=test");
    const offer = page.waitForRequest((request) => request.method() === "POST");
    await page.click("#start");
    const sdp = (await offer).postData() ?? "";
    assert.match(sdp, /^m=audio /m);
    const first = /^m=video \d+ \S+ (\d+)/m.exec(sdp)?.[1];
    assert.match(sdp, new RegExp(`^a=rtpmap:${first} H264/90000`, "m"));
    assert.match(sdp, new RegExp(`^a=fmtp:${first} .*packetization-mode=1`, "m"));
    assert.match(await words(page, "failed"), /422.*m=video: no codec/);
    await page.close();
  });

  it("says what to do where the browser gives no camera: plain HTTP from elsewhere", async () => {
    const page = await open("/players/whip.html?autostart=true", "monoport.test");
    const text = await words(page, "failed");
    assert.match(text, /HTTPS or from localhost/);
    assert.match(text, new RegExp(`http://localhost:${port}/players/whip.html`));
    await page.close();
  });

  it("says that the camera was refused", async () => {
    const strict = await launchChromium({ grantDevices: false });
    try {
      const page = await strict.newPage();
      await page.goto(`http://127.0.0.1:${port}/players/whip.html?autostart=true`);
      assert.match(await words(page, "failed"), /not allowed to use the camera/);
    } finally {
      await strict.close();
    }
  });
});

describe("the pages for webrtc:// URLs", () => {
  it("ask the server that the URL names, and their own address follows it", async () => {
    given = { status: 406, body: "no" };
    const page = await open("/players/rtc_player.html?stream=one");
    const field = page.locator("#webrtc-url");
    assert.equal(await field.inputValue(), `webrtc://127.0.0.1:${port}/live/one`);
    await field.fill(`webrtc://localhost:${port}/other/two`);
    await field.press("Enter");
    const offer = page.waitForRequest((request) => request.method() === "POST");
    await page.click("#start");
    const asked = `http://localhost:${port}/rtc/v1/whep/?app=other&stream=two`;
    assert.equal((await offer).url(), asked);
    await words(page, "failed");
    await page.reload();
    assert.equal(await field.inputValue(), `webrtc://localhost:${port}/other/two`);
    await field.fill("http://localhost/a/b");
    await field.press("Enter");
    assert.equal(await field.evaluate((one: HTMLInputElement) => one.validity.valid), false);
    assert.equal(await page.textContent("#whep-url"), asked);
    await page.close();
  });
});

describe("the index", () => {
  it("has addresses to copy that follow the names", async () => {
    const page = await open("/");
    await page.fill("#stream", "mine");
    await page.press("#stream", "Tab");
    const whip = await page.textContent("#whip-url");
    assert.equal(whip, `http://127.0.0.1:${port}/rtc/v1/whip/?app=live&stream=mine`);
    await page.waitForFunction(() => document.querySelector("#version")?.textContent === "1.2.3");
    await page.fill("#stream", ".hidden");
    await page.press("#stream", "Tab");
    assert.equal(await page.textContent("#whip-url"), whip, "a wrong name is not taken");
    await page.close();
  });

  it("fits a phone: nothing is wider than the screen", async () => {
    for (const path of Object.keys(assets).filter((name) => name.endsWith(".html"))) {
      const page = await open(path);
      await page.setViewportSize({ width: 360, height: 740 });
      // The one that begins by itself: its list of ways that did not carry has long addresses.
      if (path.endsWith("/watch.html")) await words(page, "failed");
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.equal(width, 360, path);
      await page.close();
    }
  });
});
