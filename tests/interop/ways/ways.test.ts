/**
 * Every way in by every way out, as docs/protocols.md has it: one publisher at a time, watched by all at once, with
 * Chromium, Firefox, ffmpeg and GStreamer at both ends.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import type { Browser as Firefox } from "puppeteer-core";
import { concat } from "../../../core/bytes/mod.ts";
import { TagType } from "../../../core/egress/flv/mod.ts";
import { launchFirefox } from "../../browser/firefox.ts";
import { launchChromium } from "../../chromium.ts";
import { tagsOf } from "../../flv_file.ts";
import { type ServerProcess, startServer } from "../../server_process.ts";
import { PUBLISHERS, type PublisherKind, type Publishing } from "./publishers.ts";
import { recordingSeen, startRecording } from "./recording.ts";
import { codecName, type Seen } from "./seen.ts";
import { type Cell, cellOf, cellsOf, NOTES, WAYS_IN, WAYS_OUT, type WayIn } from "./table.ts";
import { openPlayers, PAGE_FRAMES, type Pages, watchAll } from "./viewers.ts";

/** Of the tone's frequency: FFT bins are 23 Hz wide, and zero crossings of short beeps few. */
const HERTZ_OFF = 100;

describe("Ways in and out", () => {
  let server: ServerProcess;
  let ts: ServerProcess;
  let browser: Browser;
  let firefox: Firefox;
  let pages: Pages;
  const folder = mkdtempSync(join(tmpdir(), "monoport-ways-"));
  /** The next publisher gets ready while the one before is watched. */
  const ready = new Map<WayIn, Promise<Publishing>>();

  before(async () => {
    const path = `${folder}/[app]/[stream].[timestamp].mp4`;
    const args = ["--demo", "off", "--relay.allow", "127.0.0.1", "--http_api.https.enabled", "on"];
    [server, ts, browser, firefox] = await Promise.all([
      start([...args, "--vhost.dvr.dvr_path", path]),
      start([...args, "--vhost.hls.hls_ts", "on"]),
      launchChromium(),
      launchFirefox(),
    ]);
    pages = await openPlayers({ chromium: browser, firefox }, server);
  });
  after(async () => {
    for (const publishing of ready.values())
      await publishing.then((one) => one.stop()).catch(() => {});
    await Promise.all([browser?.close(), firefox?.close()]);
    await Promise.all([server?.stop(), ts?.stop()]);
    rmSync(folder, { recursive: true, force: true });
  });

  function prepare(way: WayIn | undefined): Promise<Publishing> | undefined {
    if (way === undefined) return undefined;
    let publishing = ready.get(way);
    if (publishing === undefined) {
      publishing = publish(way);
      publishing.catch(() => {});
      ready.set(way, publishing);
    }
    return publishing;
  }

  async function publish(way: WayIn): Promise<Publishing> {
    const stream = streamOf(way);
    const servers = [server, ts];
    const publishing = await PUBLISHERS[way.publisher].start({ servers, browser, firefox }, stream);
    await Promise.all(servers.map((to) => hasBegun(to, stream)));
    return publishing;
  }

  for (const [i, way] of WAYS_IN.entries()) {
    test(way.publisher, async (t) => {
      const publishing = await prepare(way);
      t.after(() => publishing?.stop());
      ready.delete(way);
      const next = WAYS_IN[i + 1];
      if (!isHeavy(way) && !isHeavy(next)) void prepare(next);
      const texts = cellsOf(way);
      const cells = texts.map(cellOf);
      const stream = streamOf(way);
      const recording = await startRecording(server, stream);
      const seen = await watchAll(pages, { server, ts }, stream, cells);
      const recorded = WAYS_OUT.findIndex(({ viewers }) => viewers.includes("Recording by ffmpeg"));
      const picture = cells[recorded]?.video !== undefined;
      seen.set("Recording by ffmpeg", await recordingSeen(server, stream, recording, picture));
      for (const [column, { viewers }] of WAYS_OUT.entries()) {
        const cell = cells[column];
        assert.ok(cell !== undefined, "a cell is missing");
        for (const viewer of viewers) {
          await t.test(`${viewer}: ${texts[column]}`, () => {
            const one = seen.get(viewer);
            assert.ok(one !== undefined);
            shows(one, cell, PUBLISHERS[way.publisher]);
          });
        }
      }
    });
  }
});

/** On all interfaces: over UDP, libnice gets nowhere but to the address of the one it sends by. */
async function start(args: readonly string[]): Promise<ServerProcess> {
  const server = await startServer({ host: "0.0.0.0", args });
  return { ...server, url: `http://127.0.0.1:${server.port}` };
}

/**
 * Resolves when HLS has enough to start with, which takes longest. The sound is there before: a busy machine may need
 * more than 2 s for its transcoder, and ffmpeg's HLS cannot follow a track that comes later.
 */
async function hasBegun({ url }: ServerProcess, stream: string): Promise<void> {
  for (let i = 0; i < 3; i++) {
    const flv = await fetch(`${url}/live/${stream}.flv`);
    const reader = flv.body?.getReader();
    const sounds = reader !== undefined && (await hasSound(reader));
    for (let j = 0; sounds && j < 20; j++) {
      const answer = await fetch(`${url}/live/${stream}.m3u8`);
      await answer.body?.cancel();
      if (answer.ok) break;
    }
    await reader?.cancel();
    if (sounds) return;
  }
  throw new Error(`${stream} did not begin`);
}

/** False when the body ends before. */
async function hasSound(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<boolean> {
  let bytes: Uint8Array = new Uint8Array(0);
  while (!tagsOf(bytes).some(({ type }) => type === TagType.Audio)) {
    const { value } = await reader.read();
    if (value === undefined) return false;
    bytes = concat([bytes, value]);
  }
  return true;
}

function isHeavy(way: WayIn | undefined): boolean {
  return way !== undefined && PUBLISHERS[way.publisher].heavy === true;
}

function streamOf(way: WayIn): string {
  return `way${WAYS_IN.indexOf(way)}`;
}

function shows(seen: Seen, cell: Cell, kind: PublisherKind): void {
  const told = JSON.stringify(seen);
  if (cell.video === undefined && cell.audio === undefined) {
    const says = NOTES[cell.note - 1]?.says;
    assert.ok(says !== undefined, "a note does not tell how it fails");
    assert.match(seen.complaints.join("\n"), says, told);
    assert.equal(seen.frames, 0, told);
    return;
  }
  assert.deepEqual(seen.complaints, []);
  assert.deepEqual([codecName(seen.video), codecName(seen.audio)], [cell.video, cell.audio], told);
  if (cell.video === undefined) assert.equal(seen.frames, 0, told);
  else assert.ok(seen.frames >= PAGE_FRAMES, told);
  assert.ok(seen.heard, told);
  if (kind.tone > 0 && seen.hertz > 0)
    assert.ok(Math.abs(seen.hertz - kind.tone) < HERTZ_OFF, `${seen.hertz} Hz`);
  if (kind.apart === undefined || seen.apart.length === 0) return;
  const usual = seen.apart.toSorted((a, b) => a - b)[seen.apart.length >> 1] ?? 0;
  assert.ok(Math.abs(usual) <= kind.apart, `picture behind sound by ${seen.apart.join(", ")} ms`);
}
