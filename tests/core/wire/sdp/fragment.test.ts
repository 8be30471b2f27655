// The fragments are those of RFC 9725 §4.3.2 and §4.3.3, with their wrapped lines joined.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  decodeSdpFragment,
  encodeSdpFragment,
  isSdpFault,
  MAX_ATTRIBUTES,
  MAX_LINE_LENGTH,
  MAX_MEDIA,
  MAX_SDP_LENGTH,
  type SdpFragment,
} from "../../../../core/wire/sdp/mod.ts";

const TRICKLE = [
  "a=group:BUNDLE 0 1",
  "m=audio 9 UDP/TLS/RTP/SAVPF 111",
  "a=mid:0",
  "a=ice-ufrag:EsAw",
  "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1",
  "a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1",
  "a=candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active generation 0 ufrag EsAw network-id 1",
  "a=end-of-candidates",
  "",
].join("\r\n");

const RESTARTED = [
  "a=ice-lite",
  "a=ice-options:trickle ice2",
  "a=group:BUNDLE 0 1",
  "m=audio 9 UDP/TLS/RTP/SAVPF 111",
  "a=mid:0",
  "a=ice-ufrag:289b31b754eaa438",
  "a=ice-pwd:0b66f472495ef0ccac7bda653ab6be49ea13114472a5d10a",
  "a=candidate:1 1 udp 2130706431 198.51.100.1 39132 typ host",
  "a=end-of-candidates",
  "",
].join("\r\n");

function decoded(text: string): SdpFragment {
  const fragment = decodeSdpFragment(text);
  if (isSdpFault(fragment)) assert.fail(fragment.message);
  return fragment;
}

function fault(text: string): string {
  const found = decodeSdpFragment(text);
  assert.ok(isSdpFault(found), text);
  return found.fault.code;
}

test("candidates, credentials and the end of candidates are read (RFC 9725 §4.3.2)", () => {
  const { credentials, media, bundle, iceLite } = decoded(TRICKLE);
  assert.deepEqual(credentials, { ufrag: "EsAw", pwd: "P2uYro0UCOQ4zxjKXaWCBui1" });
  assert.deepEqual(bundle, ["0", "1"]);
  assert.equal(iceLite, false);
  assert.deepEqual(
    media.map(({ kind, mid, endOfCandidates, candidates }) => [
      kind,
      mid,
      endOfCandidates,
      candidates.map(({ transport, port, tcpType }) => [transport, port, tcpType]),
    ]),
    [
      [
        "audio",
        "0",
        true,
        [
          ["udp", 61764, undefined],
          ["tcp", 9, "active"],
        ],
      ],
    ],
  );
});

test("the answer to a restart is written as RFC 9725 §4.3.3 has it", () => {
  assert.equal(encodeSdpFragment(decoded(RESTARTED)), RESTARTED);
});

test("credentials may stand at session level, lines may end in LF, the unknown is passed over", () => {
  const text =
    "a=ice-ufrag:EsAw\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\na=ice-pacing:50\nm=audio 9 RTP/AVP 0\na=mid:0\na=x:y\n";
  assert.equal(decoded(text).credentials?.ufrag, "EsAw");
  assert.equal(decoded("a=ice-lite\r\n").credentials, undefined);
  assert.equal(decoded("m=video 9 UDP/TLS/RTP/SAVPF\r\na=mid:1\r\n").media[0]?.mid, "1");
});

test("what is no fragment is a fault", () => {
  const media = "m=audio 9 RTP/AVP 0\r\n";
  const one = "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n";
  const other = one.replace("EsAw", "else");
  assert.equal(fault(""), "empty-fragment");
  assert.equal(fault("\r\n\r\n"), "empty-fragment");
  assert.equal(fault("v=0\r\n"), "line-is-neither-a-nor-m");
  assert.equal(fault("hello"), "line-is-neither-a-nor-m");
  assert.equal(fault(`${media}a=ice-ufrag:EsAw\r\n`), "ice-ufrag-and-ice-pwd-come-together");
  assert.equal(fault(`${media}${one}${media}${other}`), "sections-of-two-ice-sessions");
  assert.equal(fault(`${media}a=candidate:nonsense\r\n`), "bad-candidate");
  assert.equal(fault("a=ice-ufrag:no spaces\r\n"), "ice-ufrag-is-not-4-to-256-ice-chars");
  assert.equal(fault("m=audio\r\n"), "bad-media-line");
  assert.equal(fault("m=audio x RTP/AVP 0\r\n"), "bad-media-line");
  assert.equal(fault("a=mid:\u0000\r\n"), "control-character");
});

test("everything is bounded", () => {
  const candidate = "a=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\n";
  const media = "m=audio 9 RTP/AVP 0\r\n";
  assert.equal(fault(media + candidate.repeat(257)), "too-many-lines-of-a-kind");
  assert.equal(fault(media.repeat(MAX_MEDIA + 1)), "too-many-lines-of-a-kind");
  assert.equal(fault(media + "a=x\r\n".repeat(MAX_ATTRIBUTES + 1)), "too-many-lines-of-a-kind");
  assert.equal(fault(`a=group:BUNDLE${" 1".repeat(MAX_MEDIA + 1)}`), "too-many-lines-of-a-kind");
  assert.equal(fault(`a=${"x".repeat(MAX_LINE_LENGTH)}`), "line-too-long");
  assert.equal(fault("a".repeat(MAX_SDP_LENGTH + 1)), "description-too-long");
});

test("a fragment cut at every character or edited is a value", () => {
  for (let end = 0; end <= TRICKLE.length; end++) decodeSdpFragment(TRICKLE.slice(0, end));
  const lines = [
    ...TRICKLE.split("\r\n"),
    ...RESTARTED.split("\r\n"),
    "v=0",
    "a=",
    "m=",
    "a=group",
  ];
  const text = fc.array(fc.oneof(fc.constantFrom(...lines), fc.string({ maxLength: 40 })), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(text, (some) => {
      const fragment = decodeSdpFragment(some.join("\r\n"));
      if (isSdpFault(fragment)) return;
      assert.deepEqual(decoded(`${encodeSdpFragment(fragment)}a=x`).media, fragment.media);
    }),
    { seed: 8840, numRuns: 500 },
  );
});
