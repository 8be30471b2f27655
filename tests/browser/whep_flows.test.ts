import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { startServer } from "../server_process.ts";
import { inbound, launchChromium, openPage, statsWhen } from "./chromium.ts";

let browser: Browser;
before(async () => {
  browser = await launchChromium();
});
after(() => browser.close());

const TCP = ["--rtc_server.protocol", "tcp"];

test("pages follow a 307 to another server, from its own origin and from a third one", async (t) => {
  const target = await startServer({ args: TCP });
  t.after(() => target.stop());
  const front = await startServer({ args: [...TCP, "--rtc_server.redirect", target.url] });
  t.after(() => front.stop());
  const third = await startServer({ args: TCP });
  t.after(() => third.stop());

  const publisher = await openPage(
    browser,
    `${front.url}/players/whip.html?stream=moved&autostart=true`,
  );
  t.after(() => publisher.context().close());
  const sent = await statsWhen(publisher, ({ outbound }) =>
    outbound.some(({ packets }) => packets > 0),
  );
  assert.equal(sent.remotePort, target.port);

  const player = await openPage(
    browser,
    `${third.url}/players/whep.html?stream=moved&api=${front.port}&autostart=true`,
  );
  t.after(() => player.context().close());
  const stats = await statsWhen(player, (one) => one.inbound.some((x) => x.framesDecoded > 10));
  assert.ok(inbound(stats, "video").framesDecoded > 10);
  assert.equal(stats.remotePort, target.port);

  for (const page of [publisher, player]) {
    const session = await page.evaluate(() => window.monoport?.session);
    assert.ok(session?.startsWith(target.url), `${session}`);
    await page.evaluate(() => window.monoport?.stop());
  }
  const sessions = async (): Promise<string> =>
    /^monoport_sessions (\d+)$/m.exec(await (await fetch(`${target.url}/metrics`)).text())?.[1] ??
    "";
  for (const until = Date.now() + 60_000; (await sessions()) !== "0" && Date.now() < until; )
    await new Promise((wake) => setTimeout(wake, 50));
  assert.equal(await sessions(), "0", "DELETE went to the server that has the session");
});

/** Plays `live/demo` by a counter-offer, as a client of the draft does; the answer's status. */
function playByCounterOffer(page: Page, url: string): Promise<readonly [number, number]> {
  return page.evaluate(async (endpoint) => {
    const made = await fetch(endpoint, {
      method: "POST",
      headers: { "content-type": "application/sdp" },
      body: "",
    });
    const pc = new RTCPeerConnection();
    const events = /<([^>]*)>; rel="[^"]*:server-sent-events"/.exec(made.headers.get("link") ?? "");
    const about = new URL(events?.[1] ?? "", endpoint).href;
    Object.assign(globalThis, { monoport: { pc }, about });
    await pc.setRemoteDescription({ type: "offer", sdp: await made.text() });
    await pc.setLocalDescription();
    const session = new URL(made.headers.get("location") ?? "", endpoint);
    // ICE has begun: the connection is there before the answer is.
    await new Promise((wake) => setTimeout(wake, 300));
    const patched = await fetch(session, {
      method: "PATCH",
      headers: { "content-type": "application/sdp" },
      body: pc.localDescription?.sdp ?? "",
    });
    const video = document.createElement("video");
    video.muted = true;
    video.srcObject = new MediaStream(pc.getReceivers().map(({ track }) => track));
    await video.play().catch(() => {});
    return [made.status, patched.status] as const;
  }, url);
}

test("Chromium answers a counter-offer by PATCH and plays; a page elsewhere may too", async (t) => {
  const server = await startServer({ args: TCP });
  t.after(() => server.stop());
  const other = await startServer({ args: TCP });
  t.after(() => other.stop());
  for (const place of [server, other]) {
    const page = await openPage(browser, `${place.url}/healthz`);
    t.after(() => page.context().close());
    const statuses = await playByCounterOffer(page, `${server.url}/rtc/v1/whep/?stream=demo`);
    assert.deepEqual(statuses, [406, 204]);
    const stats = await statsWhen(page, (one) => {
      const sound = one.inbound.some(({ kind, packets }) => kind === "audio" && packets > 0);
      return sound && one.inbound.some((x) => x.framesDecoded > 20);
    });
    assert.equal(inbound(stats, "video").codec, "video/H264");
    assert.equal(stats.remotePort, server.port);
    assert.equal(await firstEvent(page, "active"), "{}");
  }
});

/** The data of the first event of this type, as an EventSource of the page has it. */
function firstEvent(page: Page, type: string): Promise<string> {
  return page.evaluate(async (name) => {
    const { about } = globalThis as unknown as { about: string };
    const made = await fetch(about, { method: "POST" });
    const source = new EventSource(new URL(made.headers.get("location") ?? "", about));
    try {
      return await new Promise<string>((resolve, reject) => {
        source.addEventListener(name, ({ data }) => resolve(data));
        setTimeout(() => reject(new Error("no event within 60 s")), 60_000);
      });
    } finally {
      source.close();
    }
  }, type);
}
