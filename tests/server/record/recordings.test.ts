import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Files, OpenFile } from "../../../core/base/mod.ts";
import { FlvIndex } from "../../../core/egress/flv/mod.ts";
import type { Stream } from "../../../core/stream/mod.ts";
import { loadRuntime } from "../../../runtime/mod.ts";
import { scanMp4 } from "../../../server/record/finish_mp4.ts";
import { LOOK_AGAIN_MILLIS } from "../../../server/record/left_over.ts";
import { QUEUE_MAX_BYTES } from "../../../server/record/recording.ts";
import { MAX_PAST, NOBODY_MILLIS } from "../../../server/record/recordings.ts";
import { H264, OPUS } from "../../core/egress/hls/stage.ts";
import { nameOf } from "../hls/feed.ts";
import { stage, until } from "./stage.ts";

const ONE = nameOf("live/one");
const AAC = { ...OPUS, codec: "aac", configuration: Uint8Array.of(0x11, 0x90) } as const;

function published(key: string): { type: "published"; stream: Stream; publisher: never } {
  return {
    type: "published",
    stream: { name: nameOf(key) } as Stream,
    publisher: undefined as never,
  };
}

function isFastStart(path: string): boolean {
  const bytes = readFileSync(path);
  return bytes.indexOf("moov") < bytes.indexOf("mdat") && bytes.indexOf("moof") < 0;
}

/** Files whose writing the test holds up, or lets fail. */
function troubled(hold: () => Promise<void>): (real: Files) => Files {
  return (real) => ({
    ...real,
    open: async (path, how) => {
      const file = await real.open(path, how);
      if (!path.endsWith(".part") || how !== "create") return file;
      const slow: OpenFile = {
        read: (at, length) => file.read(at, length),
        write: async (bytes, at) => {
          await hold();
          await file.write(bytes, at);
        },
        size: () => file.size(),
        truncate: (size) => file.truncate(size),
        sync: () => file.sync(),
        close: () => file.close(),
      };
      return slow;
    },
  });
}

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: the disk says`), { code });
}

describe("recordings", () => {
  test("a stream is recorded from its publishing to its end, and told when it is finished", async (t) => {
    const { recordings, feed, finished, names, folder, metrics } = await stage(t, {
      args: ["--vhost.dvr.enabled", "on"],
    });
    recordings.handleHubEvent(published("live/one"));
    assert.deepEqual(feed.taps[0]?.options, { audio: "aac", fromKeyframe: true, patient: true });
    assert.equal(recordings.facts()[0]?.state, "waiting");
    feed.format(H264, AAC);
    feed.play(1000, 4000);
    await until("bytes", () => (recordings.facts()[0]?.bytes ?? 0) > 2000);
    const [running] = recordings.facts();
    assert.equal(running?.state, "recording");
    assert.match(running?.file ?? "", /^live\/one\.\d+\.mp4$/);
    assert.deepEqual(names(), [`${running?.file.slice(5)}.part`]);
    // What is there by now can be read: at most the last second is not.
    const { files } = await loadRuntime();
    const part = await files.open(join(folder, `${running?.file}.part`), "read");
    const scanned = await scanMp4(part);
    await part.close();
    assert.ok((scanned?.tables.millis ?? 0) >= 2500, `${scanned?.tables.millis} ms`);
    feed.end();
    await until("the end", () => finished.length === 1 && feed.taps.length === 0);
    const [one] = finished;
    assert.equal(`${one?.app}/${one?.stream} ${one?.format}`, "live/one mp4");
    assert.equal(one?.name, running?.file);
    assert.equal(one?.file, `${folder}/${one?.name}`);
    assert.ok(Math.abs((one?.duration ?? 0) - 4000) < 100, `${one?.duration}`);
    assert.equal(one?.size, statSync(one?.file ?? "").size);
    assert.ok(isFastStart(one?.file ?? ""));
    assert.deepEqual((await recordings.store.list())[0]?.name, one?.name);
    assert.equal(recordings.facts()[0]?.state, "ended");
    assert.equal(metrics.value("monoport_recordings_total", "config"), 1);
    assert.equal(metrics.value("monoport_recorded_files_total", "finished"), 1);
    assert.ok(metrics.value("monoport_recorded_bytes_total") > 2000);
  });

  test("streams are recorded that dvr_apply names; not the demo, nor what /diagnose sends", async (t) => {
    const { recordings } = await stage(t, { args: ["--vhost.dvr.enabled", "on"] });
    for (const key of ["live/demo", "diagnose/test-x", "live/a"]) {
      recordings.handleHubEvent(published(key));
    }
    assert.deepEqual(
      recordings.facts().map(({ name }) => name.key),
      ["live/a"],
    );
    const some = await stage(t, {
      args: ["--vhost.dvr.enabled", "on", "--vhost.dvr.dvr_apply", "live/demo live/b"],
    });
    for (const key of ["live/demo", "live/a", "live/b"]) {
      some.recordings.handleHubEvent(published(key));
    }
    assert.deepEqual(
      some.recordings.facts().map(({ name }) => name.key),
      ["live/b", "live/demo"],
    );
    const off = await stage(t);
    off.recordings.handleHubEvent(published("live/a"));
    assert.deepEqual(off.recordings.facts(), []);
  });

  test("FLV has its duration, size and keyframes in front; segments are files of their own", async (t) => {
    const { recordings, feed, finished } = await stage(t, {
      path: "[app]/[stream].[timestamp].flv",
      args: ["--vhost.dvr.dvr_plan", "segment", "--vhost.dvr.dvr_duration", "2"],
    });
    recordings.start(ONE, {}, "hook");
    feed.format(H264, AAC);
    feed.play(0, 5000);
    feed.end();
    await until("three files", () => finished.length === 3);
    assert.deepEqual(finished.map(({ duration }) => Math.round(duration / 1000)).sort(), [1, 2, 2]);
    assert.equal(new Set(finished.map(({ name }) => name)).size, 3);
    const bytes = readFileSync(finished[0]?.file ?? "");
    const index = new FlvIndex();
    index.put(bytes);
    assert.equal(index.end, bytes.length);
    assert.ok(bytes.includes("filepositions"));
  });

  test("a recording is asked for once, and stopped by its id; the stream goes on", async (t) => {
    const { recordings, feed, finished } = await stage(t);
    const one = recordings.start(ONE, {}, "api");
    assert.ok(typeof one === "object");
    const same = recordings.start(ONE, { format: "mp4" }, "config");
    assert.ok(typeof same === "object" && same.id === one.id);
    const other = recordings.start(ONE, { format: "flv", audio: "opus" }, "api");
    assert.ok(typeof other === "object" && other.id !== one.id);
    assert.equal(feed.taps[1]?.options.audio, "opus");
    feed.format(H264, AAC);
    feed.play(0, 2000);
    assert.equal(recordings.stop("nobody"), false);
    assert.equal(recordings.stop(one.id), true);
    await until("the file", () => finished.length === 1 && feed.taps.length === 1);
    feed.play(2000, 1000);
    assert.equal(recordings.facts()[0]?.id, other.id);
    // The next one is another.
    const next = recordings.start(ONE, {}, "api");
    assert.ok(typeof next === "object" && next.id !== one.id);
  });

  test("there are so many at a time (limits.recordings), and so many past ones are told", async (t) => {
    const { recordings, metrics, lines } = await stage(t, {
      args: ["--limits.recordings", "2", "--vhost.dvr.enabled", "on"],
    });
    recordings.start(nameOf("live/a"), {}, "api");
    recordings.start(nameOf("live/b"), {}, "api");
    assert.match(String(recordings.start(nameOf("live/c"), {}, "api")), /limits\.recordings/);
    recordings.handleHubEvent(published("live/d"));
    assert.ok(lines.some((line) => /ERROR A stream is not recorded .*live\/d/.test(line)));
    assert.equal(metrics.value("monoport_recordings_failed_total", "limit"), 2);
    for (let i = 0; i < MAX_PAST + 5; i++) {
      for (const { id, state } of recordings.facts()) if (state === "waiting") recordings.stop(id);
      await until("room", () => recordings.facts().every(({ state }) => state === "ended"));
      recordings.start(nameOf("live/a"), {}, "api");
    }
    assert.equal(recordings.facts().length, MAX_PAST + 1);
  });

  test("one that nobody publishes for ends, unless somebody does", async (t) => {
    const wakes: (() => void)[] = [];
    let live = true;
    const { recordings } = await stage(t, {
      live: () => live,
      wakeAt: (at, fire) => {
        if (at - performance.now() > NOBODY_MILLIS / 2) wakes.push(fire);
        return { [Symbol.dispose]: () => {} };
      },
    });
    recordings.start(ONE, {}, "hook");
    wakes.shift()?.();
    await new Promise((wake) => setTimeout(wake, 20));
    assert.equal(recordings.facts()[0]?.state, "waiting");
    live = false;
    wakes.shift()?.();
    await until("the end", () => recordings.facts()[0]?.state === "ended");
  });

  test("a codec that the file cannot hold is left out, in log and API", async (t) => {
    const { recordings, feed, lines, finished } = await stage(t);
    recordings.start(ONE, {}, "api");
    recordings.start(ONE, { format: "flv" }, "api");
    feed.format({ ...H264, codec: "vp8" }, AAC);
    assert.equal(recordings.facts()[1]?.error, "MP4 cannot hold VP8; FLV can");
    assert.equal(recordings.facts()[0]?.error, "");
    assert.equal(lines.filter((line) => /WARN .*leaves a track out/.test(line)).length, 1);
    feed.play(0, 3000);
    feed.end();
    await until("both", () => finished.length === 2);
    assert.deepEqual(finished.map(({ format }) => format).sort(), ["flv", "mp4"]);
  });
});

describe("recordings on a disk in trouble", () => {
  test("when it is slow whole groups of pictures are dropped, no more waits than may, and it is told", async (t) => {
    let open: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const { recordings, feed, finished, lines, metrics } = await stage(t, {
      files: troubled(() => gate),
    });
    recordings.start(ONE, {}, "api");
    feed.format(H264, AAC);
    // 25 pictures of 20 kB a second: the queue is full after some 17 s.
    let most = 0;
    for (let at = 0; at < 40_000; at += 1000) {
      feed.play(at, 1000, 20_000);
      most = Math.max(most, metrics.render().match(/queued_bytes (\d+)\n/)?.[1] as never);
    }
    assert.ok(most <= QUEUE_MAX_BYTES + 2 * 2 ** 20, `${most} bytes wait`);
    assert.equal(recordings.facts()[0]?.state, "slow");
    assert.ok((recordings.facts()[0]?.droppedFrames ?? 0) > 1000);
    assert.equal(metrics.value("monoport_recordings_slow_total"), 1);
    assert.ok(lines.some((line) => /WARN .*disk is slow.*live\/one/.test(line)));
    open();
    await until("the queue", () => /queued_bytes 0\n/.test(metrics.render()));
    const dropped = recordings.facts()[0]?.droppedFrames ?? 0;
    feed.play(40_520, 400, 20_000); // the rest of a group could not be decoded
    assert.equal(recordings.facts()[0]?.state, "slow");
    assert.equal(recordings.facts()[0]?.droppedFrames, dropped + 30);
    feed.play(40_920, 2080, 20_000);
    assert.equal(recordings.facts()[0]?.state, "recording");
    feed.end();
    await until("the file", () => finished.length === 1);
    assert.ok(Math.abs((finished[0]?.duration ?? 0) - 43_000) < 200, "the gap is in it");
    assert.ok(metrics.value("monoport_recording_dropped_frames_total") > 1000);
    assert.ok(isFastStart(finished[0]?.file ?? ""));
  });

  for (const code of ["ENOSPC", "EIO"]) {
    test(`${code} stops the recording, keeps what is whole, and leaves the others alone`, async (t) => {
      let writes = 0;
      const { recordings, feed, finished, lines, metrics } = await stage(t, {
        args: ["--vhost.dvr.enabled", "on"],
        files: troubled(async () => {
          if (++writes === 3) throw failure(code);
        }),
      });
      recordings.handleHubEvent(published("live/one"));
      feed.format(H264, AAC);
      feed.play(0, 6000);
      await until("the failure", () => recordings.facts()[0]?.state === "failed");
      assert.match(recordings.facts()[0]?.error ?? "", new RegExp(code));
      assert.equal(metrics.value("monoport_recordings_failed_total", code), 1);
      assert.ok(lines.some((line) => /ERROR A recording failed stream=live\/one/.test(line)));
      await until("what is whole", () => finished.length === 1);
      assert.ok((finished[0]?.duration ?? 0) >= 900, `${finished[0]?.duration}`);
      await until("no tap", () => feed.taps.length === 0);
      // The next publishing tries again.
      recordings.handleHubEvent(published("live/one"));
      feed.format(H264, AAC);
      feed.play(10_000, 3000);
      feed.end();
      await until("the next", () => finished.length === 2);
    });
  }

  test("less room than must be kept (dvr_min_free) is a failure in words", async (t) => {
    const { recordings, feed, lines } = await stage(t, {
      files: (real) => ({ ...real, freeBytes: () => Promise.resolve(20 * 2 ** 20) }),
      args: ["--vhost.dvr.dvr_min_free", "30"],
    });
    recordings.start(ONE, {}, "api");
    feed.format(H264, AAC);
    feed.play(0, 2000);
    await until("the failure", () => recordings.facts()[0]?.state === "failed");
    assert.match(recordings.facts()[0]?.error ?? "", /20 MiB are free, 30 .*dvr_min_free/);
    assert.ok(lines.some((line) => line.includes("dvr_min_free")));
  });

  test("without room to write it anew a file stays as it was written", async (t) => {
    let free = 2 ** 30;
    const { recordings, feed, finished, lines, names, metrics } = await stage(t, {
      files: (real) => ({ ...real, freeBytes: () => Promise.resolve(free) }),
      args: ["--vhost.dvr.dvr_min_free", "30"],
    });
    recordings.start(ONE, {}, "api");
    feed.format(H264, AAC);
    feed.play(0, 3000);
    await until("bytes", () => (recordings.facts()[0]?.bytes ?? 0) > 0);
    free = 30 * 2 ** 20;
    feed.end();
    await until("the file", () => finished.length === 1);
    assert.ok(Math.abs((finished[0]?.duration ?? 0) - 3000) < 100);
    assert.equal(statSync(finished[0]?.file ?? "").size, finished[0]?.size);
    assert.ok(!isFastStart(finished[0]?.file ?? ""));
    assert.equal(names().length, 1);
    assert.ok(lines.some((line) => /WARN .*A recording stays as it was written/.test(line)));
    assert.equal(metrics.value("monoport_recorded_files_total", "plain"), 1);
  });

  test("a folder that cannot be written to stops the start, in words", async (t) => {
    const { folder } = await stage(t);
    const broken = stage(t, {
      folder: join(folder, "none"),
      args: ["--vhost.dvr.enabled", "on"],
      files: (real) => ({ ...real, makeDir: () => Promise.reject(failure("EACCES")) }),
    });
    await assert.rejects(broken, /vhost\.dvr\.dvr_path: cannot write to the folder .*EACCES/);
    const deno = Object.assign(new Error('Requires write access to "/x", run again'), {});
    const refused = stage(t, {
      folder: join(folder, "none"),
      args: ["--vhost.dvr.enabled", "on"],
      files: (real) => ({ ...real, makeDir: () => Promise.reject(deno) }),
    });
    await assert.rejects(refused, /Deno may not; give it --allow-write=/);
  });
});

/** As many times faster, what waits for other servers. */
const HURRY = 5;

describe("recordings that a server has left behind", () => {
  test("are finished at the next start, up to their last whole part", async (t) => {
    const first = await stage(t, { hurry: HURRY });
    first.recordings.start(ONE, {}, "api");
    first.recordings.start(ONE, { format: "flv" }, "api");
    first.feed.format(H264, AAC);
    first.feed.play(0, 5000);
    await until("both", () => first.recordings.facts().every(({ bytes }) => bytes > 15_000));
    // As a kill leaves them: with half a part behind.
    const { files } = await loadRuntime();
    for (const { file } of first.recordings.facts()) {
      const path = join(first.folder, file);
      const bytes = await files.read(`${path}.part`);
      await files.write(`${path.replace("one", "two")}.part`, bytes.slice(0, bytes.length - 77));
    }
    // One was being finished, too.
    const [half = ""] = first.names().filter((name) => /^two.*mp4.part$/.test(name));
    await files.write(join(first.folder, "live", half.replace(".part", ".new")), new Uint8Array(9));
    const parts = first.names().filter((name) => /^two.*part$/.test(name));
    const { recordings, finished, names } = await stage(t, { folder: first.folder, hurry: HURRY });
    await recordings.recover();
    first.feed.play(5000, 500);
    await until("both files", () => finished.length === 2);
    assert.deepEqual(
      names().filter((name) => name.startsWith("two")),
      parts.map((name) => name.replace(".part", "")),
    );
    for (const { duration, stream, startedAt } of finished) {
      assert.ok(duration > 2500 && duration < 5000, `${duration}`);
      assert.equal(`${stream} ${startedAt}`, "two 0");
    }
  });

  test("one of a stream that pauses is not taken from the server that writes it", async (t) => {
    const first = await stage(t, { hurry: HURRY });
    first.recordings.start(ONE, {}, "api");
    first.feed.format(H264, AAC);
    first.feed.play(0, 3000);
    await until("a file", () => first.names().length === 1);
    const { recordings, finished } = await stage(t, { folder: first.folder, hurry: HURRY });
    await recordings.recover();
    await new Promise((wake) => setTimeout(wake, LOOK_AGAIN_MILLIS / HURRY + 300));
    assert.deepEqual(finished, []);
    first.feed.play(3000, 2000);
    first.feed.end();
    await until("the file", () => first.finished.length === 1);
    assert.ok((first.finished[0]?.duration ?? 0) > 4900);
    assert.ok(isFastStart(first.finished[0]?.file ?? ""));
  });

  test("one that grows is another server's, and one without a frame is removed", async (t) => {
    const { recordings, folder, names, finished } = await stage(t, { hurry: HURRY });
    const { files } = await loadRuntime();
    await files.makeDir(join(folder, "live"));
    const grows = join(folder, "live/a.1.mp4.part");
    const empty = join(folder, "live/b.1.mp4.part");
    await files.write(grows, new Uint8Array(10));
    await files.write(empty, new Uint8Array(10));
    await recordings.recover();
    await files.write(grows, new Uint8Array(20));
    await until("the empty one", () => !existsSync(empty));
    assert.deepEqual(names(), ["a.1.mp4.part"]);
    assert.deepEqual(finished, []);
  });
});
