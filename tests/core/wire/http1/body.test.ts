import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Fault } from "../../../../core/base/mod.ts";
import { concat, latin1, latin1Bytes } from "../../../../core/bytes/mod.ts";
import * as http1 from "../../../../core/wire/http1/mod.ts";

interface Read {
  readonly data: Uint8Array;
  readonly rest: Uint8Array;
  readonly done: boolean;
  readonly fault?: Fault;
}

/** Decodes `bytes` in pieces of the given sizes, repeated. */
function read(bytes: Uint8Array, contentLength: number | "chunked", ...sizes: number[]): Read {
  const chunked = contentLength === "chunked";
  const body = new http1.BodyDecoder({ chunked, contentLength: chunked ? 0 : contentLength });
  const data: Uint8Array[] = [];
  for (let at = 0, i = 0; at < bytes.length && !body.done; i++) {
    const piece = bytes.slice(at, at + Math.max(1, sizes[i % sizes.length] ?? bytes.length));
    const pieces: Uint8Array[] = [];
    const end = body.decode(piece, 0, piece.length, pieces);
    if (end instanceof Fault)
      return { data: concat(data), rest: bytes.subarray(at), done: false, fault: end };
    assert.ok(body.done || end === piece.length, "all is taken before the end");
    assert.ok(pieces.length <= 1);
    data.push(...pieces.map((view) => view.slice()));
    at += end;
    if (body.done) return { data: concat(data), rest: bytes.subarray(at), done: true };
  }
  return { data: concat(data), rest: new Uint8Array(0), done: body.done };
}

const CHUNKED = latin1Bytes(
  '5;a=b\r\nhello\r\n06 ;c="d"\r\n world\r\n0\r\nX: 1\r\nY: 2\r\n\r\nnext',
);

describe("RFC 9112 §6.2, §7.1", () => {
  test("a chunked body is its data, and ends before the next request", () => {
    for (const size of [1, 2, 3, 5, 8, 100]) {
      const got = read(CHUNKED, "chunked", size);
      assert.equal(latin1(got.data), "hello world");
      assert.equal(latin1(got.rest), "next");
    }
  });

  test("a body with a length ends before the next request", () => {
    for (const size of [1, 2, 3, 100]) {
      const got = read(latin1Bytes("hellonext"), 5, size);
      assert.equal(latin1(got.data), "hello");
      assert.equal(latin1(got.rest), "next");
    }
  });

  test("a chunked body that is cut anywhere is not done", () => {
    for (let size = 0; size < CHUNKED.length - 4; size++) {
      const got = read(CHUNKED.subarray(0, size), "chunked");
      assert.equal(got.done, false);
      assert.equal(got.fault, undefined);
    }
  });

  test("a body of length 0 is done before a byte comes", () => {
    assert.ok(new http1.BodyDecoder({ chunked: false, contentLength: 0 }).done);
  });

  test("what remains is told for a length and unknown for chunks", () => {
    const body = new http1.BodyDecoder({ chunked: false, contentLength: 5 });
    body.decode(latin1Bytes("ab"), 0, 2, []);
    assert.equal(body.remaining, 3);
    assert.equal(new http1.BodyDecoder({ chunked: true, contentLength: 0 }).remaining, undefined);
  });
});

test("every bit flipped: a fault, or the same in one piece as byte by byte", () => {
  for (let bit = 0; bit < CHUNKED.length * 8; bit++) {
    const flipped = CHUNKED.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    const whole = read(flipped.slice(), "chunked");
    const bytes = read(flipped, "chunked", 1);
    assert.equal(bytes.fault, whole.fault);
    assert.equal(bytes.done, whole.done);
    if (!whole.fault) assert.deepEqual(bytes.data, whole.data);
  }
});

test("whatever is sent in chunks comes out, in whatever pieces it arrives", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 10 }),
      fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 5 }),
      (chunks, sizes) => {
        const wire = concat([...chunks.map((chunk) => http1.encodeChunk(chunk)), http1.LAST_CHUNK]);
        const got = read(concat([wire, latin1Bytes("next")]), "chunked", ...sizes);
        assert.deepEqual(got.data, concat(chunks));
        assert.equal(latin1(got.rest), "next");
      },
    ),
    { seed: 4, numRuns: 300 },
  );
});

test("whatever the bytes: nothing throws", () => {
  const piece = fc.constantFrom("0\r\n", "\r\n", "1;", "f\r\n", "X: 1\r\n", "\r", "\n", "5 ", ";");
  fc.assert(
    fc.property(
      fc.array(fc.oneof(piece, fc.string({ maxLength: 5 })), { maxLength: 20 }),
      (parts) => {
        read(latin1Bytes(parts.join("")), "chunked", 3);
      },
    ),
    { seed: 5, numRuns: 1000 },
  );
});

test("one-byte chunks come out in one piece per read, in linear time", () => {
  const wire = latin1Bytes(`${"1\r\na\r\n".repeat(10_000)}0\r\n\r\n`);
  const body = new http1.BodyDecoder({ chunked: true, contentLength: 0 });
  const pieces: Uint8Array[] = [];
  body.decode(wire, 0, wire.length, pieces);
  assert.equal(pieces.length, 1);
  assert.equal(pieces[0]?.length, 10_000);
});
