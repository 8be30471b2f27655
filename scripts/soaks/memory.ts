/**
 * Uses a server as a busy day does, again and again, and watches its memory and descriptors
 * (Linux). Fails when they grow.
 *
 * @module
 */

import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Browser, Page } from "playwright-core";
import { launchChromium } from "../../tests/chromium.ts";
import type { Runtime } from "../../tests/runtimes.ts";
import { type ServerProcess, startServer } from "../../tests/server_process.ts";

interface Sample {
  readonly megabytes: number;
  readonly descriptors: number;
}

/** Memory may grow by this much of the middle of the first third, and by these MB at least. */
const growthMax = 0.2;
const growthMegabytes = 32;
/** Descriptors that may stay when all is closed. */
const descriptorsMax = 8;
const roundMillis = 10_000;
const viewers = 2;

/** Resolves to whether it held. */
export async function soakMemory(minutes: number, runtime: Runtime): Promise<boolean> {
  const server = await startServer({ runtime });
  const browser = await launchChromium();
  const before = sample(server);
  const samples: Sample[] = [];
  try {
    const end = Date.now() + minutes * 60_000;
    while (Date.now() < end) {
      await Promise.all([mediaRound(browser, server), connectionRound(server)]);
      const now = sample(server);
      samples.push(now);
      console.log(
        `${samples.length} ${now.megabytes.toFixed(0)} MB ${now.descriptors} descriptors`,
      );
    }
    // The grace of sessions, and the deadlines of connections.
    await sleep(20_000);
    return verdict(before, samples, sample(server));
  } finally {
    await browser.close();
    await server.stop();
  }
}

/** A publisher comes, viewers come, all of them leave. */
async function mediaRound(browser: Browser, server: ServerProcess): Promise<void> {
  const started = Date.now();
  const pages: Page[] = [];
  const open = async (path: string): Promise<void> => {
    const page = await browser.newPage();
    pages.push(page);
    await page.goto(`${server.url}/players/${path}&app=live&stream=soak&autostart=true`);
  };
  await open("whip.html?source=test");
  for (let i = 0; i < viewers; i++) await open("whep.html?");
  for (const page of pages) {
    await page.waitForSelector('[data-state="live"]', { timeout: 30_000 });
  }
  await sleep(Math.max(0, roundMillis - (Date.now() - started)));
  for (const page of pages) await page.close({ runBeforeUnload: false });
}

/** Requests that are answered, and connections that are idle, garbage, cut off or reset. */
async function connectionRound(server: ServerProcess): Promise<void> {
  const end = Date.now() + roundMillis;
  const beginnings = [
    "",
    "G",
    "GET / HT",
    "\u0000\u0014\u0000\u0001",
    "\u0003rtmp",
    "nonsense\r\n",
  ];
  while (Date.now() < end) {
    await Promise.all([
      ...["/api/v1/versions", "/", "/nowhere", "/api/v1/streams/"].map(async (path) => {
        await (await fetch(server.url + path)).arrayBuffer();
      }),
      ...beginnings.map((text, index) => beginning(server.port, text, index % 2 === 0)),
    ]);
    await sleep(100);
  }
}

function beginning(port: number, text: string, reset: boolean): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(text, "latin1"));
    socket.on("error", () => {});
    socket.on("close", () => resolve());
    socket.resume();
    setTimeout(() => (reset ? socket.resetAndDestroy() : socket.destroy()), 50);
  });
}

function sample(server: ServerProcess): Sample {
  const status = readFileSync(`/proc/${server.pid}/status`, "utf8");
  const kilobytes = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
  const descriptors = readdirSync(`/proc/${server.pid}/fd`).length;
  return { megabytes: kilobytes / 1024, descriptors };
}

function verdict(before: Sample, samples: readonly Sample[], after: Sample): boolean {
  const third = Math.max(1, Math.floor(samples.length / 3));
  const early = median(samples.slice(0, third));
  const late = median(samples.slice(-third));
  const grown = late - early;
  const left = after.descriptors - before.descriptors;
  console.log(
    `memory ${early.toFixed(0)} MB early, ${late.toFixed(0)} MB late; ${left} descriptors more than before`,
  );
  const leaks = grown > growthMegabytes && grown > early * growthMax;
  if (leaks) console.log(`memory has grown by ${grown.toFixed(0)} MB`);
  if (left > descriptorsMax) console.log("descriptors were left open");
  return !leaks && left <= descriptorsMax;
}

function median(samples: readonly Sample[]): number {
  const sorted = samples.map(({ megabytes }) => megabytes).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
