/** Chromium behind a wire that loses, delays and limits what UDP carries. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { freePort } from "../free_port.ts";
import { type ServerProcess, startServer } from "../server_process.ts";
import { BadNetwork, SERVER_ADDRESS } from "./bad_network.ts";
import { launchChromium, openPage, statsOf, statsWhen } from "./chromium.ts";

/** What a page's connection tells of loss and of its estimate. */
interface Call {
  readonly at: number;
  readonly framesDecoded: number;
  readonly freezeCount: number;
  readonly freezeSeconds: number;
  readonly packets: number;
  readonly lost: number;
  readonly nackCount: number;
  readonly pliCount: number;
  readonly repaired: number;
  readonly concealed: number;
  readonly samples: number;
  /** Of a publisher: bits per second. */
  readonly available: number;
  readonly target: number;
  readonly sent: number;
}

function callOf(page: Page): Promise<Call> {
  return page.evaluate(async () => {
    const { pc } = (globalThis as unknown as { monoport: { pc: RTCPeerConnection } }).monoport;
    const call = { at: performance.now(), framesDecoded: 0, freezeCount: 0, freezeSeconds: 0 };
    const more = { packets: 0, lost: 0, nackCount: 0, pliCount: 0, repaired: 0, concealed: 0 };
    const rest = { samples: 0, available: 0, target: 0, sent: 0 };
    // biome-ignore lint/suspicious/noExplicitAny: the standard's dictionaries, read by name
    (await pc.getStats()).forEach((one: any) => {
      if (one.type === "inbound-rtp" && one.kind === "video") {
        call.framesDecoded = one.framesDecoded ?? 0;
        call.freezeCount = one.freezeCount ?? 0;
        call.freezeSeconds = one.totalFreezesDuration ?? 0;
        more.packets = one.packetsReceived ?? 0;
        more.lost = one.packetsLost ?? 0;
        more.nackCount = one.nackCount ?? 0;
        more.pliCount = one.pliCount ?? 0;
        more.repaired = one.retransmittedPacketsReceived ?? 0;
      } else if (one.type === "inbound-rtp") {
        more.concealed = one.concealedSamples ?? 0;
        rest.samples = one.totalSamplesReceived ?? 0;
      } else if (one.type === "outbound-rtp" && one.kind === "video") {
        more.nackCount = one.nackCount ?? 0;
        more.pliCount = one.pliCount ?? 0;
        more.repaired = one.retransmittedPacketsSent ?? 0;
        more.packets = one.packetsSent ?? 0;
        rest.target = one.targetBitrate ?? 0;
        rest.sent = one.bytesSent ?? 0;
      } else if (one.type === "candidate-pair" && one.availableOutgoingBitrate !== undefined) {
        rest.available = one.availableOutgoingBitrate;
      }
    });
    return { ...call, ...more, ...rest };
  });
}

function since(before: Call, now: Call): Call & { readonly seconds: number } {
  const names = Object.keys(now) as (keyof Call)[];
  const change = Object.fromEntries(names.map((name) => [name, now[name] - before[name]]));
  const seconds = (now.at - before.at) / 1000;
  return { ...(change as unknown as Call), seconds };
}

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
    const origin = `http://${SERVER_ADDRESS}:${port}`;
    const trusted = [`--unsafely-treat-insecure-origin-as-secure=${origin}`];
    server = await startServer({
      host: "0.0.0.0",
      port,
      prefix: network.near,
      args: ["--demo", "off"],
    });
    near = await launchChromium({ executable: network.chromium(network.near) });
    far = await launchChromium({ executable: network.chromium(network.far), args: trusted });
  });
  after(async () => {
    await Promise.all([near?.close(), far?.close()]);
    await server?.stop();
    network.close();
  });

  test("a viewer goes on watching at 1, 5 and 10 % loss, 100 ms and reordering", async (t) => {
    const inside = `http://127.0.0.1:${port}`;
    const publisher = await openPage(near, `${inside}/players/whip.html`);
    t.after(() => publisher.context().close());
    await publish(publisher, `${inside}/rtc/v1/whip/?app=live&stream=a`, "noise");
    await network.set({ delayMillis: 50 });
    const site = `http://${SERVER_ADDRESS}:${port}/players`;
    const player = await openPage(far, `${site}/whep.html?autostart=true&stream=a`);
    t.after(() => player.context().close());
    const first = await statsWhen(player, (stats) =>
      stats.inbound.some((one) => one.framesDecoded > 20),
    );
    assert.equal(first.protocol, "udp");
    for (const loss of [1, 5, 10]) {
      await network.set({ delayMillis: 50, reordered: 1, loss });
      await wait(1000);
      const before = await callOf(player);
      const encoded = await encodedOf(publisher);
      await wait(5000);
      const got = since(before, await callOf(player));
      const share = got.framesDecoded / ((await encodedOf(publisher)) - encoded);
      t.diagnostic(
        `${loss} %: ${(got.framesDecoded / got.seconds).toFixed(1)} frames/s decoded ` +
          `(${(share * 100).toFixed(1)} % of those encoded), ${got.freezeCount} freezes of ` +
          `${got.freezeSeconds.toFixed(2)} s, lost ${got.lost} of ${got.packets}, ` +
          `NACK ${got.nackCount}, repaired ${got.repaired}, PLI ${got.pliCount}, audio concealed ` +
          `${((got.concealed / got.samples) * 100).toFixed(1)} %`,
      );
      t.diagnostic(
        (await publisher.evaluate(() => fetch("/metrics").then((one) => one.text())))
          .split("\n")
          .filter((line) => /^monoport_(dropped|sent|retrans|keyframe)/.test(line))
          .join(" "),
      );
    }
  });

  test("a publisher's estimate climbs to its target, and what is lost is asked for and comes", async (t) => {
    await network.set({ delayMillis: 50 });
    const site = `http://${SERVER_ADDRESS}:${port}`;
    const page = await openPage(far, `${site}/players/whip.html`);
    t.after(() => page.context().close());
    await publish(page, `${site}/rtc/v1/whip/?app=live&stream=b`, "noise");
    const first = await callOf(page);
    const climb: string[] = [];
    let reached = 0;
    for (let i = 0; i < 80; i++) {
      await wait(250);
      const now = await callOf(page);
      climb.push(`${Math.round(now.available / 1000)}/${Math.round(now.target / 1000)}`);
      if (now.target >= TARGET * 0.9) {
        reached = now.at - first.at;
        break;
      }
    }
    t.diagnostic(`estimate/target in kbit/s, by seconds: ${climb.join(" ")}`);
    await network.set({ delayMillis: 50, reordered: 1, loss: 5 });
    const before = await callOf(page);
    await wait(5000);
    const now = await callOf(page);
    const got = since(before, now);
    t.diagnostic(
      `5 %: sent ${got.packets}, ${Math.round((got.sent * 8) / got.seconds / 1000)} kbit/s NACK ${got.nackCount}, repaired ${got.repaired}, PLI ${got.pliCount}; estimate ${now.available} target ${now.target}`,
    );
  });
});

const TARGET = 2_500_000;

/** Publishes the fake camera, or a picture that takes as many bits as there are. */
async function publish(page: Page, url: string, source: "camera" | "noise"): Promise<void> {
  await page.evaluate(
    async ({ address, maxBitrate, noise }) => {
      const pc = new RTCPeerConnection();
      (globalThis as unknown as { monoport: unknown }).monoport = { pc };
      const video = { width: 1280, height: 720 };
      const stream = await navigator.mediaDevices.getUserMedia({ video, audio: true });
      const [audio] = stream.getAudioTracks();
      let [picture] = stream.getVideoTracks();
      if (noise) {
        const canvas = document.createElement("canvas");
        canvas.width = 640;
        canvas.height = 360;
        const context = canvas.getContext("2d");
        const draw = () => {
          for (let i = 0; context !== null && i < 400; i++) {
            context.fillStyle = `hsl(${Math.random() * 360} 50% ${Math.random() * 100}%)`;
            context.fillRect(Math.random() * 640, Math.random() * 360, 24, 24);
          }
        };
        setInterval(draw, 40);
        [picture] = canvas.captureStream(25).getVideoTracks();
      }
      for (const track of [audio, picture]) {
        if (track === undefined) continue;
        const sendEncodings = track.kind === "video" ? [{ maxBitrate }] : [];
        pc.addTransceiver(track, { direction: "sendonly", sendEncodings });
      }
      await pc.setLocalDescription();
      const headers = { "Content-Type": "application/sdp" };
      const body = pc.localDescription?.sdp ?? "";
      const answer = await fetch(address, { method: "POST", headers, body });
      await pc.setRemoteDescription({ type: "answer", sdp: await answer.text() });
      while (pc.connectionState !== "connected") await new Promise((wake) => setTimeout(wake, 20));
    },
    { address: url, maxBitrate: TARGET, noise: source === "noise" },
  );
}

async function encodedOf(page: Page): Promise<number> {
  const stats = await statsOf(page);
  return stats.outbound.find((one) => one.kind === "video")?.framesEncoded ?? 0;
}
