import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { decodeDemoClip } from "../../../server/demo/demo_clip.ts";
import { repository } from "../../tools.ts";

const bytes = new Uint8Array(readFileSync(join(repository, "web/demo/clip.bin")));

describe("the demo clip", () => {
  const clip = decodeDemoClip(bytes);

  test("is ten seconds of 30 frames and 50 Opus packets each", () => {
    assert.equal(clip.durationMillis, 10_000);
    assert.equal(clip.video.length, 300);
    assert.equal(clip.audio.length, 500);
    assert.equal(clip.video[299]?.timestampMillis, (299 * 1000) / 30);
    assert.equal(clip.audio[499]?.timestampMillis, 9980);
  });

  test("has a keyframe with its parameter sets each second, and no B slice", () => {
    for (const [index, { keyframe, nalUnits }] of clip.video.entries()) {
      const types = nalUnits.map((nal) => (nal[0] ?? 0) & 31);
      assert.equal(keyframe, index % 30 === 0);
      if (keyframe) assert.deepEqual(types.slice(0, 3), [7, 8, 5]);
      else assert.ok(types.every((type) => type === 1));
    }
  });

  test("is constrained baseline, level 3.1", () => {
    const sps = clip.video[0]?.nalUnits[0] ?? new Uint8Array();
    assert.deepEqual([...sps.subarray(1, 4)], [0x42, 0xc0, 0x1f]);
  });

  test("has Opus packets of 20 ms, CELT or hybrid, stereo (RFC 6716 §3.1)", () => {
    const millis = [10, 20, 40, 60, 10, 20, 40, 60, 10, 20, 40, 60, 10, 20, 10, 20];
    for (const { packet } of clip.audio) {
      const toc = packet[0] ?? 0;
      const config = toc >> 3;
      const duration = config < 16 ? millis[config] : 2.5 * 2 ** (config % 4);
      assert.equal(duration, 20);
      assert.equal(toc & 3, 0, "one frame in a packet");
    }
  });

  test("is refused when damaged", () => {
    assert.throws(() => decodeDemoClip(new Uint8Array()), /damaged/);
    assert.throws(() => decodeDemoClip(bytes.subarray(0, -1)), /damaged/);
    const short = bytes.slice();
    short[17] = 0xff;
    assert.throws(() => decodeDemoClip(short), /damaged/);
  });
});
