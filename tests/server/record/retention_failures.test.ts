import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Files } from "../../../core/base/mod.ts";
import {
  FAILED_MAX,
  RETRY_MILLIS,
  ROUND_MAX,
  START_MILLIS,
} from "../../../server/record/retention.ts";
import { DAY, realFiles, START, Yard } from "./yard.ts";

describe("recordings that cannot be deleted", () => {
  test("are told once for each reason, tried again after an hour, and cost no newer one", async (t) => {
    let code = "EACCES";
    const yard: Yard = new Yard(t, {
      maxAge: 10 * DAY,
      maxBytes: 1500,
      files: {
        ...realFiles,
        remove: async (path) => {
          if (path.includes("stuck")) throw Object.assign(new Error(code), { code });
          await realFiles.remove(path);
        },
      },
    });
    yard.put("live/stuck.1.mp4", 50 * DAY, 5000);
    yard.put("live/a.2.mp4", DAY);
    assert.deepEqual(await yard.after(START_MILLIS), []);
    assert.deepEqual(yard.failed.splice(0), ["live/stuck.1.mp4 EACCES"]);
    assert.deepEqual(await yard.after(RETRY_MILLIS - 1), []);
    assert.deepEqual(yard.failed, []);
    assert.deepEqual(await yard.after(1), []);
    assert.deepEqual(yard.failed.splice(0), ["live/stuck.1.mp4 EACCES again"]);
    code = "EROFS";
    assert.deepEqual(await yard.after(RETRY_MILLIS), []);
    assert.deepEqual(yard.failed.splice(0), ["live/stuck.1.mp4 EROFS"]);
  });

  test("so many of them end the round, and so many files are all that one deletes", async (t) => {
    let broken = true;
    const yard: Yard = new Yard(t, {
      maxAge: DAY,
      files: {
        ...realFiles,
        remove: async (path) => {
          if (broken) throw Object.assign(new Error("EROFS"), { code: "EROFS" });
          await realFiles.remove(path);
        },
      },
    });
    for (let i = 0; i < ROUND_MAX + 200; i++) yard.put(`live/a.${i}.mp4`, 10 * DAY - i * 1000);
    await yard.after(START_MILLIS);
    assert.equal(yard.failed.length, FAILED_MAX);
    await yard.after(START_MILLIS);
    assert.equal(yard.failed.length, FAILED_MAX, "nothing is tried again");
    broken = false;
    const first = await yard.after(3 * RETRY_MILLIS);
    assert.equal(first.length, ROUND_MAX);
    assert.equal(first[0], "live/a.0.mp4 age");
    assert.equal((await yard.after(START_MILLIS)).length, 200);
  });

  test("a folder of somebody else's that may not be read hides no other", async (t) => {
    const yard: Yard = new Yard(t, {
      maxAge: DAY,
      files: {
        ...realFiles,
        list: async (path) => {
          if (path.endsWith("secret")) throw Object.assign(new Error("EACCES"), { code: "EACCES" });
          return await realFiles.list(path);
        },
      },
    });
    yard.put("live/a.1.mp4", 2 * DAY);
    yard.put("secret/a.1.mp4", 2 * DAY);
    assert.deepEqual(await yard.after(START_MILLIS), ["live/a.1.mp4 age"]);
    assert.deepEqual(yard.failed, []);
  });

  test("a folder that became a link since it was looked at is not followed", async (t) => {
    const outside = mkdtempSync(join(tmpdir(), "monoport-outside-"));
    t.after(() => rmSync(outside, { recursive: true, force: true }));
    const old = (START - 50 * DAY) / 1000;
    for (const name of ["a.1.mp4", "b.1.mp4"]) {
      writeFileSync(join(outside, name), "1");
      utimesSync(join(outside, name), old, old);
    }
    let swapped = false;
    const yard: Yard = new Yard(t, {
      maxAge: DAY,
      files: {
        ...realFiles,
        remove: async (path) => {
          if (!swapped) {
            rmSync(join(yard.root, "live"), { recursive: true });
            symlinkSync(outside, join(yard.root, "live"));
            swapped = true;
          } else await realFiles.remove(path);
        },
      },
    });
    yard.put("live/a.1.mp4", 50 * DAY);
    yard.put("live/b.1.mp4", 40 * DAY);
    assert.equal((await yard.after(START_MILLIS)).length, 1);
    assert.deepEqual(readdirSync(outside), ["a.1.mp4", "b.1.mp4"]);
  });

  test("a root that cannot be read is told once", async (t) => {
    const error = Object.assign(new Error("EIO"), { code: "EIO" });
    const files: Files = { ...realFiles, list: () => Promise.reject(error) };
    const yard = new Yard(t, { maxAge: DAY, files });
    await yard.after(START_MILLIS);
    await yard.after(START_MILLIS);
    assert.deepEqual(yard.failed, [" EIO", " EIO again"]);
  });
});
