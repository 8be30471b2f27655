import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { loadRuntime } from "../../../runtime/mod.ts";
import {
  type CompleteSegment,
  MAX_QUEUED_BYTES,
  StreamFiles,
  type StreamFilesOptions,
} from "../../../server/hls/mod.ts";
import { serverMetrics } from "../../../server/metrics.ts";
import { brokenBetween, brokenRules, readPlaylist } from "../../core/egress/hls/playlist_rules.ts";
import { nameOf } from "./feed.ts";
import { PATH, served } from "./fixture.ts";

interface Folder {
  readonly root: string;
  readonly files: StreamFiles;
  readonly metrics: ReturnType<typeof serverMetrics>;
  readonly told: string[];
  readonly playlist: () => string;
  readonly names: () => string[];
}

const EPOCH = 1_767_225_600_000;

async function folder(
  t: TestContext,
  more: Partial<StreamFilesOptions> = {},
  root = mkdtempSync(join(tmpdir(), "monoport-hls-")),
): Promise<Folder> {
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const { files } = await loadRuntime();
  const metrics = serverMetrics();
  const told: string[] = [];
  const one = new StreamFiles(nameOf("live/one"), 3, {
    files,
    log: { limited: (level, message) => void told.push(`${level} ${message}`) },
    metrics,
    root,
    playlist: "[app]/[stream].m3u8",
    segment: "[app]/[stream]-[seq].ts",
    extension: "m4s",
    cleanup: true,
    windowMillis: 30_000,
    wallClock: () => EPOCH,
    ...more,
  });
  const path = join(root, "live/one.m3u8");
  return {
    root,
    files: one,
    metrics,
    told,
    playlist: () => readFileSync(path, "utf8"),
    names: () => readdirSync(join(root, "live")).sort(),
  };
}

/** Segments of 2 s, of so many bytes. */
function segment(index: number, more: { map?: number; bytes?: number } = {}): CompleteSegment {
  const { map = 0, bytes = 10 } = more;
  const entry = {
    number: index,
    map,
    discontinuity: false,
    date: EPOCH + index * 2000,
    parts: [],
    duration: 2000,
    complete: true,
  };
  const init = Uint8Array.of(map);
  return { entry, bytes: new Uint8Array(bytes).fill(index), init, name: `${index}.m4s` };
}

describe("HLS in files", () => {
  test("segments are there before the playlist names them; the playlist is good for any server", async (t) => {
    const written: string[] = [];
    const runtime = await loadRuntime();
    const files = {
      ...runtime.files,
      write: async (path: string, bytes: Uint8Array) => {
        written.push(path.slice(path.lastIndexOf("/") + 1));
        await runtime.files.write(path, bytes);
      },
    };
    const seen: unknown[] = [];
    const one = await folder(t, { files, onWritten: (_, about) => seen.push(about) });
    for (let i = 0; i < 3; i++) one.files.put(segment(i));
    await one.files.idle();
    const seq = EPOCH / 1000;
    assert.deepEqual(written, [
      `one-init${seq}.mp4`,
      ...[0, 1, 2].flatMap((i) => [`one-${seq + i}.m4s`, "one.m3u8"]),
    ]);
    assert.equal(
      one.playlist(),
      `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:3
#EXT-X-MEDIA-SEQUENCE:${seq}
#EXT-X-MAP:URI="one-init${seq}.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z
#EXTINF:2.000,
one-${seq}.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:02.000Z
#EXTINF:2.000,
one-${seq + 1}.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:04.000Z
#EXTINF:2.000,
one-${seq + 2}.m4s
`,
    );
    assert.deepEqual(readFileSync(join(one.root, "live", `one-${seq + 1}.m4s`))[0], 1);
    const about = { file: `live/one-${seq}.m4s`, playlist: "live/one.m3u8", seq };
    assert.deepEqual(seen[0], about);
    assert.equal(one.metrics.value("monoport_hls_files_segments_total"), 3);
    assert.equal(one.names().length, 5, "no temporary file is left");
  });

  test("what has left the playlist is removed, with the init segments of it", async (t) => {
    const one = await folder(t);
    let before = "";
    for (let i = 0; i < 60; i++) {
      one.files.put(segment(i, { map: i < 20 ? 0 : 1 }));
      await one.files.idle();
      const now = one.playlist();
      assert.deepEqual(brokenRules(now), [], now);
      if (before !== "") assert.deepEqual(brokenBetween(before, now), []);
      before = now;
    }
    const list = readPlaylist(one.playlist());
    assert.equal(list.discontinuities, 1);
    assert.equal(list.segments.length, 15);
    // The window, three targets more, an init segment and the playlist.
    assert.ok(one.names().length <= 15 + 6 + 2, one.names().join(" "));
    assert.equal(one.names().filter((name) => name.includes("init")).length, 1);
  });

  test("with hls_cleanup off everything stays", async (t) => {
    const one = await folder(t, { cleanup: false });
    for (let i = 0; i < 40; i++) one.files.put(segment(i));
    await one.files.idle();
    assert.equal(one.names().length, 42);
  });

  test("transport streams have no init segment; names as the templates say", async (t) => {
    const one = await folder(t, {
      extension: "ts",
      segment: "[vhost]/[app]/[stream]/[timestamp]-[duration]-[seq].ts",
    });
    one.files.put({ ...segment(0), init: undefined });
    one.files.end();
    await one.files.idle();
    const list = readPlaylist(one.playlist());
    assert.ok(list.ended);
    assert.equal(list.version, 3);
    const uri = `../__defaultVhost__/live/one/${EPOCH}-2000-${EPOCH / 1000}.ts`;
    assert.equal(list.segments[0]?.uri, uri);
    assert.ok(readFileSync(join(one.root, "live", uri)).length > 0);
  });

  test("an end is followed by a discontinuity when somebody publishes again", async (t) => {
    const one = await folder(t);
    one.files.put(segment(0));
    one.files.end();
    await one.files.idle();
    assert.ok(readPlaylist(one.playlist()).ended);
    one.files.put(segment(9, { map: 1 }));
    await one.files.idle();
    const list = readPlaylist(one.playlist());
    assert.ok(!list.ended && list.segments[1]?.discontinuity);
  });

  test("a disk that is too slow loses segments, not memory; the gap is a discontinuity", async (t) => {
    const runtime = await loadRuntime();
    let release = (): void => {};
    const slow = new Promise<void>((resolve) => {
      release = resolve;
    });
    const files = {
      ...runtime.files,
      write: async (path: string, bytes: Uint8Array) => {
        await slow;
        await runtime.files.write(path, bytes);
      },
    };
    const one = await folder(t, { files });
    const bytes = MAX_QUEUED_BYTES / 4;
    for (let i = 0; i < 6; i++) one.files.put(segment(i, { bytes }));
    assert.equal(one.metrics.value("monoport_hls_files_dropped_total"), 2);
    assert.match(one.told.join(), /^warn .*too slow/);
    release();
    await one.files.idle();
    one.files.put(segment(6));
    await one.files.idle();
    const { segments } = readPlaylist(one.playlist());
    assert.deepEqual(
      segments.map(({ discontinuity, date }) => [discontinuity, (date - EPOCH) / 2000]),
      [0, 1, 2, 3, 6].map((index) => [index === 6, index]),
    );
  });

  test("a segment larger than the bound is written while nothing else waits", async (t) => {
    const one = await folder(t);
    one.files.put(segment(0, { bytes: MAX_QUEUED_BYTES + 1 }));
    await one.files.idle();
    assert.equal(readPlaylist(one.playlist()).segments.length, 1);
  });

  test("a full disk ends the files, is told once, and harms nothing else", async (t) => {
    const runtime = await loadRuntime();
    let room = 4;
    const files = {
      ...runtime.files,
      write: async (path: string, bytes: Uint8Array) => {
        if (room-- <= 0) throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
        await runtime.files.write(path, bytes);
      },
    };
    const one = await folder(t, { files });
    for (let i = 0; i < 4; i++) one.files.put(segment(i));
    await one.files.idle();
    assert.ok(one.files.stopped);
    assert.equal(one.metrics.value("monoport_hls_files_failed_total", "ENOSPC"), 1);
    assert.equal(one.told.length, 1);
    assert.deepEqual(brokenRules(one.playlist()), []);
    one.files.put(segment(4));
    one.files.end();
    await one.files.remove();
    assert.equal(one.told.length, 1);
  });

  test("what a server that was killed has left is removed with its playlist", async (t) => {
    const old = await folder(t);
    old.files.put(segment(0));
    await old.files.idle();
    const path = join(old.root, "live/one.m3u8");
    writeFileSync(join(old.root, "live", "kept.ts"), "");
    writeFileSync(path, `${old.playlist()}../../escape.ts\n/etc/passwd\n.hidden.ts\ngone.ts\n`);
    const next = await folder(t, { wallClock: () => EPOCH + 60_000 }, old.root);
    next.files.put(segment(0));
    await next.files.idle();
    const seq = EPOCH / 1000 + 60;
    assert.deepEqual(next.names(), ["kept.ts", `one-${seq}.m4s`, `one-init${seq}.mp4`, "one.m3u8"]);
  });

  test("all that was written can be taken away", async (t) => {
    const one = await folder(t);
    for (let i = 0; i < 3; i++) one.files.put(segment(i));
    await one.files.remove();
    assert.deepEqual(one.names(), []);
  });

  test("memory goes on when the disk is full; who publishes anew gets files anew", async (t) => {
    const runtime = await loadRuntime();
    let full = true;
    const files = {
      ...runtime.files,
      write: async (path: string, bytes: Uint8Array) => {
        if (full) throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
        await runtime.files.write(path, bytes);
      },
    };
    const made: Folder[] = [];
    const ready = await Promise.all([folder(t, { files }), folder(t, { files })]);
    const { feed, hls, get } = await served(t, {
      files: () => {
        const one = ready[made.length] as Folder;
        made.push(one);
        return one.files;
      },
    });
    assert.ok(hls.write(nameOf("live/one")));
    feed.formats();
    feed.play(5000);
    await made[0]?.files.idle();
    assert.ok(made[0]?.files.stopped);
    feed.play(4000);
    assert.equal(readPlaylist(await (await get(PATH)).text()).segments.length, 4);
    full = false;
    feed.end();
    assert.ok(hls.write(nameOf("live/one")));
    feed.formats();
    feed.play(6000);
    await made[1]?.files.idle();
    assert.equal(readPlaylist(made[1]?.playlist() ?? "").segments.length, 2);
  });

  test("there is no more than limits.hls_streams of them", async (t) => {
    const { hls } = await served(t, { maxStreams: 1 });
    assert.ok(hls.write(nameOf("live/one")));
    assert.ok(!hls.write(nameOf("live/two")));
  });

  test("they have an end when the publisher has left, and are gone after hls_dispose", async (t) => {
    const begun = (await loadRuntime()).now();
    let later = 0;
    const one = await folder(t);
    const { feed, hls } = await served(t, {
      files: () => one.files,
      disposeMillis: 20_000,
      now: () => begun + later,
    });
    hls.write(nameOf("live/one"));
    feed.formats();
    feed.play(5000);
    feed.end();
    later = 11_000;
    await until(() => one.files.ended);
    await one.files.idle();
    assert.ok(readPlaylist(one.playlist()).ended);
    later = 40_000;
    await until(() => hls.streams === 0);
    await until(() => one.names().length === 0);
  });
});

async function until(test: () => boolean): Promise<void> {
  for (let i = 0; i < 1500 && !test(); i++) await new Promise((wake) => setTimeout(wake, 20));
  assert.ok(test());
}
