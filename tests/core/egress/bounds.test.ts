/** Publishers whose times stand still: what muxers keep has a bound all the same. @module */
import assert from "node:assert/strict";
import { test } from "node:test";
import { putU32 } from "../../../core/bytes/mod.ts";
import { KEPT_MAX_BYTES as CAST_MAX_BYTES } from "../../../core/egress/cast/mod.ts";
import { encodeTags, flvCast } from "../../../core/egress/flv/mod.ts";
import { SEGMENT_MAX_BYTES, Segmenter } from "../../../core/egress/hls/mod.ts";
import { box, fullBox, words } from "../../../core/egress/mp4/box.ts";
import { decodeFragment, FRAGMENT_DAMAGED } from "../../../core/egress/mp4/fragment.ts";
import { fitsMp4 } from "../../../core/egress/mp4/mod.ts";
import { Interleaver, KEPT_MAX_BYTES } from "../../../core/egress/record/mod.ts";
import type { Frame } from "../../../core/stream/mod.ts";
import { H264, OPUS } from "./hls/stage.ts";

const MIB = new Uint8Array(1024 * 1024);

function picture(dts: number, keyframe: boolean, data: Uint8Array = MIB): Frame {
  return { kind: "video", dts, pts: dts, keyframe, data };
}

function sound(dts: number, data: Uint8Array): Frame {
  return { kind: "audio", dts, pts: dts, keyframe: true, data };
}

for (const both of [false, true]) {
  test(`HLS: a segment that does not end is ended at its bound${both ? ", of sound too" : ""}`, () => {
    let kept = 0;
    const segmenter = new Segmenter(
      { segmentMillis: 2000, maxSegmentMillis: 3400, partMillis: 400, fits: fitsMp4 },
      {
        handleSegmentStart: () => {},
        handlePart: ({ runs }) => {
          for (const { samples } of runs) for (const { data } of samples) kept -= data.length;
        },
        handleSegmentEnd: () => {},
      },
    );
    segmenter.handleFormat(H264);
    if (both) segmenter.handleFormat(OPUS);
    for (let i = 0; i < 200; i++) {
      const frame = both && i > 1 ? sound(0, MIB) : picture(0, true);
      kept += frame.data.length;
      segmenter.handleFrame(frame);
      assert.ok(kept <= SEGMENT_MAX_BYTES, `${kept}`);
    }
  });
}

test("recordings: what waits for another track has a bound in bytes", () => {
  let kept = 0;
  const interleaver = new Interleaver({ now: () => 0, expects: () => false }, ({ data }) => {
    kept -= data.length;
  });
  for (let i = 0; i < 100; i++) {
    kept += MIB.length;
    interleaver.put(picture(i, i === 0), H264);
    assert.ok(kept <= KEPT_MAX_BYTES);
  }
});

test("FLV: tags count with what they cost, so that single bytes have a bound, too", () => {
  const cast = flvCast({ server: "test", opus: true, lagMillis: 1e9, onPending: () => {} });
  cast.handleFormat(H264);
  cast.handleFormat(OPUS);
  const stalled = cast.join(encodeTags);
  cast.handleFrame(picture(0, true, new Uint8Array(10)));
  cast.flush(0);
  cast.poll(stalled, 0);
  const one = new Uint8Array(1);
  for (let i = 0; i < 400_000; i++) {
    cast.handleFrame(sound(0, one));
    if (i % 1000 !== 0) continue;
    cast.flush(1);
    cast.trim([stalled], 1);
    assert.ok(cast.keptBytes <= CAST_MAX_BYTES);
  }
  assert.equal(cast.poll(stalled, 2), undefined, "it was dropped");
});

test("MP4: a fragment that tells more samples than it has bytes for is damaged", () => {
  const flags = (value: number): Uint8Array => words([value]);
  const trun = fullBox("trun", 0, 1, [words([90_000, 0])]);
  const traf = box(
    "traf",
    box("tfhd", [flags(0x02_0000), words([1])]),
    fullBox("tfdt", 0, 0, [words([0])]),
    ...Array.from({ length: 1000 }, () => trun),
  );
  const bytes = Buffer.concat([...traf]);
  putU32(bytes, 0, bytes.length);
  const from = performance.now();
  assert.equal(decodeFragment(bytes), FRAGMENT_DAMAGED);
  assert.ok(performance.now() - from < 10_000);
});
