import assert from "node:assert/strict";
import { test } from "node:test";
import {
  MID_URI,
  negotiatePublish,
  RID_URI,
  TRANSPORT_CC_URI,
} from "../../../../../core/session/webrtc/negotiation/mod.ts";
import { recorded, recordedNames } from "../../../wire/sdp/recorded.ts";
import { accepted, answered, decoded, local, refused } from "./local.ts";

const publishers = recordedNames().filter((name) => name.includes("publish"));

test("every recorded publisher is taken whole, with recvonly, and its lines echoed in order", () => {
  assert.ok(publishers.length > 20);
  for (const name of publishers) {
    const offer = decoded(recorded(name));
    const answer = accepted(negotiatePublish(offer, local()));
    const { media, iceLite, groups, extmapAllowMixed } = decoded(answer.sdp);
    assert.equal(iceLite, true, name);
    assert.equal(extmapAllowMixed, offer.extmapAllowMixed, name);
    assert.deepEqual(
      media.map(({ kind, mid, protocol }) => [kind, mid, protocol]),
      offer.media.map(({ kind, mid, protocol }) => [kind, mid, protocol]),
      name,
    );
    const taken = media.filter(({ port }) => port !== 0);
    assert.equal(taken.length, offer.media.filter(({ kind }) => kind !== "application").length);
    assert.deepEqual(groups[0]?.mids.toSorted(), taken.map(({ mid }) => mid).toSorted(), name);
    for (const line of taken) {
      assert.equal(line.direction, "recvonly", name);
      assert.equal(line.rtcpMux, true, name);
      assert.equal(line.setup, "passive", name);
      assert.equal(line.iceUfrag, "Mono", name);
      assert.equal(line.fingerprints.length, 1, name);
      assert.equal(line.candidates.length, 2, name);
      assert.equal(line.endOfCandidates, true, name);
      assert.deepEqual(line.sources, [], name);
    }
  }
});

test("an answer names only payload types, feedback and extension ids of the offer", () => {
  for (const name of publishers) {
    const offer = decoded(recorded(name));
    const answer = decoded(accepted(negotiatePublish(offer, local())).sdp);
    for (const [index, line] of answer.media.entries()) {
      if (line.port === 0) continue;
      const offered = offer.media[index];
      assert.equal(line.codecs.length, line.formats.length, name);
      for (const codec of line.codecs) {
        const same = offered?.codecs.find(({ payloadType }) => payloadType === codec.payloadType);
        assert.equal(same?.name.toLowerCase(), codec.name.toLowerCase(), name);
        assert.equal(same?.parameters, codec.parameters, name);
        for (const feedback of codec.feedback) assert.ok(same?.feedback.includes(feedback), name);
      }
      for (const { id, uri } of line.extensions) {
        assert.ok(
          offered?.extensions.some((other) => other.id === id && other.uri === uri),
          name,
        );
      }
    }
  }
});

test("Chromium's codecs stay in its order, RTX behind each, without FEC and telephone-event", () => {
  const answer = accepted(negotiatePublish(decoded(recorded("chromium_publish")), local()));
  assert.deepEqual(
    answered(answer, 0).codecs.map(({ name }) => name),
    ["opus", "PCMU", "PCMA", "red"],
  );
  const names = answered(answer, 1).codecs.map(({ name }) => name);
  assert.deepEqual(names.slice(0, 4), ["VP8", "rtx", "H264", "rtx"]);
  assert.ok(names.includes("AV1") && names.includes("VP9"));
  assert.ok(!names.includes("ulpfec") && !names.includes("red"));
});

test("the preferred codec comes first, its packetization-mode 1 before mode 0", () => {
  const offer = decoded(recorded("chromium_publish"));
  const answer = accepted(negotiatePublish(offer, local({ preferredCodec: "h264" })));
  const codecs = answer.media[1]?.codecs ?? [];
  const h264 = codecs.filter(({ format }) => format.codec === "h264");
  assert.deepEqual(codecs.slice(0, h264.length), h264);
  const modes = h264.map(({ format }) => /packetization-mode=1/.test(format.parameters));
  assert.deepEqual(modes, [true, true, true, false, false, false]);
  assert.equal(answered(answer, 1).codecs[0]?.name, "H264");
});

test("a preferred codec that is not offered changes nothing", () => {
  const offer = decoded(recorded("chromium_publish"));
  const plain = accepted(negotiatePublish(offer, local()));
  assert.equal(accepted(negotiatePublish(offer, local({ preferredCodec: "h265" }))).sdp, plain.sdp);
});

test("RED stays behind opus, and first only where the offer put it first", () => {
  const behind = accepted(negotiatePublish(decoded(recorded("chromium_publish_audio")), local()));
  assert.deepEqual(behind.media[0]?.red, { payloadType: 63, blockPayloadType: 111 });
  assert.equal(answered(behind, 0).codecs.at(-1)?.name, "red");
  const first = accepted(
    negotiatePublish(decoded(recorded("chromium_publish_red_first")), local()),
  );
  assert.equal(answered(first, 0).codecs[0]?.name, "red");
  assert.equal(first.media[0]?.codecs[0]?.format.codec, "opus");
});

test("RED of a codec we do not take is no RED", () => {
  const sdp = recorded("chromium_publish_audio").replace("a=fmtp:63 111/111", "a=fmtp:63 9/9");
  const answer = accepted(negotiatePublish(decoded(sdp), local()));
  assert.equal(answer.media[0]?.red, undefined);
  assert.ok(!answered(answer, 0).codecs.some(({ name }) => name === "red"));
});

test("what the session learns of Chromium's video line", () => {
  const answer = accepted(negotiatePublish(decoded(recorded("chromium_publish")), local()));
  const offer = decoded(recorded("chromium_publish")).media[1];
  const video = answer.media[1];
  assert.ok(video && offer);
  const [ssrc, rtxSsrc] = offer.sources.map((source) => source.ssrc);
  assert.deepEqual(video.remoteSources, [{ ssrc, rtxSsrc, cname: offer.sources[0]?.cname }]);
  const { payloadType, rtxPayloadType, nack, pli, fir, transportCc, remb } = video.codecs[0] ?? {};
  assert.deepEqual([payloadType, rtxPayloadType], [96, 97]);
  assert.deepEqual([nack, pli, fir, transportCc, remb], [true, true, true, true, true]);
  const id = (uri: string): number | undefined =>
    offer.extensions.find((extension) => extension.uri === uri)?.id;
  assert.equal(video.midExtensionId, id(MID_URI));
  assert.equal(video.transportCcId, id(TRANSPORT_CC_URI));
  assert.equal(video.ridExtensionId, id(RID_URI));
  assert.equal(video.localSource, undefined);
});

test("transport-cc needs both the feedback and the header extension", () => {
  const sdp = recorded("chromium_publish_video");
  const withoutExtension = sdp.replace(
    /a=extmap:\d+ http:..www.ietf.org.id.draft-holmer.*\r\n/,
    "",
  );
  const one = accepted(negotiatePublish(decoded(withoutExtension), local())).media[0];
  assert.equal(one?.transportCcId, undefined);
  assert.ok(one?.codecs.every(({ transportCc, remb }) => !transportCc && remb));
  const withoutFeedback = sdp.replace(/a=rtcp-fb:\d+ transport-cc\r\n/g, "");
  const other = accepted(negotiatePublish(decoded(withoutFeedback), local()));
  assert.equal(other.media[0]?.transportCcId, undefined);
  assert.doesNotMatch(other.sdp, /transport-wide-cc/);
});

test("feedback that is configured off is not taken, and with transport-cc goes its extension", () => {
  const offer = decoded(recorded("chromium_publish"));
  const declining = local({ declinedFeedback: ["nack", "transport-cc"] });
  const answer = accepted(negotiatePublish(offer, declining));
  assert.doesNotMatch(answer.sdp, /transport-cc|transport-wide-cc|a=rtcp-fb:\d+ nack\r/);
  assert.match(answer.sdp, /a=rtcp-fb:96 nack pli\r/);
  assert.equal(answer.media[1]?.transportCcId, undefined);
  assert.ok(answer.media[1]?.codecs.every(({ nack, transportCc }) => !nack && !transportCc));
});

test("a datachannel line gets port 0 and is not in BUNDLE", () => {
  for (const browser of ["chromium", "firefox"]) {
    const offer = decoded(recorded(`${browser}_publish_datachannel`));
    const answer = decoded(accepted(negotiatePublish(offer, local())).sdp);
    const application = answer.media.find(({ kind }) => kind === "application");
    assert.equal(application?.port, 0);
    assert.equal(application?.iceUfrag, undefined);
    assert.ok(!answer.groups[0]?.mids.includes(application?.mid ?? ""));
    assert.equal(answer.groups[0]?.mids.length, 2);
  }
});

test("a datachannel alone is 422", () => {
  const offer = decoded(recorded("chromium_datachannel_only"));
  const { status, code } = refused(negotiatePublish(offer, local()));
  assert.deepEqual([status, code], [422, "no-media"]);
});

test("a line the publisher has stopped himself stays at port 0 and costs nothing", () => {
  const sdp = recorded("chromium_publish").replace(/m=video \d+/, "m=video 0");
  const answer = accepted(negotiatePublish(decoded(sdp), local()));
  assert.equal(answer.media.length, 1);
  assert.equal(answered(answer, 1).port, 0);
  assert.deepEqual(decoded(answer.sdp).groups[0]?.mids, ["0"]);
});

test("an audio or video line we cannot take is 422 and named with both sides' codecs", () => {
  const sdp = recorded("libdatachannel_publish").replace("a=rtpmap:96 H264", "a=rtpmap:96 theora");
  const refusal = refused(negotiatePublish(decoded(sdp), local()));
  assert.deepEqual([refusal.status, refusal.code], [422, "no-codec"]);
  assert.equal(
    refusal.message,
    "Line 28, m-line 2 (video, mid 1), offers theora; we take H264, H265, VP8, VP9, AV1",
  );
  assert.equal(refusal.line, 28);
});

test("a codec with another clock rate or channel count is another codec", () => {
  const sdp = recorded("rtcload_publish");
  const changed = sdp.replace("opus/48000/2", "opus/48000");
  assert.equal(refused(negotiatePublish(decoded(changed), local())).code, "no-codec");
  const faster = sdp.replace("H264/90000", "H264/60000");
  assert.equal(refused(negotiatePublish(decoded(faster), local())).code, "no-codec");
});

test("recvonly and inactive lines are 422", () => {
  for (const direction of ["recvonly", "inactive"]) {
    const sdp = recorded("rtcload_publish").replace("a=sendonly", `a=${direction}`);
    const { status, code, message } = refused(negotiatePublish(decoded(sdp), local()));
    assert.deepEqual([status, code], [422, "nothing-to-receive"]);
    assert.match(message, new RegExp(`m-line 1 \\(audio, mid 0\\), is ${direction}`));
  }
});

test("a second line of a kind is 422", () => {
  const sdp = recorded("chromium_play_two_videos_datachannel").replaceAll("recvonly", "sendonly");
  const { status, code, line } = refused(negotiatePublish(decoded(sdp), local()));
  assert.deepEqual([status, code], [422, "second-of-a-kind"]);
  assert.equal(line, decoded(sdp).media[2]?.line);
});

test("media without DTLS is 422", () => {
  const sdp = recorded("rtcload_publish").replaceAll("UDP/TLS/RTP/SAVPF", "RTP/AVPF");
  assert.equal(refused(negotiatePublish(decoded(sdp), local())).code, "not-dtls-srtp");
});

test("an extension the publisher would only receive is not taken (RFC 8285 §8)", () => {
  const sdp = recorded("firefox_publish");
  assert.match(sdp, /a=extmap:6\/recvonly .*playout-delay/);
  const answer = accepted(negotiatePublish(decoded(sdp), local()));
  assert.doesNotMatch(answer.sdp, /a=extmap:6|csrc-audio-level/);
  const both = sdp.replaceAll("extmap:6/recvonly", "extmap:6/sendrecv");
  assert.match(
    accepted(negotiatePublish(decoded(both), local())).sdp,
    /a=extmap:6\/recvonly .*playout-delay/,
  );
});
