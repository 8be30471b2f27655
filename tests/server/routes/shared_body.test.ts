import assert from "node:assert/strict";
import { test } from "node:test";
import { PIECE_BYTES, sharedBody } from "../../../server/routes/shared_body.ts";

test("long bodies are views of the bytes, a piece at a time, and say how long they are", async () => {
  for (const length of [PIECE_BYTES + 1, 3 * PIECE_BYTES, 5 * PIECE_BYTES - 1]) {
    const bytes = Uint8Array.from({ length }, (_, i) => i);
    const { body, fields } = sharedBody(bytes);
    assert.deepEqual(fields, { "content-length": String(length) });
    assert.ok(body instanceof ReadableStream);
    const reader = body.getReader();
    let at = 0;
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      assert.equal(next.value.buffer, bytes.buffer, "no copy");
      assert.equal(next.value.byteOffset, at);
      assert.ok(next.value.length <= PIECE_BYTES);
      at += next.value.length;
    }
    assert.equal(at, length);
  }
});

test("short ones are sent as they are, in one write", () => {
  const bytes = new Uint8Array(PIECE_BYTES);
  assert.deepEqual(sharedBody(bytes), { body: bytes, fields: {} });
});
