import assert from "node:assert/strict";
import { test } from "node:test";
import { prf } from "../../../../../core/session/webrtc/dtls/prf.ts";
import { nodeCrypto } from "../../../../../runtime/common/crypto.ts";
import { vector } from "../../../../vector.ts";

for (const hash of ["sha256", "sha384"] as const) {
  test(`the PRF of RFC 5246 §5 with ${hash}`, () => {
    const bytes = vector(`tls12_prf_${hash}`);
    const secret = bytes.subarray(0, 16);
    const seed = bytes.subarray(16, 32);
    const expected = bytes.subarray(32);
    const made = prf(nodeCrypto, hash, secret, "test label", seed, expected.length);
    assert.deepEqual(made, new Uint8Array(expected));
  });
}
