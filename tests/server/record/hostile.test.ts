import assert from "node:assert/strict";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { loadRuntime } from "../../../runtime/mod.ts";
import { EMPTY_MAX_BYTES, Finisher } from "../../../server/record/finisher.ts";
import { nameReader, parsePathTemplate } from "../../../server/record/path_template.ts";
import { MAX_FILES_PER_MINUTE } from "../../../server/record/recording.ts";
import { H264, OPUS } from "../../core/egress/hls/stage.ts";
import { type Stage, stage, until } from "./stage.ts";

const NAME = { app: "live", stream: "s", key: "live/s" };

/** A format and a keyframe, another one each time. */
function another({ feed }: Stage, i: number): void {
  feed.format({ ...H264, configuration: Uint8Array.from([...H264.configuration, i & 255]) });
  feed.frame({ kind: "video", dts: 10_000 + i, pts: 10_000 + i, keyframe: true, data: DATA });
}

const DATA = new Uint8Array(50);

test("files that begin in the same millisecond get names of their own", async (t) => {
  const on = await stage(t, { path: "[stream].mp4" });
  on.recordings.start(NAME, {}, "api");
  for (let i = 0; i < 20; i++) another(on, i);
  on.feed.end();
  await until("20 files", () => on.finished.length === 20);
  assert.equal(new Set(on.finished.map(({ name }) => name)).size, 20);
  assert.equal(on.recordings.facts()[0]?.error, "");
});

test("a publisher who changes his format all the time fills no folder", async (t) => {
  const on = await stage(t);
  on.recordings.start(NAME, {}, "api");
  for (let i = 0; i <= MAX_FILES_PER_MINUTE + 1000; i++) another(on, i);
  on.feed.end();
  await until("the end", () => on.recordings.facts()[0]?.state === "failed");
  const [facts] = on.recordings.facts();
  assert.match(facts?.error ?? "", /files in a minute/);
  assert.equal(facts?.files, MAX_FILES_PER_MINUTE);
});

test("a folder that vanishes while a file in it is written is told", async (t) => {
  const on = await stage(t);
  on.recordings.start(NAME, {}, "api");
  on.feed.format(H264, OPUS);
  on.feed.play(0, 6000);
  await until("a file", () => on.names().length === 1);
  rmSync(`${on.folder}/live`, { recursive: true });
  on.feed.end();
  await until("an error", () => on.lines.some((line) => /Cannot finish a recording/.test(line)));
  assert.equal(on.metrics.value("monoport_recorded_files_total", "failed"), 1);
  assert.equal(on.finished.length, 0);
});

test("what is left over and cannot be played is removed only when it is small: it may be another program's", async (t) => {
  const on = await stage(t);
  const { files } = await loadRuntime();
  const finisher = new Finisher({ files, minFreeBytes: 0 });
  for (const [size, stays] of [
    [1000, false],
    [EMPTY_MAX_BYTES + 1, true],
  ] as const) {
    const path = `${on.folder}/a.mp4`;
    const place = { name: "a.mp4", path, partPath: `${path}.part` };
    writeFileSync(place.partPath, new Uint8Array(size).fill(9));
    const done = finisher.finish(place, "mp4");
    if (stays) await assert.rejects(done, /nothing in it can be played/);
    else assert.equal(await done, undefined);
    assert.equal(existsSync(place.partPath), stays);
  }
});

test("names nobody would give are told apart in linear time", () => {
  const template = parsePathTemplate("/r/[app][stream][timestamp].mp4");
  assert.ok(typeof template !== "string");
  const read = nameReader(template);
  assert.ok(read("lives1234567.mp4"));
  const from = performance.now();
  for (const name of ["1".repeat(16_000), "a1".repeat(8000)]) assert.equal(read(name), undefined);
  assert.ok(performance.now() - from < 2000);
});
