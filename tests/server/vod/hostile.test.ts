import assert from "node:assert/strict";
import { test } from "node:test";
import { loadRuntime } from "../../../runtime/mod.ts";
import { serverMetrics } from "../../../server/metrics.ts";
import type { RecordedFile } from "../../../server/record/mod.ts";
import { Vod } from "../../../server/vod/mod.ts";
import { FOUND_MILLIS } from "../../../server/vod/vod.ts";

function file(name: string): RecordedFile {
  return { name, path: name, app: "live", stream: "a", format: "mp4", size: 1, modified: 0 };
}

async function stage(list: () => Promise<RecordedFile[]>) {
  const real = await loadRuntime();
  const seen = { now: 0, looked: 0 };
  const store = {
    list,
    find: (name: string) => {
      seen.looked++;
      return Promise.resolve(name === "none" ? undefined : file(name));
    },
    again: (name: string) => Promise.resolve(file(name)),
    remove: () => Promise.resolve(false),
  };
  const runtime = { ...real, now: () => seen.now };
  const { files } = real;
  return {
    seen,
    vod: new Vod({ runtime, files, store, hooks: undefined, metrics: serverMetrics() }),
  };
}

test("who asks for piece after piece has the folder looked through once in a while", async () => {
  const { seen, vod } = await stage(() => Promise.resolve([]));
  for (let i = 0; i < 50; i++) assert.ok(await vod.find("a"));
  assert.equal(seen.looked, 1);
  seen.now += FOUND_MILLIS;
  assert.ok(await vod.find("a"));
  assert.equal(seen.looked, 2);
  for (let i = 0; i < 5; i++) assert.equal(await vod.find("none"), undefined);
  assert.equal(seen.looked, 7, "what is not there may come");
});

test("a folder that takes long to list is listed once at a time", async () => {
  let [listed, finish] = [0, (): void => {}];
  const { seen, vod } = await stage(() => {
    listed++;
    return new Promise((resolve) => {
      finish = () => resolve([file("a")]);
    });
  });
  const first = vod.list();
  seen.now += 60_000;
  const second = vod.list();
  assert.equal(listed, 1);
  finish();
  assert.equal((await first).length + (await second).length, 2);
  seen.now += 60_000;
  void vod.list();
  assert.equal(listed, 2);
});
