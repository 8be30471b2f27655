import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Fault } from "../../../../core/base/mod.ts";
import { concat, latin1Bytes } from "../../../../core/bytes/mod.ts";
import * as proxy from "../../../../core/wire/proxy_protocol/mod.ts";

const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const V2 = "0d0a0d0a000d0a515549540a";
const V1_TCP4 = "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n";
const V2_TCP4 = `${V2} 21 11 000c c0000201 c6336401 dc04 01bb`;
const IPV4 = {
  source: { host: "192.0.2.1", port: 56324 },
  destination: { host: "198.51.100.1", port: 443 },
};

describe("proxy-protocol §2.1: version 1", () => {
  const line = (text: string): unknown =>
    proxy.decodeProxyHeader(latin1Bytes(`PROXY ${text}\r\nGET`));

  test("TCP4 and TCP6", () => {
    const bytes = latin1Bytes(`${V1_TCP4}GET`);
    assert.deepEqual(proxy.decodeProxyHeader(bytes), { size: V1_TCP4.length, addresses: IPV4 });
    assert.deepEqual(line("TCP6 2001:db8::1 ::1 1 65535"), {
      size: 36,
      addresses: {
        source: { host: "2001:db8::1", port: 1 },
        destination: { host: "::1", port: 65535 },
      },
    });
  });

  test("UNKNOWN, alone and with anything behind it", () => {
    assert.deepEqual(line("UNKNOWN"), { size: 15 });
    assert.deepEqual(line("UNKNOWN ffff:: x y"), { size: 26 });
  });

  for (const text of [
    "TCP4 192.0.2.1 198.51.100.1 56324",
    "TCP4 192.0.2.1 198.51.100.1 56324 443 1",
    "TCP4  192.0.2.1 198.51.100.1 56324 443",
    "TCP4 192.0.2.256 198.51.100.1 1 1",
    "TCP4 ::1 ::1 1 1",
    "TCP6 192.0.2.1 198.51.100.1 1 1",
    "TCP4 192.0.2.1 198.51.100.1 65536 443",
    "TCP4 192.0.2.1 198.51.100.1 01 443",
    "TCP4 192.0.2.1 198.51.100.1 +1 443",
    "UDP4 192.0.2.1 198.51.100.1 1 1",
    "UNKNOWNX",
    "",
  ]) {
    test(`"${text}" is refused`, () => assert.equal(line(text), proxy.BAD_LINE));
  }

  test("a line that ends by LF alone, or not within 107 bytes, is refused", () => {
    assert.equal(proxy.decodeProxyHeader(latin1Bytes("PROXY UNKNOWN\n")), proxy.BAD_LINE);
    const long = latin1Bytes(`PROXY UNKNOWN ${"x".repeat(93)}`);
    assert.equal(proxy.decodeProxyHeader(long), proxy.BAD_LINE);
    assert.equal(proxy.decodeProxyHeader(long.subarray(0, 106)), undefined);
  });
});

describe("proxy-protocol §2.2: version 2", () => {
  const decode = (text: string): unknown => proxy.decodeProxyHeader(hex(text));

  test("TCP over IPv4 and IPv6, TLVs passed over", () => {
    assert.deepEqual(decode(V2_TCP4), { size: 28, addresses: IPV4 });
    const ipv6 = `20010db8000000000000000000000001 ${"00".repeat(15)}01 0001 ffff 04 0001 00`;
    assert.deepEqual(decode(`${V2} 21 21 0028 ${ipv6}`), {
      size: 56,
      addresses: {
        source: { host: "2001:db8::1", port: 1 },
        destination: { host: "::1", port: 65535 },
      },
    });
  });

  test("an IPv4-mapped address is plain IPv4", () => {
    const mapped = `${"00".repeat(10)}ffffc0000201`;
    const got = decode(`${V2} 21 21 0024 ${mapped}${mapped} 0001 0002`) as proxy.ProxyHeader;
    assert.equal(got.addresses?.source.host, "192.0.2.1");
  });

  test("LOCAL, unspecified and UNIX tell no address", () => {
    assert.deepEqual(decode(`${V2} 20 00 0000`), { size: 16 });
    assert.deepEqual(decode(`${V2} 20 11 000c c0000201 c6336401 dc04 01bb`), { size: 28 });
    assert.deepEqual(decode(`${V2} 21 00 0002 ffff`), { size: 18 });
    assert.deepEqual(decode(`${V2} 21 31 0001 ff`), { size: 17 });
  });

  for (const [name, text, fault] of [
    ["version 1 in binary", `${V2} 11`, proxy.BAD_HEADER],
    ["an unknown command", `${V2} 22`, proxy.BAD_HEADER],
    ["addresses cut short", `${V2} 21 11 000b c0000201 c6336401 dc04 01`, proxy.BAD_ADDRESSES],
    ["more than 4 KiB", `${V2} 21 11 1000`, proxy.HEADER_TOO_LARGE],
    ["another signature", "0d0a0d0a000d0a515549540b", proxy.BAD_SIGNATURE],
    ["a request", Buffer.from("GET / HTTP/1.1").toString("hex"), proxy.BAD_SIGNATURE],
  ] as const) {
    test(`${name} is refused`, () => assert.equal(decode(text), fault));
  }
});

for (const [name, bytes] of [
  ["1", latin1Bytes(V1_TCP4)],
  ["2", hex(V2_TCP4)],
] as const) {
  test(`version ${name} cut anywhere: more is asked for; every bit flipped: nothing throws`, () => {
    for (let size = 0; size < bytes.length; size++) {
      assert.equal(proxy.decodeProxyHeader(bytes.subarray(0, size)), undefined);
    }
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const got = proxy.decodeProxyHeader(flipped);
      if (got !== undefined && !(got instanceof Fault)) assert.notDeepEqual(got.addresses, IPV4);
    }
  });
}

test("whatever follows the signature: nothing throws, and a size is within the bytes", () => {
  const start = fc.constantFrom(latin1Bytes("PROXY "), hex(V2), hex(`${V2}2111`), hex(`${V2}2121`));
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 80 }), (signature, rest) => {
      const bytes = concat([signature, rest]);
      const got = proxy.decodeProxyHeader(bytes);
      if (got !== undefined && !(got instanceof Fault)) assert.ok(got.size <= bytes.length);
    }),
    { seed: 14, numRuns: 1000 },
  );
});
