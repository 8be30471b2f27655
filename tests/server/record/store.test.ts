import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { loadRuntime } from "../../../runtime/mod.ts";
import { RecordingStore } from "../../../server/record/mod.ts";
import { nameOf } from "../hls/feed.ts";

const { files } = await loadRuntime();

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "monoport-store-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function put(root: string, name: string, seconds = 1): void {
  mkdirSync(join(root, name, ".."), { recursive: true });
  writeFileSync(join(root, name), "12345");
  utimesSync(join(root, name), seconds, seconds);
}

test("finished recordings are listed, the newest first, and nothing else is", async (t) => {
  const root = folder(t);
  const store = new RecordingStore(files, `${root}/rec/[app]/[stream].[timestamp].mp4`);
  assert.deepEqual(await store.list(), []);
  put(root, "rec/live/a.1000.mp4", 10);
  put(root, "rec/live/b.b.2000.flv", 30);
  put(root, "rec/other/a.3000.mp4", 20);
  for (const other of ["rec/live/a.1.mp4.part", "rec/live/a.1.mp4.new", "rec/live/notes.txt"]) {
    put(root, other);
  }
  put(root, "rec/live/deeper/a.1.mp4");
  put(root, "outside.1.mp4");
  symlinkSync(join(root, "outside.1.mp4"), join(root, "rec/live/link.1.mp4"));
  symlinkSync(root, join(root, "rec/linked"));
  const listed = await store.list();
  assert.deepEqual(
    listed.map(({ name, app, stream, format, size, modified }) =>
      [name, app, stream, format, size, modified].join(" "),
    ),
    [
      "live/b.b.2000.flv live b.b flv 5 30000",
      "other/a.3000.mp4 other a mp4 5 20000",
      "live/a.1000.mp4 live a mp4 5 10000",
    ],
  );
  assert.equal(listed[0]?.path, `${root}/rec/live/b.b.2000.flv`);
});

test("a name is found if a recording has it, and leads nowhere else", async (t) => {
  const root = folder(t);
  const store = new RecordingStore(files, `${root}/rec/[app]/[stream].[timestamp].mp4`);
  put(root, "rec/live/a.1000.mp4");
  put(root, "rec/live/a.1000~2.mp4");
  put(root, "rec/live/b.1000.mp4.part");
  put(root, "secret/a.1000.mp4");
  symlinkSync(join(root, "secret"), join(root, "rec/linked"));
  symlinkSync(join(root, "secret/a.1000.mp4"), join(root, "rec/live/link.1.mp4"));
  assert.equal((await store.find("live/a.1000.mp4"))?.size, 5);
  assert.equal((await store.find("live/a.1000~2.mp4"))?.stream, "a");
  for (const name of [
    "live/none.1.mp4",
    "live/b.1000.mp4.part",
    "linked/a.1000.mp4",
    "live/link.1.mp4",
    "../secret/a.1000.mp4",
    "live/../live/a.1000.mp4",
    "live/./a.1000.mp4",
    "live//a.1000.mp4",
    "/live/a.1000.mp4",
    "live/a.1000.mp4/",
    "live/a.1000.mp4\0",
    "live\\a.1000.mp4",
    "",
    "live",
  ]) {
    assert.equal(await store.find(name), undefined, name);
  }
});

test("two recordings of one name get a number each", async (t) => {
  const root = folder(t);
  const store = new RecordingStore(files, `${root}/rec/[stream].mp4`);
  const name = nameOf("live/a");
  const create = async (format: "mp4" | "flv"): Promise<string> => {
    const { place, file } = await store.create(name, format, 0);
    await file.close();
    assert.equal(place.partPath, `${root}/rec/${place.name}.part`);
    return place.name;
  };
  assert.equal(await create("mp4"), "a.mp4");
  writeFileSync(`${root}/rec/a~2.mp4`, "");
  assert.equal(await create("mp4"), "a~3.mp4");
  const both = await Promise.all([create("flv"), create("flv")]);
  assert.deepEqual(both.sort(), ["a.flv", "a~2.flv"]);
  const parts = (await store.leftOver()).map((place) => place.name);
  assert.deepEqual(parts.sort(), ["a.flv", "a.mp4", "a~2.flv", "a~3.mp4"]);
});

test("room is asked of the volume", async (t) => {
  const store = new RecordingStore(files, `${folder(t)}/rec/[stream].mp4`);
  await store.checkRoom(1000);
  await assert.rejects(store.checkRoom(2 ** 62), { code: "ENOSPC", message: /dvr_min_free/ });
});
