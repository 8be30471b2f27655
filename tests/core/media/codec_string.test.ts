import assert from "node:assert/strict";
import { test } from "node:test";
import { profileAndLevel } from "../../../core/media/mod.ts";
import { opusSound } from "../../../core/media/opus/mod.ts";

test("codecs= tells profile and level (RFC 6381)", () => {
  for (const [text, profile, level] of [
    ["avc1.42e01f", "Constrained Baseline", "3.1"],
    ["avc3.640C28", "Constrained High", "4"],
    ["avc1.42100b", "Baseline", "1b"],
    ["hvc1.1.6.L93.B0", "Main", "3.1"],
    ["hev1.A2.4.H153", "Main 10", "5.1"],
    ["av01.0.04M.08", "Main", "3.0"],
    ["av01.1.31H.10", "High", ""],
    ["vp09.02.10.08", "2", ""],
    ["opus", "", ""],
    ["avc1.", "", ""],
    ["hvc1.1", "", ""],
  ] as const) {
    assert.deepEqual(profileAndLevel(text), { profile, level }, text);
  }
});

test("the first byte of an Opus packet tells mode, bandwidth and channels (RFC 6716 Table 2)", () => {
  for (const [config, profile] of [
    [0, "SILK narrowband"],
    [7, "SILK mediumband"],
    [11, "SILK wideband"],
    [12, "hybrid super-wideband"],
    [15, "hybrid fullband"],
    [16, "CELT narrowband"],
    [23, "CELT wideband"],
    [27, "CELT super-wideband"],
    [31, "CELT fullband"],
  ] as const) {
    assert.deepEqual(opusSound(config << 3), { channels: 1, profile });
    assert.deepEqual(opusSound((config << 3) | 4 | 3), { channels: 2, profile });
  }
});
