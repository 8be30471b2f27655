import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { parseConfig } from "../../../server/config/config.ts";
import { Oldest } from "../../../server/record/oldest.ts";
import {
  EMPTY_MILLIS,
  FRESH_MILLIS,
  OWN_MAX,
  Retention,
  START_MILLIS,
} from "../../../server/record/retention.ts";
import { RecordingStore } from "../../../server/record/store.ts";
import { H264, OPUS } from "../../core/egress/hls/stage.ts";
import { nameOf } from "../hls/feed.ts";
import { stage, until } from "./stage.ts";
import { DAY, realFiles, START, Yard } from "./yard.ts";

describe("old recordings", () => {
  test("are deleted beyond dvr_max_age, and nothing else is: no links, no others' files, none that is written", async (t) => {
    const yard = new Yard(t, { maxAge: 10 * DAY });
    for (const name of ["live/a.1.mp4", "live/b.2.flv", "other/c.3.mp4"]) yard.put(name, 11 * DAY);
    yard.put("live/young.4.mp4", 9 * DAY);
    const kept = ["live/a.5.mp4.part", "live/a.6.mp4.new", "notes.7.mp4", "live/in/a.8.mp4"];
    for (const name of [...kept, "live/notes.txt"]) yard.put(name, 100 * DAY);
    const outside = mkdtempSync(join(tmpdir(), "monoport-outside-"));
    t.after(() => rmSync(outside, { recursive: true, force: true }));
    writeFileSync(join(outside, "x.1.mp4"), "1");
    utimesSync(join(outside, "x.1.mp4"), 1_600_000_000, 1_600_000_000);
    symlinkSync(outside, join(yard.root, "linked"));
    symlinkSync(join(outside, "x.1.mp4"), join(yard.root, "live/link.9.mp4"));
    const deleted = await yard.after(START_MILLIS);
    assert.deepEqual([...deleted].sort(), [
      "live/a.1.mp4 age",
      "live/b.2.flv age",
      "other/c.3.mp4 age",
    ]);
    for (const name of [...kept, "live/young.4.mp4", "live/notes.txt", "live/link.9.mp4"])
      assert.ok(existsSync(join(yard.root, name)), name);
    assert.ok(existsSync(join(outside, "x.1.mp4")));
    assert.deepEqual(await yard.after(DAY - START_MILLIS), []);
    assert.deepEqual(await yard.after(1), ["live/young.4.mp4 age"]);
  });

  test("are deleted, the oldest first, beyond dvr_max_total of all together", async (t) => {
    const yard = new Yard(t, { maxBytes: 2500 });
    yard.put("live/c.3.mp4", 3000);
    yard.put("live/a.1.mp4", 50 * DAY);
    yard.put("other/b.2.flv", 2 * DAY, 600);
    yard.put("live/d.4.mp4", 2000);
    yard.put("live/d.5.mp4.part", 2000, 9000);
    assert.deepEqual(await yard.after(START_MILLIS), ["live/a.1.mp4 size", "other/b.2.flv size"]);
    assert.equal(yard.retention.bytes, 2000);
    assert.deepEqual(await yard.after(DAY), []);
  });

  test("what was finished a moment ago stays for who was told of it, and is the last to go", async (t) => {
    const yard = new Yard(t, { maxBytes: 1500 });
    yard.put("live/old.1.mp4", DAY);
    yard.put("live/new.2.mp4", -START_MILLIS);
    await yard.after(START_MILLIS);
    yard.now++;
    yard.put("live/own.3.mp4", 0);
    yard.retention.noteFinished("live/own.3.mp4");
    yard.now++;
    yard.put("live/own.4.mp4", 50 * DAY); // a clock that was set back
    yard.retention.noteFinished("live/own.4.mp4");
    await yard.retention.look();
    assert.deepEqual(yard.names(), ["live", "live/new.2.mp4", "live/own.3.mp4", "live/own.4.mp4"]);
    yard.deleted.length = 0;
    assert.deepEqual(await yard.after(FRESH_MILLIS), [
      "live/new.2.mp4 size",
      "live/own.3.mp4 size",
    ]);
  });

  test("a clock that jumps while the server runs makes nothing older", async (t) => {
    const yard = new Yard(t, { maxAge: 10 * DAY, maxBytes: 4500 });
    yard.put("live/a.1.mp4", 5 * DAY);
    await yard.after(START_MILLIS);
    yard.wall += 400 * DAY;
    assert.deepEqual(await yard.after(FRESH_MILLIS), []);
    yard.put("live/own.2.mp4", -400 * DAY);
    yard.retention.noteFinished("live/own.2.mp4");
    yard.wall -= 1000 * DAY;
    yard.put("live/own.3.mp4", 600 * DAY);
    yard.retention.noteFinished("live/own.3.mp4");
    assert.deepEqual(await yard.after(4 * DAY), []);
    assert.deepEqual(await yard.after(DAY), []);
    // By its size what is oldest goes, whatever the times of the files say.
    yard.put("live/own.4.mp4", -3 * DAY, 2000);
    yard.retention.noteFinished("live/own.4.mp4");
    assert.deepEqual(await yard.after(FRESH_MILLIS), ["live/a.1.mp4 size"]);
    // And what is old goes by its age in the end.
    assert.deepEqual(await yard.after(6 * DAY), ["live/own.2.mp4 age", "live/own.3.mp4 age"]);
  });

  test("files of the future and of clocks that were never set count as finished at the start", async (t) => {
    const yard = new Yard(t, { maxAge: 10 * DAY, maxBytes: 3500 });
    yard.put("live/future.1.mp4", -50 * DAY);
    yard.put("live/unset.2.mp4", START - 5000);
    yard.put("live/known.3.mp4", DAY);
    yard.put("live/known.4.mp4", 2 * DAY);
    assert.deepEqual(await yard.after(START_MILLIS), ["live/known.4.mp4 size"]);
    assert.deepEqual(await yard.after(9 * DAY), ["live/known.3.mp4 age"]);
    assert.deepEqual((await yard.after(DAY)).toSorted(), [
      "live/future.1.mp4 age",
      "live/unset.2.mp4 age",
    ]);
  });

  test("a clock that was ahead at the start and is set right makes nothing older", async (t) => {
    const yard = new Yard(t, { maxAge: 10 * DAY });
    yard.put("live/a.1.mp4", 5 * DAY);
    yard.wall += 400 * DAY;
    yard.retention.noteFinished("live/none.1.mp4");
    const ahead = new Retention({
      runtime: { now: () => yard.now, wallClock: () => yard.wall, wakeAt: () => assert.fail() },
      store: new RecordingStore(realFiles, `${yard.root}/[app]/[stream].[timestamp].mp4`),
      maxAge: 10 * DAY,
      maxBytes: 0,
      onDeleted: () => assert.fail("deleted"),
      onFailed: () => assert.fail("failed"),
    });
    yard.wall -= 400 * DAY;
    await ahead.look();
    assert.ok(existsSync(join(yard.root, "live/a.1.mp4")));
  });

  test("are looked at a minute after the start, then each minute, or less often where that takes long", async (t) => {
    let slow = 0;
    const yard: Yard = new Yard(t, {
      maxAge: DAY,
      files: {
        ...realFiles,
        list: (path) => {
          yard.now += slow;
          return realFiles.list(path);
        },
      },
    });
    yard.put("live/a.1.mp4", 2 * DAY);
    yard.retention.start();
    assert.equal(yard.wakes[0]?.at, 5000 + START_MILLIS);
    yard.now += START_MILLIS;
    yard.wakes[0]?.fire();
    await until("the next", () => yard.wakes.length === 2);
    assert.equal(yard.wakes[1]?.at, yard.now + 60_000);
    assert.deepEqual(yard.deleted, ["live/a.1.mp4 age"]);
    slow = 2000;
    yard.wakes[1]?.fire();
    await until("the one after", () => yard.wakes.length === 3);
    assert.equal(yard.wakes[2]?.at, yard.now + 200_000, "50 times as long as 4 s");
    await yard.retention.close();
  });

  test("without bounds nothing is looked at", (t) => {
    const yard = new Yard(t);
    yard.retention.start();
    assert.deepEqual(yard.wakes, []);
  });

  test("folders of streams and dates go when they have been empty for a while, those of apps stay", async (t) => {
    const yard = new Yard(t, {
      maxAge: DAY,
      template: "[app]/[2006]-[01]/rec/[stream].[timestamp].mp4",
    });
    yard.put("live/2026-01/rec/a.1.mp4", 50 * DAY);
    yard.put("live/2026-02/rec/a.2.mp4", 0);
    yard.put("live/2026-03/rec/mine.txt", 0);
    mkdirSync(join(yard.root, "live/mine"));
    mkdirSync(join(yard.root, "empty-app"));
    const left = (): string[] => yard.names().filter((name) => /2026|mine|app/.test(name));
    const all = left();
    // Folders bear the real time: they were changed just now.
    yard.wall = Date.now();
    const late = new Retention({
      runtime: { now: () => yard.now, wallClock: () => yard.wall, wakeAt: () => assert.fail() },
      store: new RecordingStore(
        realFiles,
        `${yard.root}/[app]/[2006]-[01]/rec/[stream].[timestamp].mp4`,
      ),
      maxAge: DAY,
      maxBytes: 0,
      onDeleted: ({ name }) => void yard.deleted.push(name),
      onFailed: (path, error) => assert.fail(`${path} ${String(error)}`),
    });
    utimesSync(join(yard.root, "live/2026-02/rec/a.2.mp4"), yard.wall / 1000, yard.wall / 1000);
    const old = (yard.wall - 50 * DAY) / 1000;
    utimesSync(join(yard.root, "live/2026-01/rec/a.1.mp4"), old, old);
    yard.now += START_MILLIS;
    yard.wall += START_MILLIS;
    await late.look();
    const gone = all.filter((name) => !left().includes(name));
    assert.deepEqual(gone, ["live/2026-01/rec/a.1.mp4"]);
    yard.now += EMPTY_MILLIS;
    yard.wall += EMPTY_MILLIS;
    await late.look();
    assert.ok(!left().includes("live/2026-01/rec"));
    yard.now += EMPTY_MILLIS;
    yard.wall += EMPTY_MILLIS;
    await late.look();
    assert.deepEqual(
      left(),
      all.filter((name) => !name.startsWith("live/2026-01")),
    );
  });

  test("a folder that is removed while a recording begins in it is made again", async (t) => {
    let tries = 0;
    const yard = new Yard(t);
    const store = new RecordingStore(
      {
        ...realFiles,
        open: async (path, how) => {
          if (how === "create" && tries++ === 0) rmSync(dirname(path), { recursive: true });
          return await realFiles.open(path, how);
        },
      },
      `${yard.root}/[stream]/[timestamp].mp4`,
    );
    const { place, file } = await store.create(nameOf("live/a"), "mp4", 7);
    await file.close();
    assert.ok(existsSync(place.partPath));
    assert.equal(tries, 2);
  });
});

test("the first of any number are kept, in order", () => {
  const oldest = new Oldest<number>(10, (one) => one);
  for (let i = 0; i < 1000; i++) oldest.add((i * 7919) % 1000);
  assert.deepEqual(oldest.sorted(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("a server remembers the ends of so many files", async (t) => {
  const yard = new Yard(t, { maxAge: DAY });
  yard.put("live/a.1.mp4", 2 * DAY);
  yard.retention.noteFinished("live/a.1.mp4");
  assert.deepEqual(await yard.after(START_MILLIS), []);
  for (let i = 0; i < OWN_MAX; i++) yard.retention.noteFinished(`live/b.${i}.mp4`);
  assert.deepEqual(await yard.after(START_MILLIS), ["live/a.1.mp4 age"]);
});

test("a server deletes by its settings, and says so in log and metrics", async (t) => {
  const { recordings, feed, finished, lines, metrics, names } = await stage(t, {
    args: ["--vhost.dvr.dvr_max_age", "3600", "--vhost.dvr.dvr_max_total", "4000"],
    hurry: 2000,
  });
  await recordings.recover();
  recordings.start(nameOf("live/one"), {}, "api");
  feed.format(H264, { ...OPUS, codec: "aac", configuration: Uint8Array.of(0x11, 0x90) });
  feed.play(0, 3000);
  feed.end();
  await until("the file", () => finished.length === 1);
  const [one] = finished;
  // One of another run, which was finished long ago.
  const old = (one?.file ?? "").replace("one", "old");
  writeFileSync(old, "12345");
  utimesSync(old, 1_700_000_000, 1_700_000_000);
  const deleted = (): number => metrics.value("monoport_recordings_deleted_total", "age");
  await until("the old one's end", () => deleted() === 1);
  assert.ok(!existsSync(old));
  assert.ok(
    lines.some((line) => /INFO {2}Recording deleted file=.*old.* for=age bytes=5/.test(line)),
  );
  assert.deepEqual(names(), [one?.name.slice(5)], "what is new stays");
  assert.match(metrics.render(), /monoport_recordings_kept_bytes \d+/);
});

test("less for all recordings than for one is refused, with what to do", () => {
  const of = (...args: string[]): unknown => parseConfig({}, args);
  assert.throws(
    () => of("--vhost.dvr.dvr_max_total", "3999"),
    /dvr_max_total: 3999 MiB .* at least 4000, or a smaller vhost\.dvr\.dvr_max_size/,
  );
  of("--vhost.dvr.dvr_max_total", "300", "--vhost.dvr.dvr_max_size", "300");
  assert.throws(() => of("--vhost.dvr.dvr_max_age", "-1"), /whole number from 0/);
});
