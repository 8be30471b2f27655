import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { isFault } from "../../../../core/base/mod.ts";
import {
  decodeRtp,
  type ExtensionShape,
  extensionLength,
  findExtension,
  type RtpHeader,
  rewriteExtensions,
} from "../../../../core/wire/rtp/mod.ts";

const PAYLOAD = [0xf0, 0xf1, 0xf2];

/** A packet whose extension block holds `body`, padded to a whole word. */
function packetWith(profile: number, body: readonly number[], csrcs = 0, padding = 0): Uint8Array {
  const padded = [...body];
  while (padded.length % 4 !== 0) padded.push(0);
  const words = padded.length / 4;
  const bytes = [0x90 | csrcs | (padding ? 0x20 : 0), 0xe0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
  for (let i = 0; i < csrcs; i++) bytes.push(9, 9, 9, i);
  bytes.push(profile >> 8, profile & 255, words >> 8, words & 255, ...padded, ...PAYLOAD);
  for (let i = 1; i < padding; i++) bytes.push(0);
  if (padding) bytes.push(padding);
  return Uint8Array.from(bytes);
}

function decoded(bytes: Uint8Array): RtpHeader {
  const header = decodeRtp(bytes);
  assert.ok(!isFault(header), String(header));
  return header;
}

function element(packet: Uint8Array, id: number): number[] | undefined {
  const header = decoded(packet);
  const at = findExtension(packet, header, id);
  return at === 0 ? undefined : [...packet.subarray(at, at + extensionLength(packet, header, at))];
}

function shape(
  ids: Readonly<Record<number, number>>,
  transportSequenceId = 0,
  twoByte = true,
): ExtensionShape {
  const table = new Uint8Array(256);
  for (const [from, to] of Object.entries(ids)) table[Number(from)] = to;
  return { ids: table, transportSequenceId, twoByte };
}

describe("RFC 8285 §4.2: one-byte form", () => {
  test("elements are found behind padding", () => {
    const packet = packetWith(0xbede, [0x10, 0xaa, 0, 0, 0x32, 1, 2, 3, 0xe0, 7]);
    assert.deepEqual(element(packet, 1), [0xaa]);
    assert.deepEqual(element(packet, 3), [1, 2, 3]);
    assert.deepEqual(element(packet, 14), [7]);
    assert.equal(element(packet, 2), undefined);
    assert.equal(element(packet, 0), undefined);
  });

  test("ID 15 ends the list", () => {
    const packet = packetWith(0xbede, [0x10, 0xaa, 0xf0, 0x00, 0x20, 0xbb]);
    assert.deepEqual(element(packet, 1), [0xaa]);
    assert.equal(element(packet, 15), undefined);
    assert.equal(element(packet, 2), undefined);
  });

  test("ID 0 with a length ends the list", () => {
    const packet = packetWith(0xbede, [0x10, 0xaa, 0x01, 9, 9, 0x20, 0xbb]);
    assert.deepEqual(element(packet, 1), [0xaa]);
    assert.equal(element(packet, 2), undefined);
  });

  test("an element that leaves the extension is not there", () => {
    const packet = packetWith(0xbede, [0x10, 0xaa, 0x2f, 1]);
    assert.deepEqual(element(packet, 1), [0xaa]);
    assert.equal(element(packet, 2), undefined);
  });
});

describe("RFC 8285 §4.3: two-byte form", () => {
  test("IDs up to 255, lengths 0 to 255, any appbits", () => {
    const long = Array.from({ length: 255 }, (_, i) => i);
    for (const profile of [0x1000, 0x1005, 0x100f]) {
      const packet = packetWith(profile, [15, 1, 5, 0, 200, 0, 255, 255, ...long]);
      assert.deepEqual(element(packet, 15), [5]);
      assert.deepEqual(element(packet, 200), []);
      assert.deepEqual(element(packet, 255), long);
      assert.equal(element(packet, 0), undefined);
    }
  });

  test("an empty element at the very end is found", () => {
    assert.deepEqual(element(packetWith(0x1000, [1, 0, 9, 0]), 9), []);
  });

  test("a cut element is not there", () => {
    assert.equal(element(packetWith(0x1000, [1, 3, 9, 9]), 1), undefined);
    assert.equal(element(packetWith(0x1000, [0, 0, 0, 1]), 1), undefined);
  });
});

test("RFC 3550 §5.3.1: an extension of another profile has no elements", () => {
  for (const profile of [0x0001, 0xbedf, 0x1010, 0x2000]) {
    const packet = packetWith(profile, [0x10, 0xaa, 0x10, 0xaa]);
    assert.equal(element(packet, 1), undefined);
    const { packet: out } = rewriteExtensions(packet, decoded(packet), shape({ 1: 1, 16: 1 }));
    assert.equal(decoded(out).profile, 0);
    assert.deepEqual([...out.subarray(12)], PAYLOAD);
  }
});

describe("rewriting for another receiver", () => {
  test("kept ones get the receiver's IDs, others go, CSRCs stay, padding goes, a slot is added", () => {
    const packet = packetWith(0xbede, [0x10, 0xaa, 0x32, 1, 2, 3, 0x51, 8, 8, 0xe0, 7], 2, 4);
    const out = rewriteExtensions(packet, decoded(packet), shape({ 1: 4, 14: 1, 5: 6 }, 6));
    const header = decoded(out.packet);
    assert.equal(header.profile, 0xbede);
    assert.deepEqual(element(out.packet, 4), [0xaa]);
    assert.deepEqual(element(out.packet, 1), [7]);
    assert.equal(element(out.packet, 3), undefined);
    // 5 was the sender's own transport-wide number: only the fresh slot carries ID 6.
    assert.deepEqual(element(out.packet, 6), [0, 0]);
    assert.equal(findExtension(out.packet, header, 6), out.transportSequenceAt);
    assert.deepEqual([...out.packet.subarray(header.payloadAt, header.payloadEnd)], PAYLOAD);
    assert.equal(header.payloadEnd, out.packet.length);
    assert.deepEqual([...out.packet.subarray(0, 1)], [0x92]);
    assert.deepEqual([...out.packet.subarray(1, 20)], [...packet.subarray(1, 20)]);
  });

  test("a slot is added to a packet without extension, and nothing to one that needs none", () => {
    const packet = Uint8Array.from([0x80, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, ...PAYLOAD]);
    const out = rewriteExtensions(packet, decoded(packet), shape({}, 3));
    assert.equal(out.transportSequenceAt, 17);
    assert.deepEqual([...out.packet.subarray(12)], [0xbe, 0xde, 0, 1, 0x31, 0, 0, 0, ...PAYLOAD]);
    const plain = rewriteExtensions(packet, decoded(packet), shape({}));
    assert.deepEqual(plain.packet, packet);
    assert.notEqual(plain.packet.buffer, packet.buffer);
    assert.equal(plain.transportSequenceAt, 0);
  });

  test("two-byte form when an ID is above 14, an element empty or longer than 16 bytes", () => {
    const seventeen = Array.from({ length: 17 }, (_, i) => i);
    const packet = packetWith(0x1000, [1, 0, 2, 17, ...seventeen, 3, 16, ...seventeen.slice(1)]);
    const profileOf = (wanted: ExtensionShape): number =>
      decoded(rewriteExtensions(packet, decoded(packet), wanted).packet).profile;
    assert.equal(profileOf(shape({ 1: 1 })), 0x1000);
    assert.equal(profileOf(shape({ 2: 1 })), 0x1000);
    assert.equal(profileOf(shape({ 3: 15 })), 0x1000);
    assert.equal(profileOf(shape({}, 20)), 0x1000);
    assert.equal(profileOf(shape({ 3: 14 }, 13)), 0xbede);
    const both = rewriteExtensions(packet, decoded(packet), shape({ 1: 1, 2: 2 }, 20));
    assert.deepEqual(element(both.packet, 1), []);
    assert.deepEqual(element(both.packet, 2), seventeen);
    assert.deepEqual(element(both.packet, 20), [0, 0]);
  });

  test("a receiver without the two-byte form loses only what does not fit", () => {
    const packet = packetWith(0x1000, [
      1,
      0,
      2,
      17,
      ...Array.from({ length: 17 }, () => 1),
      3,
      1,
      5,
    ]);
    const out = rewriteExtensions(packet, decoded(packet), shape({ 1: 1, 2: 2, 3: 3 }, 4, false));
    assert.equal(decoded(out.packet).profile, 0xbede);
    assert.equal(element(out.packet, 1), undefined);
    assert.equal(element(out.packet, 2), undefined);
    assert.deepEqual(element(out.packet, 3), [5]);
    assert.equal(findExtension(out.packet, decoded(out.packet), 4), out.transportSequenceAt);
    const none = rewriteExtensions(packet, decoded(packet), shape({ 1: 15 }, 15, false));
    assert.equal(none.transportSequenceAt, 0);
    assert.equal(decoded(none.packet).profile, 0);
  });

  test("whatever the extension holds, kept elements arrive and the payload is untouched", () => {
    const body = fc.uint8Array({ maxLength: 60 });
    const map = fc.dictionary(fc.nat(255).map(String), fc.nat(30), { maxKeys: 12 });
    const profile = fc.constantFrom(0xbede, 0x1000, 0x100a, 0x1234);
    fc.assert(
      fc.property(
        profile,
        body,
        map,
        fc.nat(20),
        fc.boolean(),
        (form, bytes, ids, slot, twoByte) => {
          const packet = packetWith(form, [...bytes]);
          const wanted = shape(ids as Record<number, number>, slot, twoByte);
          const out = rewriteExtensions(packet, decoded(packet), wanted);
          const header = decoded(out.packet);
          assert.deepEqual([...out.packet.subarray(header.payloadAt)], PAYLOAD);
          const asked = slot !== 0 && (twoByte || slot <= 14);
          assert.equal(out.transportSequenceAt !== 0, asked);
          if (asked) assert.equal(findExtension(out.packet, header, slot), out.transportSequenceAt);
          if (!twoByte) assert.ok(header.profile === 0 || header.profile === 0xbede);
          for (const [from, to] of Object.entries(ids)) {
            const unique = Object.values(ids).filter((id) => id === to).length === 1;
            const before = element(packet, Number(from));
            if (to === 0 || to === slot || !unique || before === undefined) continue;
            const fits = twoByte || (to <= 14 && before.length >= 1 && before.length <= 16);
            assert.deepEqual(element(out.packet, to), fits ? before : undefined);
          }
        },
      ),
      { seed: 4, numRuns: 2000 },
    );
  });
});
