import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1, latin1Bytes } from "../../../../core/bytes/mod.ts";
import * as http1 from "../../../../core/wire/http1/mod.ts";

test("RFC 9112 §4: a head, with the body in the same array", () => {
  const head = http1.encodeResponseHead(
    200,
    [
      ["x", "1\t\xe4"],
      ["y", ""],
    ],
    latin1Bytes("body"),
  );
  assert.equal(latin1(head), "HTTP/1.1 200 OK\r\nx: 1\t\xe4\r\ny: \r\n\r\nbody");
  assert.equal(latin1(http1.encodeResponseHead(299, [])), "HTTP/1.1 299 \r\n\r\n");
});

test("RFC 9110 §5.5: a field that would split the answer throws", () => {
  for (const [name, value] of [
    ["x", "1\r\ny: 2"],
    ["x", "1\n"],
    ["x", "\0"],
    ["x", "\u0100"],
    ["x y", "1"],
    ["x:", "1"],
    ["", "1"],
  ] as const) {
    assert.throws(() => http1.encodeResponseHead(200, [[name, value]]), { code: "api-misuse" });
  }
});

test("RFC 9112 §7.1: a chunk is its size in hexadecimal, the data, and CR LF", () => {
  assert.equal(
    latin1(http1.encodeChunk(new Uint8Array(26).fill(97))),
    `1a\r\n${"a".repeat(26)}\r\n`,
  );
});
