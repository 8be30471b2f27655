import assert from "node:assert/strict";
import { test } from "node:test";
import { type Fault, isFault } from "../../../../core/base/mod.ts";
import { latin1Bytes } from "../../../../core/bytes/mod.ts";
import { decodeResponseHead, type ResponseHead } from "../../../../core/wire/http1/mod.ts";

function decode(text: string): ResponseHead | Fault {
  return decodeResponseHead(latin1Bytes(text));
}

function refused(text: string): string {
  const head = decode(text);
  return isFault(head) ? head.code : "taken";
}

test("a status line with and without a reason, of HTTP/1.0 and 1.1", () => {
  for (const line of ["HTTP/1.1 201 Created", "HTTP/1.0 201 ", "HTTP/1.1 201"]) {
    const head = decode(`${line}\r\nLocation: /session/1 \r\nContent-Length: 12\r\n\r\n`);
    assert.deepEqual(head, {
      status: 201,
      fields: [
        ["location", "/session/1"],
        ["content-length", "12"],
      ],
      chunked: false,
      contentLength: 12,
    });
  }
});

test("how long a body is: by its length, chunked, to the end, or none", () => {
  const length = (text: string): unknown => {
    const head = decode(text);
    return isFault(head) ? head.code : head.chunked ? "chunked" : head.contentLength;
  };
  assert.equal(length("HTTP/1.1 200 OK\r\n\r\n"), undefined);
  assert.equal(length("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"), "chunked");
  assert.equal(length("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n"), 5);
  for (const none of ["100 Continue", "204 No Content", "304 Not Modified"]) {
    assert.equal(length(`HTTP/1.1 ${none}\r\nContent-Length: 5\r\n\r\n`), 0);
  }
});

test("what frames a body in two ways, or is no head of HTTP/1, is a fault", () => {
  const ok = "HTTP/1.1 200 OK\r\n";
  assert.equal(
    refused(`${ok}Content-Length: 5\r\nContent-Length: 6\r\n\r\n`),
    "second-content-length",
  );
  assert.equal(refused(`${ok}Content-Length: -1\r\n\r\n`), "bad-content-length");
  assert.equal(
    refused(`${ok}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`),
    "transfer-encoding-and-length",
  );
  assert.equal(refused(`${ok}Transfer-Encoding: gzip, chunked\r\n\r\n`), "transfer-coding-unknown");
  for (const line of [
    "HTTP/2 200 OK",
    "HTTP/1.1 99 No",
    "HTTP/1.1 600 No",
    "HTTP/1.1 2000",
    "SSH-2.0-x",
    "",
    "HTTP/1.1  200",
  ]) {
    assert.equal(refused(`${line}\r\n\r\n`), "bad-status-line", line);
  }
  assert.equal(refused("HTTP/1.1 200 OK\n\r\n"), "bad-status-line");
  assert.equal(refused(`${ok} folded: x\r\n\r\n`), "obs-fold");
  assert.equal(refused(`HTTP/1.1 200 ${"x".repeat(1100)}\r\n\r\n`), "bad-status-line");
  assert.equal(refused(`${ok}${"a: b\r\n".repeat(101)}\r\n`), "too-many-fields");
});

test("a head cut anywhere is a fault, never an exception", () => {
  const whole = "HTTP/1.1 201 Created\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n";
  for (let size = 0; size < whole.length; size++) {
    assert.ok(isFault(decode(whole.slice(0, size))), `${size}`);
  }
});
