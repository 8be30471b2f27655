/** Chromium behind a wire that loses, delays, reorders and limits what UDP carries. */
import assert from "node:assert/strict";
import { after, before, describe, type TestContext, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { freePort } from "../free_port.ts";
import { type ServerProcess, startServer } from "../server_process.ts";
import { BadNetwork, SERVER_ADDRESS } from "./bad_network.ts";
import { launchChromium, openPage, statsWhen } from "./chromium.ts";
import { type Figures, figuresOf, publish, since } from "./lossy_call.ts";

/** What the publishers may send, in bits per second. */
const TARGET = 2_500_000;
const wait = (millis: number): Promise<void> => new Promise((wake) => setTimeout(wake, millis));

describe("Chromium behind a bad network, over UDP", () => {
  const network = new BadNetwork();
  let server: ServerProcess;
  let near: Browser;
  let far: Browser;
  let port: number;

  before(async () => {
    await network.open();
    port = await freePort();
    // A camera wants a secure context.
    const trusted = `--unsafely-treat-insecure-origin-as-secure=http://${SERVER_ADDRESS}:${port}`;
    server = await startServer({
      host: "0.0.0.0",
      port,
      prefix: network.near,
      args: ["--demo", "off"],
    });
    [near, far] = await Promise.all([
      launchChromium({ executable: network.chromium(network.near) }),
      launchChromium({ executable: network.chromium(network.far), args: [trusted] }),
    ]);
  });
  after(async () => {
    await Promise.all([near?.close(), far?.close()]);
    await server?.stop();
    network.close();
  });

  test("a viewer goes on watching at 1, 5 and 10 % loss, and on a narrow path by groups of pictures", async (t) => {
    const inside = `http://127.0.0.1:${port}`;
    const publisher = await openPage(near, `${inside}/players/whip.html`);
    t.after(() => publisher.context().close());
    await publish(publisher, `${inside}/rtc/v1/whip/?stream=a`, "noise", TARGET);
    await network.set({ delayMillis: 50 });
    const site = `http://${SERVER_ADDRESS}:${port}/players`;
    const player = await openPage(far, `${site}/whep.html?autostart=true&stream=a`);
    t.after(() => player.context().close());
    const first = await statsWhen(player, (stats) =>
      stats.inbound.some((one) => one.framesDecoded > 20),
    );
    assert.equal(first.protocol, "udp");

    let lost = 0;
    for (const loss of [1, 5, 10]) {
      lost += (await network.set({ delayMillis: 50, reordered: 1, loss })).lost;
      const got = await watch(t, `${loss} %`, publisher, player, 4000);
      // A frame in two would be a bad picture, but the machine may have other things to do.
      assert.ok(got.framesDecoded >= got.framesEncoded * 0.5, `${loss} %: ${JSON.stringify(got)}`);
      assert.ok(got.freezeSeconds < 2, `${loss} %: ${JSON.stringify(got)}`);
      if (loss > 1) assert.ok(got.nacks > 0 && got.repaired > 0, JSON.stringify(got));
    }

    const dropped = await droppedFrames();
    lost += (await network.set({ delayMillis: 50, kbit: 700 })).lost;
    assert.ok(lost > 30, `the wire lost ${lost}`);
    const narrow = await watch(t, "700 kbit/s", publisher, player, 5000);
    assert.ok((await droppedFrames()) - dropped > 10, "frames were dropped for him");
    assert.ok(narrow.framesDecoded > 0);
    assert.ok(narrow.concealed < narrow.samples * 0.35, "and he goes on hearing");
    await network.set({ delayMillis: 50 });
    // What the path takes now is found by trying more, again and again.
    const widened = performance.now();
    let wide = await watch(t, "again without a limit", publisher, player, 3000);
    while (wide.framesDecoded < wide.framesEncoded * 0.5) {
      assert.ok(performance.now() - widened < 40_000, JSON.stringify(wide));
      wide = await watch(t, "again without a limit", publisher, player, 3000);
    }

    async function droppedFrames(): Promise<number> {
      const metrics = await publisher.evaluate(() => fetch("/metrics").then((one) => one.text()));
      return Number(/^monoport_dropped_frames_total (\d+)$/m.exec(metrics)?.[1]);
    }
  });

  test("a publisher's estimate climbs to its target, what is lost comes again, and a bottleneck is felt", async (t) => {
    await network.set({ delayMillis: 50 });
    const site = `http://${SERVER_ADDRESS}:${port}`;
    const page = await openPage(far, `${site}/players/whip.html`);
    t.after(() => page.context().close());
    await publish(page, `${site}/rtc/v1/whip/?stream=b`, "camera", TARGET);
    const first = await figuresOf(page);
    t.diagnostic(`it begins with an estimate of ${kilo(first.available)} kbit/s`);
    const climb: string[] = [];
    let now = first;
    while (now.target < TARGET * 0.95 && now.at - first.at < 60_000) {
      await wait(200);
      now = await figuresOf(page);
      climb.push(`${kilo(now.available)}/${kilo(now.target)}`);
    }
    t.diagnostic(`estimate/target in kbit/s every 0.2 s: ${climb.join(" ")}`);
    assert.ok(now.target >= TARGET * 0.95, `${now.target}`);

    await network.set({ delayMillis: 50, reordered: 1, loss: 5 });
    const before = await figuresOf(page);
    await wait(4000);
    let lossy = await figuresOf(page);
    let got = since(before, lossy);
    // A camera sends few packets, of which by chance none is lost.
    for (let i = 0; i < 100 && (got.nacks === 0 || got.repaired === 0); i++) {
      await wait(200);
      lossy = await figuresOf(page);
      got = since(before, lossy);
    }
    t.diagnostic(
      `5 %: ${got.packets} packets, NACK ${got.nacks}, sent again ${got.repaired}, ` +
        `PLI ${got.plis}; estimate ${kilo(lossy.available)}/${kilo(lossy.target)}`,
    );
    assert.ok(got.nacks > 0 && got.repaired > 0);
    assert.ok(got.repaired < got.packets * 0.2, "no storm of requests");
    assert.ok(lossy.target > TARGET * 0.5);

    await network.set({ delayMillis: 50, kbit: 200 });
    let low = lossy.available;
    for (let i = 0; i < 150 && low > 300_000; i++) {
      await wait(200);
      low = Math.min(low, (await figuresOf(page)).available);
    }
    t.diagnostic(`200 kbit/s: estimate ${kilo(low)} kbit/s`);
    assert.ok(low <= 300_000, `${low}`);
  });
});

const kilo = (bits: number): number => Math.round(bits / 1000);

/** What the player got within `millis`, and what the publisher encoded meanwhile. */
async function watch(
  t: TestContext,
  what: string,
  publisher: Page,
  player: Page,
  millis: number,
): Promise<Figures> {
  await wait(500);
  const before = await Promise.all([figuresOf(player), figuresOf(publisher)]);
  await wait(millis);
  const now = await Promise.all([figuresOf(player), figuresOf(publisher)]);
  const sent = since(before[1], now[1]);
  const got = { ...since(before[0], now[0]), framesEncoded: sent.framesEncoded };
  t.diagnostic(
    `${what}: decoded ${got.framesDecoded} of ${got.framesEncoded} frames in ` +
      `${(got.at / 1000).toFixed(1)} s (${kilo((sent.bytes * 8000) / sent.at)} kbit/s), ` +
      `${got.freezes} freezes of ${got.freezeSeconds.toFixed(2)} s, lost ${got.lost} of ` +
      `${got.packets + got.lost}, NACK ${got.nacks}, repaired ${got.repaired}, PLI ${got.plis}, ` +
      `audio concealed ${((got.concealed / got.samples) * 100).toFixed(1)} %`,
  );
  return got;
}
