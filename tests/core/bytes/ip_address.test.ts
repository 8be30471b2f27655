import assert from "node:assert/strict";
import { test } from "node:test";
import { formatIp, parseIp } from "../../../core/bytes/mod.ts";

test("IP addresses as text, RFC 4291 in and RFC 5952 out", () => {
  for (const [given, shown] of [
    ["192.0.2.1", "192.0.2.1"],
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["fe80::1:0:0:2", "fe80::1:0:0:2"],
    ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["1:0:2:0:3:0:4:0", "1:0:2:0:3:0:4:0"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["::ffff:c000:207", "192.0.2.7"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
  ] as const) {
    const ip = parseIp(given);
    assert.ok(ip !== undefined, given);
    assert.equal(formatIp(ip), shown);
  }
});

test("what is no IP address, bracketed and scoped ones included", () => {
  const wrong = [
    ...["", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", "a.b.c.d", "localhost"],
    ...[":", ":::", "1:2", "1::2::3", "::1::", "12345::", "g::", "1:2:3:4:5:6:7"],
    ...["1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1.2.3", "1.2.3.4::", "fe80::1%lo", "[::1]"],
  ];
  for (const text of wrong) assert.equal(parseIp(text), undefined, text);
});
