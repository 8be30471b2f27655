/** Decoder configurations are sent to every viewer who joins: none is longer than it need be. @module */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isFault } from "../../../core/base/mod.ts";
import {
  AUDIO_CONFIG_MAX_BYTES,
  BAD_AUDIO_CONFIG,
  decodeAudioSpecificConfig,
} from "../../../core/media/aac/mod.ts";
import { formatOfAv1, SEQUENCE_HEADER_MAX_BYTES } from "../../../core/media/av1/depacketize.ts";
import { withSize } from "../../../core/media/av1/temporal_unit.ts";
import { pictureReaderFor } from "../../../core/media/mod.ts";
import { PARAMETER_SET_MAX_BYTES, PARAMETER_SETS_MAX } from "../../../core/media/parameter_sets.ts";

test("an AudioSpecificConfig that esds has no room for is refused", () => {
  const longest = new Uint8Array(AUDIO_CONFIG_MAX_BYTES);
  longest.set([0x12, 0x10]);
  assert.ok(!isFault(decodeAudioSpecificConfig(longest)));
  const longer = new Uint8Array(AUDIO_CONFIG_MAX_BYTES + 1);
  longer.set([0x12, 0x10]);
  assert.equal(decodeAudioSpecificConfig(longer), BAD_AUDIO_CONFIG);
});

test("a sequence header of AV1 with padding behind it is none", () => {
  const obu = Buffer.from("0800000003361826d7c802", "hex"); // libaom's, of 98x66
  const padded = (length: number): Uint8Array =>
    withSize(Uint8Array.from([...obu, ...new Uint8Array(length - obu.length)])) ?? obu;
  assert.equal(formatOfAv1(padded(100))?.width, 98);
  assert.equal(formatOfAv1(padded(SEQUENCE_HEADER_MAX_BYTES + 1)), undefined);
});

test("parameter sets of H.264 that a record has room for do not all get into what viewers are sent", () => {
  const sps = Buffer.from("6742c01eda0280bfe5c044000003000400000300c83c58ba80", "hex");
  const pps = new Uint8Array(65_535).fill(1);
  pps[0] = 0x68;
  const sets = Array.from({ length: 32 }, (_, i) => {
    pps[1] = i;
    return Uint8Array.from([pps.length >> 8, pps.length & 255, ...pps]);
  });
  const head = [1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, sps.length, ...sps, sets.length];
  const reader = pictureReaderFor("h264");
  assert.equal(
    reader.configure(new Uint8Array(Buffer.concat([Uint8Array.from(head), ...sets]))),
    undefined,
  );
  const picture = reader.read(Uint8Array.of(0, 0, 0, 3, 0x65, 0x88, 0x80), true);
  assert.ok(picture !== undefined && !isFault(picture));
  assert.ok(picture.format.configuration.length < PARAMETER_SETS_MAX * PARAMETER_SET_MAX_BYTES);
});
