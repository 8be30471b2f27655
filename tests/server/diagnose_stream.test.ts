import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { describe as describeFrame, FRAME_START, inspect, KEYFRAME } from "../../core/media/mod.ts";
import { Hub } from "../../core/stream/mod.ts";
import { RTP_HEADER_BYTES } from "../../core/wire/rtp/mod.ts";
import { Slots, TESTS_PER_ADDRESS, TestStream } from "../../server/diagnose/mod.ts";
import { name } from "../core/stream/fixture.ts";
import { PlaintextEngine } from "../core/stream/plaintext_engine.ts";
import { need } from "../tools.ts";

/** A stream in virtual time, and what it has put into the hub. */
class Stage {
  now = 1_000;
  readonly hub: Hub = new Hub({ engine: new PlaintextEngine(), wallClockAtZero: 0 });
  readonly packets: Uint8Array[] = [];
  readonly stream: TestStream;
  #wake: { readonly at: number; readonly fire: () => void } | undefined;

  constructor(kbps: number) {
    const runtime = {
      now: () => this.now,
      wakeAt: (at: number, fire: () => void): Disposable => {
        this.#wake = { at, fire };
        return { [Symbol.dispose]: () => {} };
      },
    };
    const { hub } = this;
    const publish = hub.publish.bind(hub);
    hub.publish = (...args) => {
      const publisher = publish(...args);
      if (typeof publisher !== "string") {
        const put = publisher.put.bind(publisher);
        publisher.put = (track, bytes, index, now) => {
          this.packets.push(bytes.slice());
          put(track, bytes, index, now);
        };
      }
      return publisher;
    };
    const stream = TestStream.open(
      { runtime, hub, afterInput: () => {} },
      name("diagnose/x"),
      kbps,
    );
    assert.ok(stream !== undefined);
    this.stream = stream;
  }

  run(until: number): void {
    while (this.#wake !== undefined && this.#wake.at <= until) {
      this.now = Math.max(this.now, this.#wake.at);
      const { fire } = this.#wake;
      this.#wake = undefined;
      fire();
    }
    this.now = until;
  }

  get bytes(): number {
    return this.packets.reduce((sum, packet) => sum + packet.length - RTP_HEADER_BYTES, 0);
  }
}

describe("the stream of a test", () => {
  test("says nothing but its first frame, which tells the codec, until it begins", () => {
    const stage = new Stage(4000);
    assert.equal(stage.hub.stream("diagnose/x")?.video.format?.codec, "vp8");
    stage.run(5_000);
    assert.equal(stage.packets.filter((packet) => (packet[1] ?? 0) >= 0x80).length, 1);
  });

  test("has the rate it is told, of key frames that begin with S and end with M", () => {
    const stage = new Stage(4000);
    stage.stream.begin();
    const before = stage.bytes;
    stage.run(stage.now + 10_000);
    const kbps = ((stage.bytes - before) * 8) / 10_000;
    assert.ok(Math.abs(kbps - 4000) < 100, `${kbps} kbit/s`);
    let fresh = true;
    for (const packet of stage.packets) {
      const flags = inspect("vp8", packet, RTP_HEADER_BYTES, packet.length);
      assert.equal(flags, fresh ? FRAME_START | KEYFRAME : 0);
      fresh = ((packet[1] ?? 0) & 0x80) !== 0;
      assert.ok(packet.length < 1200);
    }
  });

  test("does not make up for the time the machine slept: the rate is a bound", () => {
    const stage = new Stage(1000);
    stage.stream.begin();
    stage.run(stage.now + 100);
    stage.now += 60_000;
    const before = stage.bytes;
    stage.run(stage.now + 1_000);
    assert.ok((stage.bytes - before) * 8 < 1_200_000, `${stage.bytes - before} bytes in a second`);
  });

  test("ends with its publisher", () => {
    const stage = new Stage(1000);
    stage.stream.begin();
    stage.stream.end();
    const { length } = stage.packets;
    stage.run(stage.now + 1_000);
    assert.equal(stage.packets.length, length);
    assert.equal(stage.hub.stream("diagnose/x")?.publisher, undefined);
  });

  test("is a picture that a decoder of others takes, whatever fills it up", (t) => {
    const stage = new Stage(4000);
    const first = stage.packets[0] ?? new Uint8Array();
    const size = describeFrame("vp8", first, RTP_HEADER_BYTES, first.length);
    assert.deepEqual([size?.width, size?.height], [64, 36]);
    const frame = Buffer.concat(stage.packets.map((one) => one.subarray(RTP_HEADER_BYTES + 1)));
    // IVF: a header of 32 bytes, and 12 in front of the frame.
    const head = Buffer.alloc(44);
    head.write("DKIF\0\0\x20\0VP80", "latin1");
    head.set([64, 0, 36, 0, 30, 0, 0, 0, 1, 0, 0, 0, 1], 12);
    head.writeUInt32LE(frame.length, 32);
    const folder = mkdtempSync(join(tmpdir(), "monoport-"));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, "frame.ivf");
    writeFileSync(file, Buffer.concat([head, frame]));
    const args = ["-v", "error", "-xerror", "-i", file, "-f", "rawvideo", "-pix_fmt", "gray", "-"];
    const picture = execFileSync(need("ffmpeg"), args, { timeout: 20_000 });
    assert.equal(picture.length, 64 * 36);
  });
});

describe("the slots of tests", () => {
  test("are bounded for each address, of IPv6 by /64, and over all", () => {
    const slots = new Slots(3);
    const own = Array.from({ length: TESTS_PER_ADDRESS }, (_, i) => slots.take(`2001:db8::${i}`));
    assert.ok(own.every((slot) => typeof slot !== "string"));
    assert.match(String(slots.take("2001:db8::99")), /2 tests of 2001:db8::99 are under way/);
    const other = slots.take("192.0.2.1");
    assert.ok(typeof other !== "string");
    assert.match(String(slots.take("192.0.2.2")), /diagnose\.max_tests/);
    other.release();
    other.release();
    assert.equal(slots.taken, 2, "released once");
    assert.ok(typeof slots.take("192.0.2.2") !== "string");
  });
});
