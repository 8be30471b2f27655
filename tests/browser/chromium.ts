/**
 * Headless Chromium with a fake camera and microphone, and what its WebRTC statistics say.
 *
 * @module
 */
import { type Browser, chromium, type Page } from "playwright-core";
import type {} from "../../web/lib/view.ts";
import { need } from "../tools.ts";
import type { RtcStat } from "./rtc_stat.ts";

export interface ChromiumOptions {
  readonly args?: readonly string[];
  /** Program to run instead of Chromium itself, for a wrapper. */
  readonly executable?: string;
  /** A proxy that asks for a password. */
  readonly proxy?: {
    readonly server: string;
    readonly username: string;
    readonly password: string;
  };
}

/** The caller closes it. */
export function launchChromium(options: ChromiumOptions = {}): Promise<Browser> {
  return chromium.launch({
    executablePath: options.executable ?? need("chromium"),
    ...(options.proxy ? { proxy: options.proxy } : {}),
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream",
      "--autoplay-policy=no-user-gesture-required",
      "--allow-loopback-in-peer-connection",
      ...(options.args ?? []),
    ],
  });
}

/** Opens one of Monoport's pages in a context of its own, as another person would. */
export async function openPage(browser: Browser, url: string): Promise<Page> {
  const context = await browser.newContext({ permissions: ["camera", "microphone"] });
  const page = await context.newPage();
  listenTo(page);
  await page.goto(url);
  return page;
}

/** The last errors of each page, as its console has them. */
const errors = new WeakMap<Page, string[]>();
const MOST_ERRORS = 10;

function listenTo(page: Page): void {
  const kept: string[] = [];
  errors.set(page, kept);
  const keep = (text: string): void => {
    kept.push(text);
    if (kept.length > MOST_ERRORS) kept.shift();
  };
  page.on("console", (line) => {
    if (line.type() === "error" || line.type() === "warning") keep(line.text());
  });
  page.on("pageerror", (error) => keep(`${error.stack ?? error}`));
}

/** What a page shows and what its console holds, for the words of a failure. */
export async function situation(page: Page): Promise<string> {
  const said = await page
    .evaluate(() => {
      const { state, message } = window.monoport ?? {};
      return `${state}: ${message ?? document.body.textContent.slice(0, 500)}`;
    })
    .catch((error: unknown) => `cannot be asked: ${error}`);
  return [`${page.url()} is ${said}`, ...(errors.get(page) ?? [])].join("\n");
}

/** What `getStats` of a page's connection tells. */
export interface Stats {
  readonly state: string;
  /** `tcp` or `udp` of the local candidate in use. */
  readonly protocol: string;
  readonly remotePort: number;
  readonly inbound: readonly Inbound[];
  readonly outbound: readonly Outbound[];
}

export interface Inbound {
  readonly kind: string;
  readonly codec: string;
  readonly packets: number;
  readonly lost: number;
  readonly framesDecoded: number;
  readonly keyFramesDecoded: number;
  readonly frameWidth: number;
  readonly samples: number;
  readonly concealedSamples: number;
  readonly freezes: number;
}

export interface Outbound {
  readonly kind: string;
  readonly codec: string;
  readonly packets: number;
  readonly framesEncoded: number;
}

/** Statistics of `window.monoport.pc`. */
export function statsOf(page: Page): Promise<Stats> {
  return page.evaluate(async () => {
    const { pc } = (globalThis as unknown as { monoport: { pc: RTCPeerConnection } }).monoport;
    const report = await pc.getStats();
    const all: RtcStat[] = [];
    report.forEach((one: RtcStat) => void all.push(one));
    const byId = (id: string | undefined) => all.find((one) => one.id === id);
    const transport = all.find((one) => one.type === "transport");
    const pair = byId(transport?.selectedCandidatePairId);
    return {
      state: pc.connectionState,
      protocol: byId(pair?.localCandidateId)?.protocol ?? "",
      remotePort: byId(pair?.remoteCandidateId)?.port ?? 0,
      inbound: all
        .filter((one) => one.type === "inbound-rtp")
        .map((one) => ({
          kind: one.kind ?? "",
          codec: byId(one.codecId)?.mimeType ?? "",
          packets: one.packetsReceived ?? 0,
          lost: one.packetsLost ?? 0,
          framesDecoded: one.framesDecoded ?? 0,
          keyFramesDecoded: one.keyFramesDecoded ?? 0,
          frameWidth: one.frameWidth ?? 0,
          samples: one.totalSamplesReceived ?? 0,
          concealedSamples: one.concealedSamples ?? 0,
          freezes: one.freezeCount ?? 0,
        })),
      outbound: all
        .filter((one) => one.type === "outbound-rtp")
        .map((one) => ({
          kind: one.kind ?? "",
          codec: byId(one.codecId)?.mimeType ?? "",
          packets: one.packetsSent ?? 0,
          framesEncoded: one.framesEncoded ?? 0,
        })),
    };
  });
}

/** Asks for statistics until `enough` says so, for `millis` at most. */
export async function statsWhen(
  page: Page,
  enough: (stats: Stats) => boolean,
  millis = 60_000,
): Promise<Stats> {
  const until = Date.now() + millis;
  for (;;) {
    const ready = await page.evaluate(() => {
      const { monoport } = globalThis as unknown as { monoport?: { pc?: unknown } };
      return monoport?.pc !== undefined && monoport.pc !== null;
    });
    const stats = ready ? await statsOf(page) : undefined;
    if (stats !== undefined && enough(stats)) return stats;
    if (Date.now() > until) {
      const now = stats === undefined ? "no connection" : JSON.stringify(stats);
      throw new Error(`Not within ${millis} ms: ${enough}\n${now}\n${await situation(page)}`);
    }
    await new Promise((wake) => setTimeout(wake, 250));
  }
}

export function inbound(stats: Stats, kind: string): Inbound {
  const found = stats.inbound.find((one) => one.kind === kind);
  if (found === undefined)
    throw new Error(`nothing of kind ${kind} comes in: ${JSON.stringify(stats)}`);
  return found;
}

/** The loudest sample, 0 to 1, of what the page's connection receives within `millis`, or the first above `enough`. */
export function loudness(page: Page, millis: number, enough = 1): Promise<number> {
  return page.evaluate(
    async ([time, enough]) => {
      const { pc } = (globalThis as unknown as { monoport: { pc: RTCPeerConnection } }).monoport;
      const track = pc.getReceivers().find((one) => one.track.kind === "audio")?.track;
      if (track === undefined) return 0;
      const context = new AudioContext();
      const analyser = context.createAnalyser();
      context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
      const samples = new Float32Array(analyser.fftSize);
      let loudest = 0;
      for (
        const until = performance.now() + time;
        performance.now() < until && loudest < enough;
      ) {
        analyser.getFloatTimeDomainData(samples);
        for (const sample of samples) loudest = Math.max(loudest, Math.abs(sample));
        await new Promise((wake) => setTimeout(wake, 20));
      }
      await context.close();
      return loudest;
    },
    [millis, enough] as const,
  );
}
