import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type CodecName, depacketizerFor } from "../../../core/media/mod.ts";

const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));
const shown = (data: Uint8Array | undefined): string => Buffer.from(data ?? []).toString("hex");

/** libaom's sequence header of 98x66, Main, level 2.0, without its size: the first of vectors/media/av1.hex. */
const SEQUENCE = "08 00 00 00 03 36 18 26 d7 c8 02";
const SEQUENCE_SIZED = "0a 0a 00 00 00 03 36 18 26 d7 c8 02";

test("OBUs get their sizes, temporal delimiters go (AV1 RTP §5)", () => {
  const av1 = depacketizerFor("av1", 0);
  // W=3: delimiter, sequence header, frame.
  const payload = hex(`38 01 10 0b ${SEQUENCE} 30 aabb`);
  av1.push(payload, 0, payload.length);
  const frame = av1.take();
  assert.equal(shown(frame?.data), shown(hex(`${SEQUENCE_SIZED} 32 02 aabb`)));
  assert.equal(frame?.keyframe, true);
  assert.equal(frame?.format?.codecString, "av01.0.00M.08");
  assert.deepEqual([frame?.format?.width, frame?.format?.height], [98, 66]);
  assert.deepEqual(frame?.format?.configuration.subarray(0, 4), Uint8Array.of(0x81, 0x00, 0x0c, 0));
});

test("an OBU goes over packets by Y and Z", () => {
  const av1 = depacketizerFor("av1", 0);
  for (const text of ["50 30 aa", "d0 bb", "90 cc"]) {
    const payload = hex(text);
    av1.push(payload, 0, payload.length);
  }
  assert.equal(shown(av1.take()?.data), "3203aabbcc");
});

test("what is gone on with without its beginning is passed over", () => {
  const av1 = depacketizerFor("av1", 0);
  const payload = hex("a0 02 bbbb 30 aa"); // Z, W=2: the rest of an OBU, then a whole one
  av1.push(payload, 0, payload.length);
  assert.equal(shown(av1.take()?.data), "3201aa");
});

test("no payload makes any of them throw", () => {
  for (const codec of ["h264", "h265", "vp8", "vp9", "av1", "opus", "pcma"] as CodecName[]) {
    const depacketizer = depacketizerFor(codec, 2);
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }), (payloads) => {
        for (const payload of payloads) depacketizer.push(payload, 0, payload.length);
        depacketizer.take();
      }),
      { seed: 61, numRuns: 1000 },
    );
  }
});
