import assert from "node:assert/strict";
import { test } from "node:test";
import { type AdtsCast, adtsCast } from "../../../../core/egress/adts/mod.ts";
import { chunkedBytes, KEPT_MAX_BYTES, plainBytes } from "../../../../core/egress/cast/mod.ts";
import type { Frame } from "../../../../core/stream/mod.ts";
import { AAC, H264_TS } from "../ts/stage.ts";

function made(): AdtsCast {
  return adtsCast({ lagMillis: 5000, onPending: () => {} });
}

function heard(dts: number, bytes = 4): Frame {
  return { kind: "audio", dts, pts: dts, keyframe: true, data: new Uint8Array(bytes).fill(9) };
}

const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString("hex");

test("sound is AAC in ADTS from any frame on; pictures are passed over, and not waited for", () => {
  const cast = made();
  cast.handleFormat(H264_TS);
  cast.handleFrame({ kind: "video", dts: 0, pts: 0, keyframe: true, data: new Uint8Array(9) });
  cast.handleFormat(AAC);
  cast.handleFrame(heard(0));
  cast.flush(0);
  cast.handleFrame(heard(21));
  cast.flush(100);
  const viewer = cast.join(plainBytes);
  assert.equal(hex(cast.poll(viewer, 100)), "fff14c80017ffc09090909");
  assert.equal(cast.poll(viewer, 100), undefined);
});

test("sound that ADTS cannot carry is left out, and no chunk is empty: it would end the body", () => {
  const cast = made();
  const viewer = cast.join(chunkedBytes);
  cast.handleFormat({ ...AAC, codec: "opus" });
  cast.handleFrame(heard(0));
  cast.handleFormat(AAC);
  cast.handleFrame(heard(21, 9000));
  cast.flush(100);
  assert.equal(cast.poll(viewer, 100), undefined);
});

test("what is kept for who is behind has a bound", () => {
  const cast = adtsCast({ lagMillis: 1e9, onPending: () => {} });
  cast.handleFormat(AAC);
  cast.handleFrame(heard(0));
  cast.flush(0);
  const stalled = cast.join(plainBytes);
  cast.poll(stalled, 0);
  for (let i = 0; i < 6000; i++) {
    cast.handleFrame(heard(i, 8000));
    if (i % 10 > 0) continue;
    cast.flush(i);
    cast.trim([stalled], i);
    assert.ok(cast.keptBytes <= KEPT_MAX_BYTES + 10 * 8200);
  }
});
