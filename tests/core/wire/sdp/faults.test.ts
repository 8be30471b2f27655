import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decodeSdp,
  isSdpFault,
  MAX_ATTRIBUTES,
  MAX_LINE_LENGTH,
  MAX_MEDIA,
  MAX_SDP_LENGTH,
} from "../../../../core/wire/sdp/mod.ts";
import { decoded, FINGERPRINT, fault, offer, WRONG_LINES } from "./descriptions.ts";

test("a wrong line is named with its number, its text and the rule it breaks", () => {
  for (const [line, code] of WRONG_LINES) {
    const found = fault(offer(line, "a=sendonly"));
    assert.equal(found.fault.code, code, line);
    assert.equal(found.line, 7, line);
    assert.ok(found.message.startsWith("line 7: "), line);
    assert.ok(found.message.includes(found.fault.spec), line);
  }
});

test("the text of a wrong line is shown cut short and without control characters", () => {
  const found = fault(offer(`a=ice-ufrag:${"<".repeat(2000)}`));
  assert.equal(found.text.length, 120);
  assert.equal(fault(offer("a=tool:\u001b[31m\u0007")).text, "a=tool:?[31m?");
});

test("v=, o=, s= and t= must be there, in their order (RFC 8866 §5)", () => {
  const lines = offer().split("\r\n");
  const without = (index: number): string => lines.filter((_, i) => i !== index).join("\r\n");
  for (const [index, code] of ["no-v-line", "no-o-line", "no-s-line"].entries()) {
    assert.deepEqual(
      [fault(without(index)).fault.code, fault(without(index)).line],
      [code, index + 1],
    );
  }
  assert.deepEqual([fault(without(3)).fault.code, fault(without(3)).line], ["no-t-line", 4]);
  assert.equal(fault("").fault.code, "no-v-line");
  assert.equal(fault("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\n").fault.code, "no-t-line");
  const changed = (from: string, to: string): string => fault(offer().replace(from, to)).fault.code;
  assert.equal(changed("v=0", "v=1"), "bad-version");
  assert.equal(changed("o=- 1 1 IN IP4 127.0.0.1", "o=- 1 IN IP4 127.0.0.1"), "bad-origin");
  assert.equal(changed("o=- 1 1", "o=- x 1"), "bad-origin");
  assert.equal(changed("IN IP4", "XX IP4"), "bad-origin");
  assert.equal(changed("t=0 0", "t=0"), "bad-time");
});

test("an identification tag names one section, and BUNDLE names only those there are", () => {
  const two = ["m=audio 9 RTP/SAVPF 0", "a=mid:0"];
  assert.deepEqual(
    [fault(offer(...two)).fault.code, fault(offer(...two)).line],
    ["duplicate-mid", 8],
  );
  const group = (line: string): string => offer().replace("t=0 0", `t=0 0\r\na=group:${line}`);
  assert.deepEqual(decoded(group("LS 0 9")).groups, [{ semantics: "LS", mids: ["0", "9"] }]);
  assert.equal(fault(group("BUNDLE 0 9")).fault.code, "group-names-unknown-mid");
  assert.equal(fault(group("BUNDLE 0 9")).line, 5);
  assert.equal(fault(group("")).fault.code, "bad-group");
});

test("an extmap id below 4096 has one meaning in a section (RFC 8285 §5)", () => {
  assert.equal(
    fault(offer("a=extmap:1 urn:a", "a=extmap:1 urn:b")).fault.code,
    "duplicate-extmap-id",
  );
  const twice = decoded(offer("a=extmap:1 urn:a", "a=extmap:1 urn:a", "a=extmap:4096 urn:b"));
  assert.equal(twice.media[0]?.extensions.length, 2);
  assert.ok(!isSdpFault(decodeSdp(offer("a=extmap:4096 urn:b", "a=extmap:4096 urn:c"))));
});

test("every bound refuses what goes over it and takes what does not", () => {
  const many = (count: number, line: (n: number) => string): string[] =>
    Array.from({ length: count }, (_, n) => line(n));
  const filler = (length: number): string => `${"a=x\n".repeat(Math.floor(length / 4))}`;
  const cases: readonly (readonly [string, string[], string[], string])[] = [
    [
      "attributes",
      many(MAX_ATTRIBUTES - 1, () => "a=x"),
      many(MAX_ATTRIBUTES, () => "a=x"),
      "too-many-lines-of-a-kind",
    ],
    [
      "bandwidths",
      many(MAX_ATTRIBUTES - 1, () => "b=AS:1"),
      many(MAX_ATTRIBUTES, () => "b=AS:1"),
      "too-many-lines-of-a-kind",
    ],
    [
      "line",
      [`a=${"x".repeat(MAX_LINE_LENGTH - 2)}`],
      [`a=${"x".repeat(MAX_LINE_LENGTH - 1)}`],
      "line-too-long",
    ],
    [
      "media",
      many(MAX_MEDIA - 1, () => "m=audio 9 RTP/SAVPF 0"),
      many(MAX_MEDIA, () => "m=audio 9 RTP/SAVPF 0"),
      "too-many-lines-of-a-kind",
    ],
    [
      "sources",
      many(64, (n) => `a=ssrc:${n} cname:x`),
      many(65, (n) => `a=ssrc:${n} cname:x`),
      "too-many-lines-of-a-kind",
    ],
    [
      "groups of sources",
      many(64, () => "a=ssrc-group:FID 1 2"),
      many(65, () => "a=ssrc-group:FID 1 2"),
      "too-many-lines-of-a-kind",
    ],
    [
      "rids",
      many(64, (n) => `a=rid:${n} send`),
      many(65, (n) => `a=rid:${n} send`),
      "too-many-lines-of-a-kind",
    ],
    [
      "candidates",
      many(256, () => "a=candidate:1 1 udp 1 192.0.2.1 9 typ host"),
      many(257, () => "a=candidate:1 1 udp 1 192.0.2.1 9 typ host"),
      "too-many-lines-of-a-kind",
    ],
    [
      "extensions",
      many(64, (n) => `a=extmap:${n + 1} urn:x`),
      many(65, (n) => `a=extmap:${n + 1} urn:x`),
      "too-many-lines-of-a-kind",
    ],
    [
      "feedback",
      many(32, () => "a=rtcp-fb:96 nack"),
      many(33, () => "a=rtcp-fb:96 nack"),
      "too-many-lines-of-a-kind",
    ],
    [
      "feedback of all",
      many(32, () => "a=rtcp-fb:* nack"),
      many(33, () => "a=rtcp-fb:* nack"),
      "too-many-lines-of-a-kind",
    ],
    [
      "fingerprints",
      many(32, () => `a=fingerprint:sha-256 ${FINGERPRINT}`),
      many(33, () => `a=fingerprint:sha-256 ${FINGERPRINT}`),
      "too-many-lines-of-a-kind",
    ],
    [
      "msids",
      many(32, () => "a=msid:a b"),
      many(33, () => "a=msid:a b"),
      "too-many-lines-of-a-kind",
    ],
    [
      "ice-options",
      many(32, () => "a=ice-options:x"),
      many(33, () => "a=ice-options:x"),
      "too-many-lines-of-a-kind",
    ],
  ];
  for (const [name, fits, over, code] of cases) {
    const within = decodeSdp(offer(...fits));
    assert.ok(!isSdpFault(within), `${name}: ${isSdpFault(within) ? within.message : ""}`);
    assert.equal(fault(offer(...over)).fault.code, code, name);
  }
  assert.equal(fault(filler(MAX_SDP_LENGTH + 4)).fault.code, "description-too-long");
  assert.notEqual(fault(filler(MAX_SDP_LENGTH)).fault.code, "description-too-long");
});
