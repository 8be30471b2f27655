import assert from "node:assert/strict";
import { test } from "node:test";
import { type Format, suitability } from "../../../../../core/media/mod.ts";
import { negotiatePlay } from "../../../../../core/session/webrtc/negotiation/mod.ts";
import { recorded, recordedNames } from "../../../wire/sdp/recorded.ts";
import { accepted, answered, decoded, local, refused } from "./local.ts";

function video(codec: Format["codec"], parameters = ""): Format {
  return { codec, clockRate: 90000, channels: 0, parameters };
}

const OPUS: Format = {
  codec: "opus",
  clockRate: 48000,
  channels: 2,
  parameters: "minptime=10;useinbandfec=1",
};
const H264 = video(
  "h264",
  "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
);
const viewers = recordedNames().filter((name) => name.includes("play"));

test("every recorded viewer is served with sendonly, an SSRC, a cname and an msid", () => {
  assert.ok(viewers.length >= 14);
  for (const name of viewers) {
    const offer = decoded(recorded(name));
    const answer = accepted(negotiatePlay(offer, local(), []));
    const { media } = decoded(answer.sdp);
    assert.equal(media.length, offer.media.length);
    for (const taken of answer.media) {
      const line = media[taken.index];
      assert.ok(line && taken.localSource);
      assert.equal(line.direction, "sendonly", name);
      assert.deepEqual(line.msids, [`live-livestream ${taken.kind}`], name);
      const { ssrc, rtxSsrc } = taken.localSource;
      const ssrcs = rtxSsrc === undefined ? [ssrc] : [ssrc, rtxSsrc];
      assert.deepEqual(
        line.sources.map((source) => source.ssrc),
        ssrcs,
        name,
      );
      assert.ok(line.sources.every(({ cname }) => cname === "monoport"));
      const withRtx = taken.codecs.some(({ rtxPayloadType }) => rtxPayloadType !== undefined);
      assert.equal(rtxSsrc !== undefined, withRtx, name);
      assert.deepEqual(line.sourceGroups, withRtx ? [{ semantics: "FID", ssrcs }] : [], name);
    }
  }
});

test("SSRCs are neither 0 nor given twice, whatever the random source says", () => {
  const offer = decoded(recorded("chromium_play"));
  const answer = accepted(negotiatePlay(offer, local({ randomSsrc: () => 0 }), []));
  const sources = answer.media.map(({ localSource }) => localSource);
  assert.deepEqual(
    sources.flatMap((source) => [source?.ssrc, source?.rtxSsrc]),
    [1, undefined, 2, 3],
  );
  const wrapping = accepted(negotiatePlay(offer, local({ randomSsrc: () => -1 }), []));
  assert.deepEqual(
    wrapping.media.map(({ localSource }) => localSource?.ssrc),
    [0xffff_ffff, 1],
  );
});

test("the live stream's codec comes first, and every other one we forward stays", () => {
  const offer = decoded(recorded("chromium_play"));
  const idle = accepted(negotiatePlay(offer, local(), []));
  for (const live of [H264, video("vp9", "profile-id=2"), video("av1"), video("vp8")]) {
    const answer = accepted(negotiatePlay(offer, local(), [live, OPUS]));
    const codecs = answer.media[1]?.codecs ?? [];
    assert.equal(codecs[0]?.format.codec, live.codec);
    const suits = codecs.map(({ format }) => suitability(live, format));
    assert.equal(suits[0], Math.max(...suits));
    assert.deepEqual(
      codecs.map(({ payloadType }) => payloadType).toSorted(),
      idle.media[1]?.codecs.map(({ payloadType }) => payloadType).toSorted(),
    );
  }
});

test("H.264 is matched on packetization-mode; of several the same profile is taken", () => {
  const offer = decoded(recorded("chromium_play"));
  const parametersFor = (profile: string, mode: number): string => {
    const live = video("h264", `packetization-mode=${mode};profile-level-id=${profile}`);
    const [, media] = accepted(negotiatePlay(offer, local(), [live])).media;
    assert.ok(media);
    const suits = media.codecs.map(({ format }) => suitability(live, format));
    assert.equal(suits[0], Math.max(...suits));
    return media.codecs[0]?.format.parameters ?? "";
  };
  assert.match(parametersFor("42e01f", 1), /packetization-mode=1;profile-level-id=42e01f/);
  assert.match(parametersFor("42e034", 1), /packetization-mode=1;profile-level-id=42e01f/);
  assert.match(parametersFor("4D0028", 1), /packetization-mode=1;profile-level-id=4d001f/);
  assert.match(parametersFor("42c01f", 1), /packetization-mode=1;profile-level-id=42/);
  assert.match(parametersFor("640c1f", 1), /packetization-mode=1/);
  assert.match(parametersFor("42e01f", 0), /packetization-mode=0;profile-level-id=42e01f/);
});

test("without a live stream the preferred codec comes first, with one it comes second", () => {
  const offer = decoded(recorded("chromium_play"));
  const first = (live: readonly Format[]): string[] => {
    const answer = accepted(negotiatePlay(offer, local({ preferredCodec: "av1" }), live));
    return answer.media[1]?.codecs.map(({ format }) => format.codec) ?? [];
  };
  assert.equal(first([])[0], "av1");
  assert.deepEqual(first([video("vp8")]).slice(0, 2), ["vp8", "av1"]);
});

test("no codec in common with the live stream is 406 and names both sides", () => {
  const offer = decoded(recorded("firefox_play"));
  const refusal = refused(negotiatePlay(offer, local(), [OPUS, H264]));
  assert.deepEqual([refusal.status, refusal.code], [406, "no-codec-in-common"]);
  assert.match(refusal.message, /m-line 2 \(video, mid 1\), offers VP8, VP9, AV1, ulpfec, red;/);
  assert.match(refusal.message, /the stream is H264 packetization-mode=1$/);
  const audio = decoded(recorded("rtcload_play"));
  const pcmu: Format = { codec: "pcmu", clockRate: 8000, channels: 1, parameters: "" };
  assert.equal(refused(negotiatePlay(audio, local(), [pcmu])).status, 406);
});

test("a viewer without a line for a live track is served the others", () => {
  const offer = decoded(recorded("chromium_play_audio"));
  const answer = accepted(negotiatePlay(offer, local(), [H264, OPUS]));
  assert.deepEqual(
    answer.media.map(({ kind }) => kind),
    ["audio"],
  );
});

test("lines we cannot serve get port 0: a second video, a datachannel, codecs we do not have", () => {
  const offer = decoded(recorded("chromium_play_two_videos_datachannel"));
  const answer = decoded(accepted(negotiatePlay(offer, local(), [])).sdp);
  assert.deepEqual(
    answer.media.map(({ kind, port }) => [kind, port]),
    [
      ["video", 9],
      ["audio", 9],
      ["video", 0],
      ["application", 0],
    ],
  );
  assert.deepEqual(answer.groups[0]?.mids, ["0", "1"]);
  const sdp = recorded("rtcload_play").replace("opus/48000/2", "speex/32000");
  const mixed = accepted(negotiatePlay(decoded(sdp), local(), []));
  assert.equal(answered(mixed, 0).port, 0);
  assert.equal(answered(mixed, 1).port, 9);
  assert.deepEqual(decoded(mixed.sdp).groups[0]?.mids, ["1"]);
});

test("inactive lines get port 0; when nothing is left the first reason is told", () => {
  const sdp = recorded("rtcload_play");
  const one = accepted(negotiatePlay(decoded(sdp.replace("recvonly", "inactive")), local(), []));
  assert.equal(one.media.length, 1);
  const none = decoded(sdp.replaceAll("recvonly", "inactive"));
  const { status, code, message } = refused(negotiatePlay(none, local(), []));
  assert.deepEqual([status, code], [422, "inactive"]);
  assert.match(message, /^Line 7, m-line 1 \(audio, mid 0\), is inactive/);
});

test("a sendonly line is 422: it is a publisher's", () => {
  const { status, code } = refused(
    negotiatePlay(decoded(recorded("rtcload_publish")), local(), []),
  );
  assert.deepEqual([status, code], [422, "nothing-to-send"]);
});

test("sendrecv is served, and what the viewer would send is not listened for", () => {
  const offer = decoded(recorded("chromium_publish_sendrecv"));
  const answer = accepted(negotiatePlay(offer, local(), []));
  assert.ok(answer.media.every(({ remoteSources }) => remoteSources.length === 0));
  assert.equal(answered(answer, 0).direction, "sendonly");
});

test("an extmap with a direction is answered with the one that meets it (RFC 8285 §8)", () => {
  const sdp = recorded("firefox_play");
  assert.match(sdp, /a=extmap:6\/recvonly .*playout-delay/);
  const { sdp: answer } = accepted(negotiatePlay(decoded(sdp), local(), []));
  assert.match(answer, /a=extmap:6\/sendonly .*playout-delay/);
  assert.doesNotMatch(answer, /csrc-audio-level|toffset|abs-send-time|rtp-stream-id/);
});

test("names that are no msid tokens are made ones (RFC 8830 §2)", () => {
  const offer = decoded(recorded("chromium_play"));
  const streamName = `live/${"x".repeat(128)}`;
  const answer = accepted(negotiatePlay(offer, local({ streamName }), []));
  assert.match(answered(answer, 0).msids[0] ?? "", /^live-x{59} audio$/);
});
