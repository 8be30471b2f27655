import assert from "node:assert/strict";
import { test } from "node:test";
import {
  negotiatePlay,
  negotiatePublish,
  refusalOf,
} from "../../../../../core/session/webrtc/negotiation/mod.ts";
import { decodeSdp, isSdpFault } from "../../../../../core/wire/sdp/mod.ts";
import { recorded } from "../../../wire/sdp/recorded.ts";
import { accepted, answered, decoded, local, refused } from "./local.ts";

const OFFER = recorded("rtcload_publish");

function refusalFor(sdp: string): { status: number; code: string; line: number; message: string } {
  return refused(negotiatePublish(decoded(sdp), local()));
}

test("an offer without ice-ufrag, ice-pwd or fingerprint is 400", () => {
  for (const [attribute, code] of [
    ["ice-ufrag", "no-ice-ufrag"],
    ["ice-pwd", "no-ice-ufrag"],
    ["fingerprint", "no-fingerprint"],
  ] as const) {
    const refusal = refusalFor(OFFER.replace(new RegExp(`a=${attribute}:.*\r\n`, "g"), ""));
    assert.deepEqual([refusal.status, refusal.code, refusal.line], [400, code, 7]);
    assert.match(refusal.message, /^Line 7, m-line 1 \(audio, mid 0\), has no a=/);
  }
});

test("a fingerprint by SHA-1 alone is 400; beside SHA-256 it is left out", () => {
  const sha1 = `sha-1 ${Array(20).fill("AB").join(":")}`;
  const alone = OFFER.replace(/a=fingerprint:.*/g, `a=fingerprint:${sha1}`);
  assert.deepEqual(refusalFor(alone).code, "weak-fingerprint");
  const both = OFFER.replace(/a=fingerprint:/g, `a=fingerprint:${sha1}\r\na=fingerprint:`);
  const { remote } = accepted(negotiatePublish(decoded(both), local()));
  assert.deepEqual(remote.fingerprints, [
    { algorithm: "sha-256", digest: new Uint8Array(32).fill(0xab) },
  ]);
});

test("actpass, active and no setup make us DTLS server, passive makes us client (RFC 8842 §5.3)", () => {
  for (const [setup, role, ours] of [
    ["a=setup:actpass\r\n", "server", "passive"],
    ["a=setup:active\r\n", "server", "passive"],
    ["", "server", "passive"],
    ["a=setup:passive\r\n", "client", "active"],
  ] as const) {
    const sdp = OFFER.replaceAll("a=setup:actpass\r\n", setup);
    const answer = accepted(negotiatePublish(decoded(sdp), local()));
    assert.equal(answer.remote.dtlsRole, role);
    assert.equal(answered(answer, 0).setup, ours);
  }
  assert.equal(refusalFor(OFFER.replaceAll("actpass", "holdconn")).code, "setup-holdconn");
});

test("the tagged section's transport counts, the others' does not (RFC 9143 §7.1.3)", () => {
  const audioAt = OFFER.indexOf("m=video");
  const differing = OFFER.slice(0, audioAt) + OFFER.slice(audioAt).replace("rtcl", "other");
  assert.equal(accepted(negotiatePublish(decoded(differing), local())).remote.ufrag, "rtcl");
  const reordered = differing.replace("BUNDLE 0 1", "BUNDLE 1 0");
  const answer = accepted(negotiatePublish(decoded(reordered), local()));
  assert.equal(answer.remote.ufrag, "other");
  assert.deepEqual(decoded(answer.sdp).groups[0]?.mids, ["1", "0"]);
});

test("sections that leave the transport to the tagged one are taken (RFC 9143 §6)", () => {
  const videoAt = OFFER.indexOf("m=video");
  const bare = OFFER.slice(videoAt)
    .replace(/a=(ice-ufrag|ice-pwd|fingerprint|setup|candidate):.*\r\n/g, "")
    .replace("a=rtcp-mux\r\n", "a=bundle-only\r\n")
    .replace("m=video 9", "m=video 0");
  const answer = accepted(negotiatePublish(decoded(OFFER.slice(0, videoAt) + bare), local()));
  assert.equal(answer.media.length, 2);
  assert.equal(answered(answer, 1).port, 9);
});

test("when the tagged section is rejected, the transport of the next one counts", () => {
  const offer = decoded(recorded("chromium_publish_datachannel"));
  const answer = accepted(negotiatePublish(offer, local()));
  assert.equal(answer.remote.ufrag, offer.media[1]?.iceUfrag);
});

test("several lines without BUNDLE, or with one outside it, are 422", () => {
  for (const group of ["", "a=group:BUNDLE 0\r\n", "a=group:LS 0 1\r\n"]) {
    const refusal = refusalFor(OFFER.replace("a=group:BUNDLE 0 1\r\n", group));
    assert.deepEqual([refusal.status, refusal.code], [422, "not-bundled"]);
    assert.match(refusal.message, /max-bundle/);
  }
});

test("one line needs neither BUNDLE nor mid, and gets none", () => {
  const alone = OFFER.slice(0, OFFER.indexOf("m=video")).replace("a=group:BUNDLE 0 1\r\n", "");
  const answer = accepted(negotiatePublish(decoded(alone), local()));
  assert.deepEqual(decoded(answer.sdp).groups, []);
  assert.equal(answered(answer, 0).mid, "0");
  const nameless = accepted(negotiatePublish(decoded(alone.replace("a=mid:0\r\n", "")), local()));
  assert.doesNotMatch(nameless.sdp, /a=mid|a=group/);
});

test("a line without rtcp-mux is 422", () => {
  const refusal = refusalFor(OFFER.replaceAll("a=rtcp-mux\r\n", ""));
  assert.deepEqual([refusal.status, refusal.code, refusal.line], [422, "no-rtcp-mux", 7]);
});

test("rtcp-mux-only alone will do, and is answered beside rtcp-mux (RFC 8858 §4.3)", () => {
  const sdp = OFFER.replaceAll("a=rtcp-mux\r\n", "a=rtcp-mux-only\r\n");
  const answer = accepted(negotiatePublish(decoded(sdp), local()));
  for (const index of [0, 1]) {
    assert.equal(answered(answer, index).rtcpMux, true);
    assert.equal(answered(answer, index).rtcpMuxOnly, true);
  }
});

test("an ICE-lite offer is 422: nobody would send checks", () => {
  assert.equal(refusalFor(OFFER.replace("t=0 0", "t=0 0\r\na=ice-lite")).code, "both-ice-lite");
});

test("one payload type or extension id with two meanings in a bundle is 400", () => {
  const clash = OFFER.replaceAll("106", "111");
  const refusal = refusalFor(clash);
  assert.deepEqual([refusal.status, refusal.code], [400, "ambiguous-in-bundle"]);
  assert.match(refusal.message, /m-line 2 .* uses payload type 111 for video h264/);
  const uri = "a=extmap:1 urn:ietf:params:rtp-hdrext:";
  const ids = OFFER.replace("a=mid:0", `a=mid:0\r\n${uri}sdes:mid`).replace(
    "a=mid:1",
    `a=mid:1\r\n${uri}ssrc-audio-level`,
  );
  assert.match(refusalFor(ids).message, /uses extension id 1 for urn/);
});

test("the same answer in the same order comes of the same offer", () => {
  const offer = decoded(recorded("chromium_play"));
  assert.deepEqual(negotiatePlay(offer, local(), []), negotiatePlay(offer, local(), []));
});

test("an answer of ours, to the letter", () => {
  const answer = accepted(negotiatePlay(decoded(recorded("rtcload_play")), local(), []));
  const transport = [
    "c=IN IP4 0.0.0.0",
    "a=rtcp:9 IN IP4 0.0.0.0",
    "a=candidate:1 1 tcp 2124414975 127.0.0.1 8080 typ host tcptype passive",
    "a=candidate:2 1 tcp 2124414719 2001:db8::1 8080 typ host tcptype passive",
    "a=end-of-candidates",
    "a=ice-ufrag:Mono",
    "a=ice-pwd:MonoportMonoportMonoportMonoport",
    "a=ice-options:trickle ice2",
    `a=fingerprint:sha-256 ${Array(32).fill("5A").join(":")}`,
    "a=setup:passive",
  ];
  const expected = [
    "v=0",
    "o=- 4611686018427387904 1 IN IP4 0.0.0.0",
    "s=-",
    "t=0 0",
    "a=ice-lite",
    "a=group:BUNDLE 0 1",
    "a=msid-semantic: WMS *",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111",
    ...transport,
    "a=mid:0",
    "a=sendonly",
    "a=msid:live-livestream audio",
    "a=rtcp-mux",
    "a=rtpmap:111 opus/48000/2",
    "a=fmtp:111 minptime=10;useinbandfec=1",
    "a=ssrc:1000 cname:monoport",
    "a=ssrc:1000 msid:live-livestream audio",
    "m=video 9 UDP/TLS/RTP/SAVPF 106",
    ...transport,
    "a=mid:1",
    "a=sendonly",
    "a=msid:live-livestream video",
    "a=rtcp-mux",
    "a=rtcp-rsize",
    "a=rtpmap:106 H264/90000",
    "a=rtcp-fb:106 nack",
    "a=rtcp-fb:106 nack pli",
    "a=fmtp:106 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
    "a=ssrc:1001 cname:monoport",
    "a=ssrc:1001 msid:live-livestream video",
  ];
  assert.deepEqual(answer.sdp.split("\r\n"), [...expected, ""]);
});

test("SDP that cannot be read is 400 with the wrong line", () => {
  const fault = decodeSdp(OFFER.replace("a=setup:actpass", "a=setup:maybe"));
  assert.ok(isSdpFault(fault));
  const { status, code, line, message } = refusalOf(fault);
  assert.deepEqual([status, code, line], [400, "bad-setup", 14]);
  assert.equal(message, 'The SDP is wrong: line 14: bad setup (RFC 4145 §4): "a=setup:maybe"');
});
