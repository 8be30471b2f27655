import assert from "node:assert/strict";
import { test } from "node:test";
import { addressKey } from "../../../server/limits/address_key.ts";
import { Quota } from "../../../server/limits/quota.ts";

test("a quota ends by address and in all, and what is given back can be taken again", () => {
  const quota = new Quota({ total: 5, perAddress: 3 });
  assert.deepEqual(
    ["a", "a", "a", "a"].map((key) => quota.take(key)),
    [undefined, undefined, undefined, "address"],
  );
  assert.deepEqual(
    ["b", "b", "b"].map((key) => quota.take(key)),
    [undefined, undefined, "total"],
  );
  quota.give("a");
  assert.equal(quota.take("b"), undefined);
  assert.equal(quota.used, 5);
  assert.equal(quota.usedBy("b"), 3);
});

test("amounts count whole or not at all", () => {
  const quota = new Quota({ total: 100, perAddress: 60 });
  assert.equal(quota.take("a", 50), undefined);
  assert.equal(quota.take("a", 11), "address");
  assert.equal(quota.usedBy("a"), 50);
  assert.equal(quota.take("b", 51), "total");
  quota.give("a", 50);
  assert.equal(quota.used, 0);
  assert.equal(quota.usedBy("a"), 0);
});

test("IPv6 counts by /64, IPv4 by address, mapped IPv4 as IPv4", () => {
  assert.equal(addressKey("192.0.2.7"), "192.0.2.7");
  assert.equal(addressKey("2001:db8:1:2::1"), addressKey("2001:db8:1:2:ffff:ffff:ffff:ffff"));
  assert.notEqual(addressKey("2001:db8:1:2::1"), addressKey("2001:db8:1:3::1"));
  assert.equal(addressKey("::ffff:192.0.2.7"), "192.0.2.7");
});
