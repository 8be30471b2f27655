import assert from "node:assert/strict";
import { test } from "node:test";
import { activeCandidate } from "../../../../../core/session/webrtc/candidate.ts";
import {
  type AppliedAnswer,
  applyAnswer,
  isRefusal,
  makeOffer,
  negotiatePlay,
  negotiatePublish,
  type Offer,
  RECEIVED_FORMATS,
  type Refusal,
} from "../../../../../core/session/webrtc/negotiation/mod.ts";
import { accepted, decoded, local } from "./local.ts";

const us = local({
  ufrag: "relayrel",
  candidates: [activeCandidate("192.0.2.1")],
  streamName: "live/cam",
});
const far = local({ ufrag: "far8char", cname: "far" });

const opus = { codec: "opus", clockRate: 48_000, channels: 2, parameters: "" } as const;
const h264 = {
  codec: "h264",
  clockRate: 90_000,
  channels: 0,
  parameters: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
} as const;

function push(): Offer {
  return makeOffer({
    local: us,
    direction: "sendonly",
    formats: [h264, opus],
    iceLite: false,
  });
}

function pull(): Offer {
  return makeOffer({
    local: us,
    direction: "recvonly",
    formats: RECEIVED_FORMATS,
    iceLite: false,
  });
}

function applied(offer: Offer, answer: string): AppliedAnswer {
  const result = applyAnswer(offer, decoded(answer), us);
  if (isRefusal(result)) assert.fail(`${result.status} ${result.message}`);
  return result;
}

function refused(offer: Offer, answer: string): Refusal {
  const result = applyAnswer(offer, decoded(answer), us);
  assert.ok(isRefusal(result), "taken");
  return result;
}

test("an offer to publish has the live formats, an SSRC with RTX, and asks for nothing", () => {
  const { sdp, media } = push();
  const description = decoded(sdp);
  assert.deepEqual(
    description.media.map(({ kind, direction, setup }) => [kind, direction, setup]),
    [
      ["audio", "sendonly", "actpass"],
      ["video", "sendonly", "actpass"],
    ],
  );
  const video = description.media[1];
  assert.deepEqual(
    video?.codecs.map(({ name }) => name),
    ["H264", "rtx"],
  );
  const source = media[1]?.localSource;
  assert.ok(source?.rtxSsrc);
  assert.deepEqual(video?.sourceGroups, [
    { semantics: "FID", ssrcs: [source.ssrc, source.rtxSsrc] },
  ]);
  assert.equal(media[0]?.localSource?.rtxSsrc, undefined);
});

test("an active candidate has port 9 and the priority of RFC 6544 §4.2", () => {
  const [candidate] = decoded(push().sdp).media[0]?.candidates ?? [];
  assert.deepEqual(
    [candidate?.tcpType, candidate?.port, candidate?.priority],
    ["active", 9, 126 * 2 ** 24 + (6 * 2 ** 13 + 8191) * 2 ** 8 + 255],
  );
});

test("a WHIP endpoint's answer is applied: codecs, fingerprint, DTLS role, candidates", () => {
  const offer = push();
  const answer = accepted(negotiatePublish(decoded(offer.sdp), far));
  assert.deepEqual(
    answer.media.map(({ kind, codecs }) => [kind, codecs.map(({ format }) => format.codec)]),
    [
      ["audio", ["opus"]],
      ["video", ["h264"]],
    ],
  );
  const result = applied(offer, answer.sdp);
  assert.equal(result.remote.ufrag, "far8char");
  assert.equal(result.remote.dtlsRole, "client"); // the far end answers passive
  assert.equal(result.iceLite, true);
  assert.deepEqual(
    result.candidates.map(({ transport, tcpType, address, port }) => [
      transport,
      tcpType,
      address,
      port,
    ]),
    [
      ["tcp", "passive", "127.0.0.1", 8080],
      ["tcp", "passive", "2001:db8::1", 8080],
    ],
  );
  const [audio, video] = result.media;
  assert.deepEqual(video?.localSource, offer.media[1]?.localSource);
  assert.deepEqual(
    [video?.codecs[0]?.nack, video?.codecs[0]?.pli, audio?.codecs[0]?.pli],
    [true, true, false],
  );
  assert.ok(video?.transportCcId);
});

test("a WHEP endpoint's answer names what it sends", () => {
  const offer = pull();
  const answer = accepted(negotiatePlay(decoded(offer.sdp), far, [h264, opus]));
  const result = applied(offer, answer.sdp);
  const [, video] = result.media;
  assert.deepEqual(
    video?.remoteSources.map(({ ssrc, rtxSsrc }) => [ssrc, rtxSsrc]),
    answer.media[1]?.localSource && [
      [answer.media[1].localSource.ssrc, answer.media[1].localSource.rtxSsrc],
    ],
  );
  assert.equal(video?.codecs[0]?.format.codec, "h264");
  assert.equal(video?.localSource, undefined);
  // All we forward is offered, so a far end that changes its codec still finds it.
  assert.deepEqual(
    new Set(video?.codecs.map(({ format }) => format.codec)),
    new Set(["h264", "vp8", "vp9", "av1", "h265"]),
  );
});

test("payload types are given away once", () => {
  const types = decoded(pull().sdp).media.flatMap(({ codecs }) =>
    codecs.map((one) => one.payloadType),
  );
  assert.equal(new Set(types).size, types.length);
  assert.ok(types.includes(0) && types.includes(8), "PCMU and PCMA have their own");
  const many = Array.from({ length: 40 }, () => h264);
  const offer = makeOffer({ local: us, direction: "recvonly", formats: many, iceLite: false });
  const all = decoded(offer.sdp).media[0]?.codecs.map((one) => one.payloadType) ?? [];
  assert.ok(all.every((type) => type >= 96 && type <= 127));
  assert.equal(all.length, 32);
});

test("a line the far end rejects carries nothing, and when all are so the answer is refused", () => {
  const offer = push();
  const { sdp } = accepted(negotiatePublish(decoded(offer.sdp), far));
  const audioOnly = sdp
    .replace(/m=video 9/, "m=video 0")
    .replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 0");
  assert.deepEqual(
    applied(offer, audioOnly).media.map(({ kind }) => kind),
    ["audio"],
  );
  const none = audioOnly.replace(/m=audio 9/, "m=audio 0");
  assert.equal(refused(offer, none).code, "no-media");
});

test("an answer with other lines, a codec or an extension that was not offered is not taken", () => {
  const offer = push();
  const { sdp } = accepted(negotiatePublish(decoded(offer.sdp), far));
  const videoAlone = makeOffer({
    local: us,
    direction: "sendonly",
    formats: [h264],
    iceLite: false,
  });
  assert.equal(refused(videoAlone, sdp).code, "other-lines");
  const extension = sdp.replace(
    /a=extmap:(\d+) urn:ietf:params:rtp-hdrext:sdes:mid/,
    "a=extmap:12 urn:ietf:params:rtp-hdrext:sdes:mid",
  );
  assert.equal(refused(offer, extension).code, "not-offered");
  const vp8 = sdp.replace(/H264\/90000/, "VP8/90000");
  assert.deepEqual(
    applied(offer, vp8).media.map(({ kind }) => kind),
    ["audio"],
  );
});

test("an answer without a fingerprint, ufrag or rtcp-mux is refused in words about the answer", () => {
  const offer = push();
  const { sdp } = accepted(negotiatePublish(decoded(offer.sdp), far));
  for (const [name, code] of [
    ["fingerprint", "no-fingerprint"],
    ["ice-pwd", "no-ice-ufrag"],
    ["rtcp-mux", "no-rtcp-mux"],
  ] as const) {
    const without = sdp.replaceAll(new RegExp(`^a=${name}.*\r\n`, "gm"), "");
    const refusal = refused(offer, without);
    assert.equal(refusal.code, code);
    assert.doesNotMatch(refusal.message, /offer /);
  }
});

test("a line in the direction we did not offer is not taken; sendrecv is", () => {
  const offer = push();
  const { sdp } = accepted(negotiatePublish(decoded(offer.sdp), far));
  assert.equal(refused(offer, sdp.replaceAll("a=recvonly", "a=sendonly")).code, "no-media");
  assert.equal(applied(offer, sdp.replaceAll("a=recvonly", "a=sendrecv")).media.length, 2);
});
