import assert from "node:assert/strict";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { concat, putU32 } from "../../../core/bytes/mod.ts";
import { RUN_MAX_SAMPLES } from "../../../core/egress/mp4/mod.ts";
import { loadRuntime } from "../../../runtime/mod.ts";
import { initSegment } from "../../../server/mp4_boxes/mod.ts";
import { MAX_SAMPLES } from "../../../server/record/finish_mp4.ts";
import { Finisher } from "../../../server/record/finisher.ts";
import { makerOf, PART_MAX_BYTES } from "../../../server/record/makers.ts";
import { MAX_ENTRIES, RecordingStore } from "../../../server/record/store.ts";
import { H264 } from "../../core/egress/hls/stage.ts";

const { files } = await loadRuntime();

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "monoport-finish-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function box(type: string, ...contents: readonly Uint8Array[]): Uint8Array {
  const head = new Uint8Array(8);
  putU32(
    head,
    0,
    contents.reduce((sum, { length }) => sum + length, 8),
  );
  head.set(new TextEncoder().encode(type), 4);
  return concat([head, ...contents]);
}

function words(...values: readonly number[]): Uint8Array {
  const out = new Uint8Array(values.length * 4);
  for (const [i, value] of values.entries()) putU32(out, i * 4, value);
  return out;
}

/** A fragment of as many samples as may be, of no bytes and one tick each, in few bytes. */
function fragment(i: number): Uint8Array {
  const tfhd = box("tfhd", words(0x02_0038, 1, 1, 0, 0));
  const tfdt = box("tfdt", words(0, i * RUN_MAX_SAMPLES));
  const trun = box("trun", words(1, RUN_MAX_SAMPLES, 0));
  const moof = box("moof", box("mfhd", words(0, i)), box("traf", tfhd, tfdt, trun));
  putU32(moof, moof.length - 4, moof.length + 8);
  return concat([moof, box("mdat")]);
}

function placeIn(root: string, name: string): { name: string; path: string; partPath: string } {
  return { name, path: join(root, name), partPath: join(root, `${name}.part`) };
}

const INIT = initSegment([{ id: 1, format: H264, timescale: 90_000 }]);

test("a file of more samples than tables are made of stays as it was written, whole", async (t) => {
  const root = folder(t);
  const place = placeIn(root, "a.mp4");
  const count = MAX_SAMPLES / RUN_MAX_SAMPLES + 2;
  const all = concat([INIT, ...Array.from({ length: count }, (_, i) => fragment(i))]);
  writeFileSync(place.partPath, concat([all, fragment(count).subarray(0, 50)]));
  const finisher = new Finisher({ files, minFreeBytes: 0 });
  const made = await finisher.finish(place, "mp4");
  assert.match(made?.trouble ?? "", /more than 5000000 frames/);
  assert.deepEqual(readdirSync(root), ["a.mp4"]);
  assert.deepEqual(Buffer.compare(readFileSync(place.path), all), 0);
});

test("a box of tables larger than any that is written is not read", async (t) => {
  const root = folder(t);
  const place = placeIn(root, "a.mp4");
  const good = concat([INIT, fragment(0)]);
  const size = 100 * 2 ** 20;
  const moof = box("moof");
  putU32(moof, 0, size);
  writeFileSync(place.partPath, concat([good, moof]));
  truncateSync(place.partPath, good.length + size);
  const made = await new Finisher({ files, minFreeBytes: 0 }).finish(place, "mp4");
  assert.equal(Math.round(made?.duration ?? 0), Math.round((RUN_MAX_SAMPLES * 1000) / 90_000));
});

test("beyond as many as may wait files stay as they were written", async (t) => {
  const root = folder(t);
  const finisher = new Finisher({ files, minFreeBytes: 0, maxWaiting: 2 });
  const maker = makerOf("flv", [H264], 0);
  const start = maker.start();
  maker.put({ kind: "video", dts: 0, pts: 0, keyframe: true, data: new Uint8Array(100) });
  const bytes = concat([start, maker.stop() ?? new Uint8Array(0)]);
  const places = ["a.flv", "b.flv", "c.flv"].map((name) => placeIn(root, name));
  for (const { partPath } of places) writeFileSync(partPath, bytes);
  const made = await Promise.all(places.map((place) => finisher.finish(place, "flv")));
  assert.deepEqual(
    made.map((one) => one?.trouble),
    ["", "", "2 files wait to be finished"],
  );
  assert.equal(finisher.waiting, 0);
  assert.equal(readFileSync(join(root, "c.flv")).length, bytes.length);
  assert.ok(readFileSync(join(root, "a.flv")).includes("filepositions"));
});

test("a part is appended before its time when it is large", () => {
  for (const format of ["mp4", "flv"] as const) {
    const maker = makerOf(format, [H264], 0);
    const put = (dts: number, length: number): Uint8Array | undefined =>
      maker.put({ kind: "video", dts, pts: dts, keyframe: true, data: new Uint8Array(length) });
    assert.equal(put(0, 1000), undefined);
    assert.equal(put(40, 1000), undefined);
    // Of MP4 the last frame waits for the next.
    const large = put(80, PART_MAX_BYTES);
    assert.ok((large?.length ?? 0) > 1900, format);
  }
});

test("a listing looks at so many files and folders", async () => {
  const names = Array.from({ length: MAX_ENTRIES + 1000 }, (_, i) => ({
    name: `a.${i}.mp4`,
    kind: "file" as const,
  }));
  const many = {
    ...files,
    list: () => Promise.resolve(names),
    stat: () => Promise.resolve({ size: 1, modified: 1 }),
  };
  const store = new RecordingStore(many, "/r/[stream].[timestamp].mp4");
  assert.equal((await store.list()).length, MAX_ENTRIES);
});
