import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  crc32Mpeg,
  encodePat,
  encodePesHeader,
  encodePmt,
  packetsOf,
  putPackets,
  StreamType,
} from "../../../../core/wire/mpegts/mod.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("MPEG-TS", () => {
  test("CRC-32/MPEG-2 of 123456789 is 0376e6e7", () => {
    assert.equal(crc32Mpeg(new TextEncoder().encode("123456789")), 0x0376e6e7);
  });

  // What `ffmpeg -f lavfi -i testsrc2 -f lavfi -i sine -c:v libx264 -c:a aac -f mpegts` (5.1) begins with.
  test("PAT, PMT, PCR and the times of a PES header are those of ffmpeg", () => {
    assert.equal(hex(encodePat(0x1000)), "0000b00d0001c100000001f0002ab104b2");
    const streams = [
      { type: StreamType.H264, pid: 0x100 },
      { type: StreamType.AdtsAac, pid: 0x101 },
    ];
    assert.equal(
      hex(encodePmt({ pcrPid: 0x100, streams, version: 0 })),
      "0002b0170001c10000e100f0001be100f0000fe101f0002f44b99b",
    );
    const header = hex(encodePesHeader(0xe0, 10, { pts: 133_200, dts: 126_000 }));
    assert.equal(header, "000001e0001784c00a31000910a1110007d861");
    const packet = new Uint8Array(188);
    putPackets(packet, 0, { pid: 0x100, payload: new Uint8Array(176), continuity: 0, pcr: 63_000 });
    assert.equal(hex(packet.subarray(0, 12)), "4741003007" + "1000007b0c7e00");
  });

  test("a PES header without DTS, and the last time of 33 bits", () => {
    const times = { pts: 126_000, dts: 126_000 };
    assert.equal(hex(encodePesHeader(0xc0, 10, times)), "000001c0001284800521" + "0007d861");
    const late = 2 ** 33 - 1;
    assert.equal(
      hex(encodePesHeader(0xc0, 10, { pts: late, dts: late }).subarray(9)),
      "2fffffffff",
    );
  });

  test("a payload of any size fills whole packets; the last is stuffed", () => {
    for (let size = 1; size < 600; size++) {
      for (const more of [{}, { pcr: 12_345 }, { randomAccess: true }]) {
        const data = {
          pid: 0x100,
          payload: new Uint8Array(size).fill(0xcd),
          continuity: 15,
          ...more,
        };
        const packets = packetsOf(data);
        const out = new Uint8Array(packets * 188);
        assert.equal(putPackets(out, 0, data), out.length);
        let seen = 0;
        for (let at = 0; at < out.length; at += 188) {
          const field = (out[at + 3] ?? 0) & 0x20 ? 1 + (out[at + 4] ?? 0) : 0;
          const body = out.subarray(at + 4 + field, at + 188);
          assert.ok(body.every((byte) => byte === 0xcd));
          seen += body.length;
        }
        assert.equal(seen, size);
      }
    }
  });

  test("the PCR is 33 bits of 90 kHz and an extension of 0", () => {
    const out = new Uint8Array(188);
    const payload = new Uint8Array(10);
    putPackets(out, 0, {
      pid: 0x1fff,
      payload,
      continuity: 0,
      pcr: 2 ** 33 - 1,
      randomAccess: true,
    });
    assert.equal(hex(out.subarray(0, 12)), "475fff30ad50fffffffffe00");
  });

  test("a packet without a payload has no start and does not count; a discontinuity is told", () => {
    const out = new Uint8Array(188);
    const data = {
      ...{ pid: 0x100, payload: new Uint8Array(0), continuity: 15 },
      ...{ pcr: 63_000, discontinuity: true },
    };
    assert.equal(packetsOf(data), 1);
    assert.equal(putPackets(out, 0, data), 188);
    assert.equal(hex(out.subarray(0, 12)), "4701002fb7" + "9000007b0c7e00");
    assert.ok(out.subarray(12).every((byte) => byte === 0xff));
  });
});
