import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  type CodecName,
  describe as describeFormat,
  FRAME_START,
  inspect,
  KEYFRAME,
  type VideoDescription,
} from "../../../core/media/mod.ts";
import { mediaPackets } from "./packets.ts";

/** K keyframe start, S frame start, . neither. */
function marks(codec: CodecName, name: string): string {
  return mediaPackets(name)
    .map(({ bytes, header }) => letter(inspect(codec, bytes, header.payloadAt, header.payloadEnd)))
    .join("");
}

function letter(flags: number): string {
  assert.ok([0, FRAME_START, FRAME_START | KEYFRAME].includes(flags), String(flags));
  return flags === 0 ? "." : flags === FRAME_START ? "S" : "K";
}

const of = (codec: CodecName, ...bytes: number[]): string =>
  letter(inspect(codec, Uint8Array.from(bytes), 0, bytes.length));

function descriptions(codec: CodecName, name: string): (VideoDescription | undefined)[] {
  return mediaPackets(name).map(({ bytes, header }) =>
    describeFormat(codec, bytes, header.payloadAt, header.payloadEnd),
  );
}

describe("RFC 6184: H.264", () => {
  test("parameter sets in a STAP-A, SEI and IDR in FU-As, then inter frames, then a keyframe", () => {
    assert.equal(marks("h264", "h264_high"), "KS..K.S.S.KK");
    assert.equal(marks("h264", "h264_baseline"), "KS..KSSK");
  });

  test("single NAL units: only the first slice of a picture starts a frame", () => {
    assert.equal(of("h264", 0x65, 0x88), "K");
    assert.equal(of("h264", 0x65, 0x00, 0x1f), ".");
    assert.equal(of("h264", 0x41, 0x9a), "S");
    assert.equal(of("h264", 0x41, 0x00), ".");
    assert.equal(of("h264", 0x67), "K");
    assert.equal(of("h264", 0x68), "S");
    assert.equal(of("h264", 0x06), "S");
    assert.equal(of("h264", 0x09), "S");
    assert.equal(of("h264", 0x0c), ".");
    assert.equal(of("h264"), ".");
  });

  test("STAP-B, MTAP16, MTAP24 and FU-B", () => {
    assert.equal(of("h264", 25, 0, 1, 0, 2, 0x06, 0x9a, 0, 2, 0x65, 0x88), "K");
    assert.equal(of("h264", 26, 0, 1, 0, 5, 7, 0, 0, 0x65, 0x88), "K");
    assert.equal(
      of("h264", 27, 0, 1, 0, 6, 7, 0, 0, 0, 0x06, 0x9a, 0, 6, 7, 0, 0, 0, 0x65, 0x88),
      "K",
    );
    assert.equal(of("h264", 29, 0x85, 0, 1, 0x88), "K");
    assert.equal(of("h264", 29, 0x05, 0, 1, 0x88), ".");
    assert.equal(of("h264", 28, 0x45, 0x88), ".");
  });

  test("parameter sets in front of an inter picture make no keyframe", () => {
    assert.equal(of("h264", 24, 0, 2, 0x67, 0x42, 0, 1, 0x68, 0, 2, 0x41, 0x9a), "S");
    assert.equal(of("h264", 24, 0, 2, 0x67, 0x42, 0, 1, 0x68, 0, 2, 0x65, 0x88), "K");
    assert.equal(of("h264", 24, 0, 2, 0x65, 0x00, 0, 2, 0x65, 0x88), "K");
    assert.equal(of("h264", 24, 0, 2, 0x0c, 0xff, 0, 2, 0x41, 0x9a), ".");
    assert.equal(of("h265", 48 << 1, 1, 0, 2, 33 << 1, 1, 0, 3, 1 << 1, 1, 0x80), "S");
    assert.equal(of("h265", 48 << 1, 1, 0, 2, 33 << 1, 1, 0, 3, 19 << 1, 1, 0x80), "K");
  });

  test("sizes that run out of an aggregate end at the payload", () => {
    assert.equal(of("h264", 24, 0xff, 0xff, 0x65, 0x88), "K");
    assert.equal(of("h264", 24, 0, 0, 0, 0, 0, 2, 0x65, 0x88), "K");
    for (const type of [24, 25, 26, 27, 28, 29]) assert.equal(of("h264", type), ".");
    assert.equal(of("h264", 26, 0, 1, 0, 1, 7, 0, 0), ".");
  });

  test("an aggregate of empty units takes time in proportion to its length", () => {
    const bytes = new Uint8Array(1 << 20);
    bytes[0] = 24;
    const before = performance.now();
    assert.equal(inspect("h264", bytes, 0, bytes.length), 0);
    assert.ok(performance.now() - before < 10_000);
  });
});

describe("RFC 7798: H.265", () => {
  test("an aggregate of parameter sets, the IDR in FUs, then inter frames, then a keyframe", () => {
    assert.equal(marks("h265", "h265_main"), "KK...SS.KK");
  });

  test("single NAL units", () => {
    for (let type = 16; type <= 21; type++) {
      assert.equal(of("h265", type << 1, 1, 0x80), "K");
      assert.equal(of("h265", type << 1, 1, 0x7f), ".");
      assert.equal(of("h265", 49 << 1, 1, 0x80 | type, 0x80), "K");
      assert.equal(of("h265", 49 << 1, 1, type, 0x80), ".");
    }
    assert.equal(of("h265", 1 << 1, 1, 0x80), "S");
    assert.equal(of("h265", 22 << 1, 1, 0x80), "S", "reserved");
    assert.equal(of("h265", 33 << 1, 1), "K");
    assert.equal(of("h265", 39 << 1, 1), "S");
    assert.equal(of("h265", 40 << 1, 1), ".", "suffix SEI");
    assert.equal(of("h265", 50 << 1, 1, 0x80), ".");
    assert.equal(of("h265", 48 << 1, 1, 0, 3, 39 << 1, 1, 0x80, 0, 3, 19 << 1, 1, 0x80), "K");
    assert.equal(of("h265", 33 << 1), ".");
  });
});

describe("RFC 7741: VP8", () => {
  test("a key frame in many packets, inter frames in one, then a key frame", () => {
    assert.equal(marks("vp8", "vp8"), "K.....SSK.");
  });

  test("every optional field of the descriptor", () => {
    assert.equal(of("vp8", 0x10, 0x00), "K");
    assert.equal(of("vp8", 0x10, 0x01), "S");
    assert.equal(of("vp8", 0x11, 0x00), ".", "second partition");
    assert.equal(of("vp8", 0x00, 0x00), ".", "not the start");
    assert.equal(of("vp8", 0x90, 0x80, 0x7f, 0x00), "K", "7-bit PictureID");
    assert.equal(of("vp8", 0x90, 0x80, 0xff, 0xff, 0x00), "K", "15-bit PictureID");
    assert.equal(of("vp8", 0x90, 0xf0, 0x80, 1, 9, 0xe0, 0x00), "K", "all of them");
    assert.equal(of("vp8", 0x90, 0x10, 0xe0, 0x01), "S", "K alone");
    assert.equal(of("vp8", 0x90, 0xf0, 0x80, 1, 9, 0xe0), ".", "nothing behind it");
    assert.equal(of("vp8", 0x90), ".");
    assert.equal(of("vp8", 0x90, 0x80), ".");
  });
});

describe("RFC 9628: VP9", () => {
  test("FFmpeg, whose descriptors never set P: the frame header tells", () => {
    assert.equal(marks("vp9", "vp9"), "K.....SSK.");
    assert.equal(marks("vp9", "vp9_444"), "K.....SSK.");
  });

  test("every optional field of the descriptor", () => {
    const key = 0x82;
    assert.equal(of("vp9", 0x08, key), "K");
    assert.equal(of("vp9", 0x48, key), "S", "P: predicted");
    assert.equal(of("vp9", 0x00, key), ".", "not the start");
    assert.equal(of("vp9", 0x08, 0x86), "S", "inter frame");
    assert.equal(of("vp9", 0x08, 0x8a), "S", "shows an existing frame");
    assert.equal(of("vp9", 0x08, 0xb1), "K", "profile 3");
    assert.equal(of("vp9", 0x08, 0xb2), "S", "profile 3, inter frame");
    assert.equal(of("vp9", 0x88, 0x7f, key), "K", "7-bit PictureID");
    assert.equal(of("vp9", 0xa8, 0xff, 0xff, 0x01, 7, key), "K", "15 bits, layer, TL0PICIDX");
    assert.equal(of("vp9", 0xb8, 0xff, 0xff, 0x00, key), "K", "flexible mode");
    assert.equal(of("vp9", 0xa8, 0xff, 0xff, 0x02, 7, key), ".", "second spatial layer");
    assert.equal(
      of("vp9", 0x0a, 0x18, 2, 0x80, 1, 0x40, 1, 0x04, 9, key),
      "K",
      "sizes, picture group",
    );
    assert.equal(of("vp9", 0x0a, 0x10, 2, 0x80), "S", "structure cut off");
    assert.equal(of("vp9", 0x88), ".");
    assert.equal(of("vp9", 0x08), ".");
  });
});

describe("AV1 RTP payload format §4.4", () => {
  test("new coded video sequence, continuation, inter frame, elements with lengths", () => {
    assert.equal(marks("av1", "av1"), "K.SKK");
  });

  test("aggregation header and first OBU", () => {
    assert.equal(of("av1", 0x18, 0x30), "K", "N");
    assert.equal(of("av1", 0x10, 0x0a), "K", "sequence header");
    assert.equal(of("av1", 0x98, 0x0a), ".", "Z");
    assert.equal(of("av1", 0x10, 0x30), "S", "frame");
    assert.equal(of("av1", 0x10, 0x20), ".", "tile group");
    assert.equal(of("av1", 0x00, 0x01, 0x30), "S", "with a length");
    assert.equal(of("av1", 0x00, 0x81, 0x00, 0x30), "S", "with a longer length");
    assert.equal(of("av1", 0x00), ".");
  });
});

test("every packet of audio is the start of what can be decoded", () => {
  for (const codec of ["opus", "pcmu", "pcma"] as const) assert.equal(of(codec, 1, 2), "K");
});

describe("descriptions", () => {
  const first = (codec: CodecName, name: string): VideoDescription | undefined =>
    descriptions(codec, name)[0];

  test("H.264: cropping, interlaced, scaling matrices, chroma formats, levels", () => {
    assert.deepEqual(first("h264", "h264_high"), {
      width: 1918,
      height: 1078,
      profile: "High",
      level: "4.1",
    });
    assert.deepEqual(first("h264", "h264_baseline"), {
      width: 176,
      height: 144,
      profile: "Constrained Baseline",
      level: "1.1",
    });
    assert.deepEqual(descriptions("h264", "h264_sps"), [
      { width: 1920, height: 1080, profile: "High", level: "4" },
      { width: 640, height: 358, profile: "High 4:2:2", level: "2.2" },
      { width: 321, height: 241, profile: "High 4:4:4 Predictive", level: "1.2" },
      { width: 320, height: 240, profile: "Main", level: "1b" },
      { width: 480, height: 270, profile: "High", level: "2.1" },
    ]);
  });

  test("H.264: scaling lists in the SPS, cut short and whole", () => {
    const ue = (value: number): string => {
      const digits = (value + 1).toString(2);
      return "0".repeat(digits.length - 1) + digits;
    };
    const se = (value: number): string => ue(value > 0 ? 2 * value - 1 : -2 * value);
    const lists = [
      `1${se(-4)}${se(1).repeat(15)}`,
      `1${se(-8)}`,
      "0000",
      `1${se(2)}${se(-1).repeat(9)}${se(0).repeat(54)}`,
      "0",
    ];
    const picture = [ue(0), ue(2), ue(1), "0", ue(39), ue(21), "1", "1", "0", "0", "1"];
    const bits = [ue(0), ue(1), ue(0), ue(0), "0", "1", ...lists, ...picture].join("");
    const bytes = [0x67, 100, 0, 31];
    for (let at = 0; at < bits.length; at += 8) {
      bytes.push(Number.parseInt(bits.slice(at, at + 8).padEnd(8, "0"), 2));
    }
    assert.deepEqual(describeFormat("h264", Uint8Array.from(bytes), 0, bytes.length), {
      width: 640,
      height: 352,
      profile: "High",
      level: "3.1",
    });
  });

  test("H.265: conformance window, bit depth, chroma", () => {
    assert.deepEqual(first("h265", "h265_main"), {
      width: 426,
      height: 240,
      profile: "Main",
      level: "2",
    });
    assert.deepEqual(descriptions("h265", "h265_sps"), [
      { width: 1920, height: 1080, profile: "Main 10", level: "4" },
      { width: 642, height: 362, profile: "Range Extensions", level: "2.1" },
      { width: 320, height: 180, profile: "Main", level: "2" },
    ]);
  });

  test("VP8, VP9, AV1", () => {
    assert.deepEqual(first("vp8", "vp8"), { width: 322, height: 242, profile: "0" });
    assert.deepEqual(first("vp9", "vp9"), { width: 322, height: 242, profile: "0" });
    assert.deepEqual(first("vp9", "vp9_444"), { width: 320, height: 240, profile: "1" });
    const av1 = { width: 98, height: 66, profile: "Main", level: "2.0" };
    assert.deepEqual(descriptions("av1", "av1"), [
      av1,
      undefined,
      undefined,
      av1,
      { width: 1920, height: 1080, profile: "Main", level: "4.0" },
    ]);
  });

  test("VP9: the largest layer of a scalability structure", () => {
    const sizes = [1, 0x40, 0, 0xb4, 2, 0x80, 1, 0x68];
    const payload = Uint8Array.from([
      0x0a,
      0x30,
      ...sizes,
      0x82,
      0x49,
      0x83,
      0x42,
      0,
      0x13,
      0xf0,
      0x0b,
      0x30,
    ]);
    assert.deepEqual(describeFormat("vp9", payload, 0, payload.length), {
      width: 640,
      height: 360,
      profile: "0",
    });
  });

  test("only packets with parameter sets have one", () => {
    for (const [codec, name, from] of [
      ["h264", "h264_high", 1],
      ["h265", "h265_main", 1],
      ["vp8", "vp8", 1],
      ["vp9", "vp9", 1],
    ] as const) {
      const found = descriptions(codec, name)
        .slice(from)
        .filter((value) => value !== undefined);
      assert.equal(found.length, 1, name);
    }
  });
});

describe("whatever the bytes", () => {
  const VECTORS: readonly (readonly [CodecName, string])[] = [
    ["h264", "h264_sps"],
    ["h265", "h265_sps"],
    ["vp8", "vp8"],
    ["vp9", "vp9"],
    ["av1", "av1"],
  ];

  function holds(codec: CodecName, bytes: Uint8Array, from: number, to: number): void {
    letter(inspect(codec, bytes, from, to));
    const found = describeFormat(codec, bytes, from, to);
    if (found === undefined) return;
    assert.ok(found.width > 0 && found.width <= 16_384 && Number.isInteger(found.width));
    assert.ok(found.height > 0 && found.height <= 16_384 && Number.isInteger(found.height));
  }

  test("cut at every length, nothing behind the cut is read", () => {
    for (const [codec, name] of VECTORS) {
      for (const { bytes, header } of mediaPackets(name)) {
        for (let to = header.payloadAt; to <= header.payloadEnd; to++) {
          holds(codec, bytes, header.payloadAt, to);
          const cut = bytes.slice(0, to);
          const from = header.payloadAt;
          assert.equal(inspect(codec, bytes, from, to), inspect(codec, cut, from, to));
          assert.deepEqual(
            describeFormat(codec, bytes, from, to),
            describeFormat(codec, cut, from, to),
          );
        }
      }
    }
  });

  test("every bit of a keyframe's start flipped", () => {
    for (const [codec, name] of VECTORS) {
      const { bytes, header } = mediaPackets(name)[0]!;
      const end = Math.min(header.payloadEnd, header.payloadAt + 64);
      for (let bit = header.payloadAt * 8; bit < end * 8; bit++) {
        const flipped = bytes.slice();
        flipped[bit >> 3] = flipped[bit >> 3]! ^ (0x80 >> (bit & 7));
        holds(codec, flipped, header.payloadAt, header.payloadEnd);
      }
    }
  });

  test("random bytes behind every first byte", () => {
    const codec = fc.constantFrom<CodecName>("h264", "h265", "vp8", "vp9", "av1", "opus");
    fc.assert(
      fc.property(codec, fc.uint8Array({ maxLength: 60 }), (name, bytes) =>
        holds(name, bytes, 0, bytes.length),
      ),
      { seed: 7, numRuns: 5000 },
    );
    fc.assert(
      fc.property(
        fc.constantFrom(0x67, 0x42),
        fc.uint8Array({ minLength: 4, maxLength: 200 }),
        (type, bytes) => {
          bytes[0] = type;
          holds(type === 0x67 ? "h264" : "h265", bytes, 0, bytes.length);
        },
      ),
      { seed: 8, numRuns: 2000 },
    );
  });
});
