import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { latin1Bytes } from "../../../../core/bytes/mod.ts";
import { SNIFF_MAX_BYTES, type Sniffed, sniff } from "../../../../core/session/sniff/mod.ts";

/** What is told when the bytes come one by one, and after how many of them. */
function oneByOne(bytes: Uint8Array): [Sniffed, number] {
  for (let size = 0; size <= bytes.length; size++) {
    const told = sniff(bytes.subarray(0, size));
    if (told !== "more") return [told, size];
  }
  return ["more", bytes.length];
}

const stun = (length: number, type = "\x00\x01"): string =>
  `${String.fromCharCode(length >> 8, length & 0xff)}${type}\0\x50\x21\x12\xa4\x42`;

/** First bytes, what they are, and how many of them tell it. */
const TABLE: readonly [name: string, bytes: string, Sniffed, needed: number][] = [
  ["GET", "GET / HTTP/1.1\r\n", "http", 4],
  ["a method of 20 characters", `${"A".repeat(20)} /`, "http", 21],
  ["a method of 21 characters", `${"A".repeat(21)} /`, "unknown", 21],
  ["a method in small letters", "get / HTTP/1.1", "http", 4],
  ["one empty line before the request", "\r\nGET /", "http", 6],
  ["two empty lines", "\r\n\r\nGET /", "unknown", 5],
  ["space first", " GET /", "unknown", 1],
  ["a method like the PROXY signature", "PROXYX /", "http", 7],
  ["a method like the HTTP/2 preface", "PRI /", "http", 5],
  ["PROXY v1", "PROXY TCP4 1.2.3.4", "proxy-v1", 6],
  ["PROXY v2", "\r\n\r\n\0\r\nQUIT\n\x21\x11", "proxy-v2", 12],
  ["almost PROXY v2", "\r\n\r\n\0\r\nQUIP\n", "unknown", 11],
  ["HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http2", 16],
  ["TLS record of version 3.1", "\x16\x03\x01\x02\x00", "tls", 3],
  ["TLS record of version 3.4", "\x16\x03\x04", "tls", 3],
  ["handshake record of another version", "\x16\x02", "unknown", 2],
  ["TLS record of version 3.5", "\x16\x03\x05", "unknown", 3],
  ["DTLS", "\x16\xfe\xff", "unknown", 2],
  ["STUN of 100 bytes", stun(100), "stun-tcp", 10],
  ["STUN of 768 bytes, which begins like RTMP", stun(768), "stun-tcp", 10],
  ["STUN of 1023 bytes, which begins like RTMP", stun(1023), "stun-tcp", 10],
  ["STUN of 2047 bytes", stun(2047), "stun-tcp", 10],
  ["a frame of 2048 bytes", stun(2048), "unknown", 1],
  ["a frame of 19 bytes", stun(19), "unknown", 2],
  ["a zero-length frame, then STUN", `\0\0${stun(100)}`, "stun-tcp", 12],
  ["four zero-length frames, then STUN", `${"\0".repeat(8)}${stun(1023)}`, "stun-tcp", 18],
  ["five zero-length frames", "\0".repeat(10), "unknown", 10],
  ["a zero-length frame, then RTMP", `\0\0\x03${"\0".repeat(6)}`, "unknown", 9],
  ["a frame of RTP", "\0\x64\x80\x60", "unknown", 3],
  ["a frame of DTLS", "\0\x64\x16\xfe\xfd\0\0\0\0", "unknown", 7],
  ["STUN with a length not divided by 4", "\0\x64\0\x01\0\x51", "unknown", 6],
  ["a wrong cookie", "\0\x64\0\x01\0\x50\x21\x12\xa4\x43", "unknown", 10],
  ["RTMP with time 0", `\x03${"\0".repeat(8)}`, "rtmp", 7],
  ["RTMP with a time like a message type", "\x03\x00\x00\x00\x01\x00\x00", "rtmp", 7],
  ["RTMP with a time above the STUN types", "\x03\x00\xc0", "rtmp", 3],
  ["RTMP of Flash 9.0.124.2", "\x03\0\0\0\0\x09\0\x7c\x02", "rtmp", 6],
  ["RTMPE", `\x06${"\0".repeat(8)}`, "unknown", 7],
  ["SSH", "SSH-2.0-OpenSSH_9.2p1 Debian", "unknown", 21],
  ["Flash policy request", "<policy-file-request/>\0", "unknown", 1],
  ["nothing", "", "more", 0],
];

describe("the first bytes tell the protocol", () => {
  for (const [name, text, want, needed] of TABLE) {
    test(`${name}: ${want} after ${needed} bytes`, () => {
      assert.deepEqual(oneByOne(latin1Bytes(text)), [want, needed]);
    });
  }
});

test("any split of the bytes gives the same answer, and an answer stays", () => {
  for (const [, text] of TABLE) {
    const bytes = latin1Bytes(text);
    const [told, needed] = oneByOne(bytes);
    for (let size = needed; size <= bytes.length; size++) {
      assert.equal(sniff(bytes.subarray(0, size)), told);
    }
  }
});

test("whatever the bytes: an answer stays, and SNIFF_MAX_BYTES are enough", () => {
  const byte = fc.oneof(
    fc.constantFrom(0, 3, 0x0a, 0x0d, 0x16, 0x20, 0x21, 0x12, 0xa4, 0x42, 0x50, 0x52),
    fc.integer({ min: 0, max: 255 }),
  );
  const bytes = fc.array(byte, { minLength: SNIFF_MAX_BYTES, maxLength: SNIFF_MAX_BYTES + 4 });
  fc.assert(
    fc.property(bytes, (list) => {
      const all = Uint8Array.from(list);
      const [told, needed] = oneByOne(all);
      assert.notEqual(told, "more");
      assert.ok(needed <= SNIFF_MAX_BYTES);
      for (let size = needed; size <= all.length; size++) {
        assert.equal(sniff(all.subarray(0, size)), told);
      }
    }),
    { seed: 1, numRuns: 2000 },
  );
});
