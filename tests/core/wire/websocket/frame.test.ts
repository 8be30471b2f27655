import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Fault } from "../../../../core/base/mod.ts";
import { concat, latin1, latin1Bytes } from "../../../../core/bytes/mod.ts";
import * as websocket from "../../../../core/wire/websocket/mod.ts";
import { nodeCrypto } from "../../../../runtime/common/crypto.ts";
import { mask } from "./mask.ts";

const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

/** All frames in `bytes` when they come in pieces of `size`, or the fault. */
function decode(bytes: Uint8Array, size: number, maxBytes = 100_000): websocket.Frame[] | Fault {
  const decoder = new websocket.FrameDecoder(maxBytes);
  const frames: websocket.Frame[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.slice(at, at + size);
    for (let from = 0; from < piece.length; ) {
      const got = decoder.decode(piece, from);
      if (got instanceof Fault) return got;
      if (got === undefined) break;
      frames.push(got.frame);
      from = got.end;
    }
  }
  return frames;
}

describe("RFC 6455 §5.7: the examples", () => {
  test("a masked text message", () => {
    const [frame] = decode(hex("81 85 37 fa 21 3d 7f 9f 4d 51 58"), 100) as websocket.Frame[];
    assert.deepEqual(frame, { fin: true, opcode: websocket.TEXT, payload: latin1Bytes("Hello") });
  });

  test("an unmasked text message is what a server sends", () => {
    assert.deepEqual(websocket.encodeFrame(1, latin1Bytes("Hello")), hex("81 05 48 65 6c 6c 6f"));
  });

  test("an unmasked one from a client is refused", () => {
    assert.equal(decode(hex("81 05 48 65 6c 6c 6f"), 100), websocket.NOT_MASKED);
  });

  test("an unmasked message in two fragments", () => {
    assert.deepEqual(websocket.encodeFrame(1, latin1Bytes("Hel"), false), hex("01 03 48 65 6c"));
    assert.deepEqual(websocket.encodeFrame(0, latin1Bytes("lo")), hex("80 02 6c 6f"));
  });

  test("256 bytes and 64 KiB of binary", () => {
    const header = (size: number): Uint8Array =>
      websocket.encodeFrame(2, new Uint8Array(size)).subarray(0, -size);
    assert.deepEqual(header(256), hex("82 7e 01 00"));
    assert.deepEqual(header(65536), hex("82 7f 00 00 00 00 00 01 00 00"));
  });

  test("§1.3, §4.2.2: Sec-WebSocket-Accept", () => {
    const key = "dGhlIHNhbXBsZSBub25jZQ==";
    assert.ok(websocket.isWebSocketKey(key));
    assert.equal(websocket.acceptKey(key, nodeCrypto), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    for (const bad of ["", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZR==", `${key}A`]) {
      assert.ok(!websocket.isWebSocketKey(bad), bad);
    }
  });
});

describe("RFC 6455 §5.2, §5.5: what is refused, as soon as it shows", () => {
  for (const [name, bytes, fault] of [
    ["RSV1", "c1", websocket.RESERVED_BIT],
    ["RSV3", "91", websocket.RESERVED_BIT],
    ["opcode 3", "83", websocket.BAD_OPCODE],
    ["opcode 11", "8b", websocket.BAD_OPCODE],
    ["a control frame in fragments", "09", websocket.BAD_CONTROL_FRAME],
    ["a control frame of 126 bytes", "89 fe", websocket.BAD_CONTROL_FRAME],
    ["no mask", "82 00", websocket.NOT_MASKED],
    ["125 bytes in 16 bits", "82 fe 00 7d", websocket.BAD_LENGTH],
    ["65535 bytes in 64 bits", "82 ff 00 00 00 00 00 00 ff ff", websocket.BAD_LENGTH],
    ["the top bit of 64", "82 ff 80 00 00 00 00 01 00 00", websocket.BAD_LENGTH],
    ["2^53 bytes", "82 ff 00 20 00 00 00 00 00 00", websocket.BAD_LENGTH],
    ["more than the limit", "82 ff 00 00 00 00 00 01 86 a1", websocket.MESSAGE_TOO_BIG],
  ] as const) {
    test(name, () => {
      const wire = hex(bytes);
      assert.equal(decode(wire, 1), fault);
      assert.deepEqual(decode(wire.subarray(0, -1), 1), []);
    });
  }
});

test("a claimed length allocates nothing: the buffer grows with what comes", () => {
  const decoder = new websocket.FrameDecoder(1 << 30);
  const before = process.memoryUsage().arrayBuffers;
  decoder.decode(hex("82 ff 00 00 00 00 3f ff ff ff 01 02 03 04 05"), 0);
  assert.ok(process.memoryUsage().arrayBuffers - before < 1 << 20);
});

test("frames cut anywhere, in any pieces, come out alike", () => {
  const frame = fc.record({
    opcode: fc.constantFrom(0, 1, 2, 8, 9, 10),
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 125 }),
      fc.uint8Array({ minLength: 126, maxLength: 300 }),
    ),
    key: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  });
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 6 }),
      fc.integer({ min: 1, max: 50 }),
      (list, size) => {
        const frames = list.map(({ opcode, payload, key }) => ({
          opcode,
          key,
          payload: opcode >= 8 ? payload.subarray(0, 125) : payload,
        }));
        const wire = concat(
          frames.map((f) => mask(websocket.encodeFrame(f.opcode, f.payload), f.key)),
        );
        const got = decode(wire, size);
        assert.ok(!(got instanceof Fault));
        assert.deepEqual(
          got,
          frames.map(({ opcode, payload }) => ({ fin: true, opcode, payload: payload.slice() })),
        );
        const cut = decode(wire.subarray(0, -1), size);
        assert.ok(
          !(cut instanceof Fault) && (frames.length === 0 || cut.length === frames.length - 1),
        );
      },
    ),
    { seed: 8, numRuns: 200 },
  );
});

test("every bit flipped, and whatever the bytes: a fault or frames, and nothing throws", () => {
  const wire = mask(websocket.encodeFrame(1, latin1Bytes("Hello")), Uint8Array.of(1, 2, 3, 4));
  for (let bit = 0; bit < wire.length * 8; bit++) {
    const flipped = wire.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    const got = decode(flipped, 3);
    if (got instanceof Fault || got.length === 0) continue;
    assert.notDeepEqual(got[0], { fin: true, opcode: 1, payload: latin1Bytes("Hello") });
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 7 }), (bytes, size) => {
      const pieces = decode(bytes, size);
      const whole = decode(bytes, Math.max(bytes.length, 1));
      assert.deepEqual(pieces, whole);
    }),
    { seed: 9, numRuns: 1000 },
  );
});

describe("RFC 6455 §7.4: Close", () => {
  test("codes that may be on the wire", () => {
    for (const code of [1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999]) {
      assert.ok(websocket.isCloseCode(code), `${code}`);
    }
    for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535]) {
      assert.ok(!websocket.isCloseCode(code), `${code}`);
    }
  });

  test("a code and a reason, neither, or a fault", () => {
    const close = websocket.decodeClose(hex("03 e8 6f 6b"));
    assert.ok(!(close instanceof Fault));
    assert.deepEqual([close.code, latin1(close.reason)], [1000, "ok"]);
    assert.deepEqual(websocket.decodeClose(hex("")), { code: 1005, reason: hex("") });
    assert.equal(websocket.decodeClose(hex("03")), websocket.BAD_CLOSE);
    assert.equal(websocket.decodeClose(hex("03 ee")), websocket.BAD_CLOSE);
    assert.equal(websocket.decodeClose(hex("03 e8 ff")), websocket.BAD_UTF8);
  });

  test("a reason too long is cut between characters", () => {
    const reason = new TextEncoder().encode("€".repeat(100));
    const payload = websocket.encodeClose(4000, reason);
    assert.equal(payload.length, 2 + 123);
    assert.ok(websocket.isUtf8(payload.subarray(2)));
    assert.equal(
      websocket.encodeClose(4000, new TextEncoder().encode("é".repeat(100))).length,
      2 + 122,
    );
    assert.equal(websocket.encodeClose(1005, reason).length, 0);
  });
});

test("RFC 3629: UTF-8 as the runtime's own decoder has it", () => {
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const valid = (bytes: Uint8Array): boolean => {
    try {
      strict.decode(bytes);
      return true;
    } catch {
      return false;
    }
  };
  const byte = fc.oneof(
    fc.constantFrom(
      0x41,
      0x80,
      0x8f,
      0x90,
      0x9f,
      0xa0,
      0xbf,
      0xc0,
      0xc1,
      0xc2,
      0xdf,
      0xe0,
      0xed,
      0xef,
      0xf0,
      0xf4,
      0xf5,
    ),
    fc.integer({ min: 0, max: 255 }),
  );
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 8 }), (list) => {
      const bytes = Uint8Array.from(list);
      assert.equal(websocket.isUtf8(bytes), valid(bytes), `${list}`);
    }),
    { seed: 10, numRuns: 5000 },
  );
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) =>
      websocket.isUtf8(new TextEncoder().encode(text)),
    ),
    { seed: 11, numRuns: 300 },
  );
});
