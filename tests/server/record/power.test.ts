/** What a loss of power leaves: the disk has what was synced, and names in the order they were given. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Files, OpenFile } from "../../../core/base/mod.ts";
import { concat } from "../../../core/bytes/mod.ts";
import { Appender } from "../../../server/record/appender.ts";
import { scanMp4 } from "../../../server/record/finish_mp4.ts";
import { Finisher } from "../../../server/record/finisher.ts";
import { FLUSH_MILLIS, Flusher } from "../../../server/record/flusher.ts";
import { makerOf } from "../../../server/record/makers.ts";
import { H264 } from "../../core/egress/hls/stage.ts";

interface Node {
  bytes: Uint8Array;
  /** What the disk has of it. */
  durable: Uint8Array;
}

/** A disk that keeps names at once, as journals do in their order, and bytes when it is told to. */
class Disk {
  readonly names = new Map<string, Node>();
  /** Called behind each thing that is done. */
  onStep: () => void = () => {};
  syncs = 0;

  put(path: string, bytes: Uint8Array): void {
    this.names.set(path, { bytes, durable: bytes });
  }

  open(path: string): OpenFile {
    const node = this.names.get(path);
    if (node === undefined) throw Object.assign(new Error("ENOENT"), { code: "ENOENT" });
    const step = (): Promise<void> => {
      this.onStep();
      return Promise.resolve();
    };
    return {
      read: async (at, length) => node.bytes.slice(at, at + length),
      write: (bytes, at) => {
        const grown = new Uint8Array(Math.max(node.bytes.length, at + bytes.length));
        grown.set(node.bytes);
        grown.set(bytes, at);
        node.bytes = grown;
        return step();
      },
      size: async () => node.bytes.length,
      truncate: (size) => {
        node.bytes = node.bytes.slice(0, size);
        return step();
      },
      sync: () => {
        node.durable = node.bytes;
        this.syncs++;
        return step();
      },
      close: async () => {},
    };
  }

  files(freeBytes: number): Files {
    const missing = (): Promise<never> => Promise.reject(new Error("not here"));
    return {
      ...{ read: missing, write: missing, makeDir: missing, list: missing },
      ...{ kindOf: missing, removeDir: missing, stat: missing },
      open: async (path, how) => {
        if (how === "create") this.put(path, new Uint8Array(0));
        const file = this.open(path);
        this.onStep();
        return file;
      },
      remove: async (path) => {
        if (!this.names.delete(path)) throw Object.assign(new Error("ENOENT"), { code: "ENOENT" });
        this.onStep();
      },
      rename: async (from, to) => {
        const node = this.names.get(from);
        assert.ok(node);
        this.names.delete(from);
        this.names.set(to, node);
        this.onStep();
      },
      freeBytes: async () => freeBytes,
    };
  }

  /** As after a loss of power. */
  lost(): Disk {
    const disk = new Disk();
    for (const [path, { durable }] of this.names) disk.put(path, durable);
    return disk;
  }
}

const PLACE = { name: "a.mp4", path: "/r/a.mp4", partPath: "/r/a.mp4.part" };

/** Two seconds of pictures, as a server that was stopped leaves them. */
function part(): Uint8Array {
  const maker = makerOf("mp4", [H264], 0);
  const pieces = [maker.start()];
  for (let at = 0; at < 2000; at += 40) {
    const data = new Uint8Array(50).fill(at / 40);
    const bytes = maker.put({ kind: "video", dts: at, pts: at, keyframe: at % 1000 === 0, data });
    if (bytes !== undefined) pieces.push(bytes);
  }
  const last = maker.stop();
  return concat(last === undefined ? pieces : [...pieces, last]);
}

/** Frames of the recording that a start after a loss of power has. */
async function framesAfter(disk: Disk): Promise<number> {
  const left = disk.lost();
  if (left.names.has(PLACE.partPath)) {
    await new Finisher({ files: left.files(2 ** 40), minFreeBytes: 0 }).finish(PLACE, "mp4");
  }
  const bytes = left.names.get(PLACE.path)?.bytes ?? new Uint8Array(0);
  const other = new Disk();
  other.put("/x", bytes);
  const scanned = await scanMp4(other.open("/x"));
  if (scanned !== undefined) return scanned.tables.samples;
  // Without fragments stsz tells: version, size of all, count.
  const at = Buffer.from(bytes).indexOf("stsz");
  return at < 0 ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(at + 12);
}

describe("a loss of power", () => {
  for (const [what, free] of [
    ["while a file is finished", 2 ** 40],
    ["while one stays as it was written, for want of room", 0],
  ] as const) {
    test(`${what} costs nothing, at any moment`, async () => {
      const bytes = part();
      const disk = new Disk();
      disk.put(PLACE.partPath, bytes);
      const moments: Disk[] = [];
      disk.onStep = () => void moments.push(disk.lost());
      const finisher = new Finisher({ files: disk.files(free), minFreeBytes: 1 });
      assert.ok(await finisher.finish(PLACE, "mp4"));
      assert.ok(moments.length >= 4, `${moments.length} moments`);
      for (const [i, moment] of moments.entries()) {
        assert.equal(await framesAfter(moment), 50, `after step ${i}`);
      }
    });
  }

  test("while a file is written that was not on the disk yet: what is finished of it is", async () => {
    const disk = new Disk();
    disk.put(PLACE.partPath, part());
    const node = disk.names.get(PLACE.partPath);
    assert.ok(node);
    node.durable = new Uint8Array(0);
    await new Finisher({ files: disk.files(0), minFreeBytes: 1 }).finish(PLACE, "mp4");
    assert.equal(await framesAfter(disk), 50);
  });

  test("while a stream is recorded costs 5 s and what the disk is about to take", async () => {
    const disk = new Disk();
    disk.put("/r/x", new Uint8Array(0));
    let now = 1000;
    const flusher = new Flusher({ now: () => now });
    const appender = new Appender({
      open: async () => disk.open("/r/x"),
      check: async () => {},
      onFailed: (error) => assert.fail(String(error)),
      flusher,
    });
    const lost = async (): Promise<number> => {
      await new Promise((wake) => setTimeout(wake, 0));
      const { bytes, durable } = disk.names.get("/r/x") ?? assert.fail();
      return bytes.length - durable.length;
    };
    for (let i = 0; i < 30; i++, now += 1000) {
      appender.append(new Uint8Array(100));
      assert.ok((await lost()) <= (FLUSH_MILLIS / 1000) * 100);
    }
    assert.equal(disk.syncs, 5);
    // What stands when the stream pauses is brought there, too.
    appender.touch();
    assert.equal(await lost(), 0);
    await appender.close();
  });
});

describe("files are brought to the disk", () => {
  test("one at a time, so that a slow disk keeps its other files going", async () => {
    let now = 0;
    const flusher = new Flusher({ now: () => now });
    now = FLUSH_MILLIS;
    let done: () => void = () => {};
    const slow = flusher.flush({ sync: () => new Promise((resolve) => (done = resolve)) }, 0);
    const other = { sync: () => assert.fail("two at a time") };
    assert.equal(await flusher.flush(other, 0), 0);
    done();
    assert.equal(await slow, FLUSH_MILLIS);
    assert.equal(await flusher.flush({ sync: async () => {} }, 0), FLUSH_MILLIS);
    assert.equal(await flusher.flush({ sync: () => assert.fail("too early") }, 1), 1);
  });

  test("bytes that come meanwhile are written behind it, and its failure is the recording's", async () => {
    const disk = new Disk();
    disk.put("/r/x", new Uint8Array(0));
    let now = 0;
    let sync: () => Promise<void> = async () => {};
    const failures: unknown[] = [];
    const appender = new Appender({
      open: async () => ({ ...disk.open("/r/x"), sync: () => sync() }),
      check: async () => {},
      onFailed: (error) => void failures.push(error),
      flusher: new Flusher({ now: () => now }),
    });
    appender.append(new Uint8Array(10));
    await new Promise((wake) => setTimeout(wake, 0));
    now = FLUSH_MILLIS;
    sync = async () => {
      if (appender.written === 20) appender.append(new Uint8Array(5));
    };
    appender.append(new Uint8Array(10));
    await new Promise((wake) => setTimeout(wake, 0));
    assert.equal(appender.written, 25);
    assert.equal(appender.queued, 0);
    now *= 2;
    sync = () => Promise.reject(Object.assign(new Error("EIO"), { code: "EIO" }));
    appender.append(new Uint8Array(1));
    await new Promise((wake) => setTimeout(wake, 0));
    assert.deepEqual(
      failures.map((one) => (one as { code: string }).code),
      ["EIO"],
    );
  });

  test("where the file system can: others are recorded to as well", async () => {
    const flusher = new Flusher({ now: () => FLUSH_MILLIS });
    const cannot = Object.assign(new Error("EINVAL"), { code: "EINVAL" });
    assert.equal(await flusher.flush({ sync: () => Promise.reject(cannot) }, 0), FLUSH_MILLIS);
  });
});
