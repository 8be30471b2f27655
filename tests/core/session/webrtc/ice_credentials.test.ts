import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { makeIceCredentials, PWD_CHARS } from "../../../../core/session/webrtc/ice_credentials.ts";
import { nodeCrypto } from "../../../../runtime/common/crypto.ts";

describe("credentials", () => {
  test("they are ice-chars of the asked length, never twice the same", () => {
    const seen = new Set<string>();
    for (let i = 0; i < 200; i++) {
      const { ufrag, pwd } = makeIceCredentials(nodeCrypto);
      assert.match(ufrag, /^[A-Za-z0-9+/]{8}$/);
      assert.match(pwd, /^[A-Za-z0-9+/]{32}$/);
      assert.equal(pwd.length, PWD_CHARS);
      seen.add(ufrag).add(pwd);
    }
    assert.equal(seen.size, 400);
  });

  test("a prefix names a worker, and does not shorten the random part", () => {
    const options = { ufragPrefix: "w3", ufragChars: 4 };
    const { ufrag } = makeIceCredentials(nodeCrypto, options);
    assert.match(ufrag, /^w3[A-Za-z0-9+/]{8}$/);
    assert.equal(makeIceCredentials(nodeCrypto, { ufragChars: 12 }).ufrag.length, 12);
  });
});
