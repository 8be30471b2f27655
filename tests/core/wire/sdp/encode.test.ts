import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isFault } from "../../../../core/base/mod.ts";
import {
  type Candidate,
  decodeCandidate,
  decodeSdp,
  encodeCandidate,
  encodeSdp,
  isSdpFault,
  type SessionDescription,
} from "../../../../core/wire/sdp/mod.ts";
import { recorded, recordedNames } from "./recorded.ts";

function decoded(sdp: string): SessionDescription {
  const description = decodeSdp(sdp);
  if (isSdpFault(description)) assert.fail(description.message);
  return description;
}

/** Line numbers aside, which change. */
function withoutLines({ media, ...rest }: SessionDescription): unknown {
  return { ...rest, media: media.map((section) => ({ ...section, line: 0 })) };
}

test("recorded offers mean the same after being written and read again", () => {
  for (const name of recordedNames()) {
    const description = decoded(recorded(name));
    const text = encodeSdp(description);
    assert.deepEqual(withoutLines(decoded(text)), withoutLines(description), name);
    assert.equal(encodeSdp(decoded(text)), text, name);
  }
});

test("lines end in CRLF, the last one too (RFC 8866 §5)", () => {
  const text = encodeSdp(decoded(recorded("chromium_play").replaceAll("\r\n", "\n")));
  assert.ok(text.endsWith("\r\n"));
  assert.doesNotMatch(text, /[^\r]\n|\r[^\n]|\n\n/);
});

test("candidate of RFC 6544 §4.5", () => {
  const line = "candidate:1 1 tcp 2128609279 10.0.1.1 9 typ host tcptype active";
  const candidate = decodeCandidate(line.slice("candidate:".length));
  assert.deepEqual(candidate, {
    foundation: "1",
    component: 1,
    transport: "tcp",
    priority: 2128609279,
    address: "10.0.1.1",
    port: 9,
    type: "host",
    tcpType: "active",
  });
  assert.equal(encodeCandidate(candidate as Candidate), line);
});

test("a candidate keeps its fields whatever extensions follow", () => {
  const extensions = "raddr 0.0.0.0 rport 0 generation 0 ufrag abcd network-cost 999";
  const value = `842163049 2 UDP 1677729535 f00.local 46154 typ srflx ${extensions}`;
  const candidate = decodeCandidate(value);
  assert.ok(!isFault(candidate));
  assert.deepEqual(
    [candidate.transport, candidate.address, candidate.type, candidate.tcpType],
    ["udp", "f00.local", "srflx", undefined],
  );
});

test("any candidate is read as it was written", () => {
  const candidate: fc.Arbitrary<Candidate> = fc.record({
    foundation: fc.stringMatching(/^[A-Za-z0-9+/]{1,32}$/),
    component: fc.integer({ min: 1, max: 256 }),
    transport: fc.constantFrom("udp", "tcp"),
    priority: fc.integer({ min: 0, max: 0xffff_ffff }),
    address: fc.oneof(fc.ipV4(), fc.ipV6(), fc.constant("a.local")),
    port: fc.integer({ min: 0, max: 65535 }),
    type: fc.constantFrom("host", "srflx", "prflx", "relay"),
    tcpType: fc.constantFrom(undefined, "active", "passive", "so"),
  });
  fc.assert(
    fc.property(candidate, (record) => {
      const value = { ...record };
      const text = encodeCandidate(value).slice("candidate:".length);
      assert.deepEqual(decodeCandidate(text), value);
    }),
    { seed: 8839, numRuns: 300 },
  );
});
