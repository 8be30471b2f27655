import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Format } from "../../../../../core/media/mod.ts";
import {
  applyViewerAnswer,
  makeCounterOffer,
  negotiatePublish,
  type Offer,
} from "../../../../../core/session/webrtc/negotiation/mod.ts";
import type { SessionDescription } from "../../../../../core/wire/sdp/mod.ts";
import { accepted, decoded, local, refused } from "./local.ts";

const VP8: Format = { codec: "vp8", clockRate: 90000, channels: 0, parameters: "" };
const HIGH: Format = {
  codec: "h264",
  clockRate: 90000,
  channels: 0,
  parameters: "packetization-mode=1;profile-level-id=640028",
};

const offer = (live: readonly Format[] = [], more = {}): Offer =>
  makeCounterOffer(local(more), live, "The stream is H264");

describe("a counter-offer (draft-ietf-wish-whep-03 §4.2.2)", () => {
  test("is sendonly and actpass, on one transport of a lite agent, with an SSRC for each line", () => {
    const sdp = decoded(offer().sdp);
    assert.equal(sdp.iceLite, true);
    assert.deepEqual(sdp.groups, [{ semantics: "BUNDLE", mids: ["0", "1"] }]);
    for (const line of sdp.media) {
      assert.deepEqual([line.direction, line.setup], ["sendonly", "actpass"]);
      assert.ok(line.rtcpMux && line.rtcpMuxOnly);
      assert.deepEqual(line.iceOptions, ["trickle", "ice2"]);
      assert.ok(line.sources.length > 0 && line.msids.length === 1);
      assert.equal(line.candidates.length, 2);
    }
  });

  test("says why in i=, which a reader passes over (RFC 8866 §5.4)", () => {
    assert.match(offer().sdp, /\r\ns=-\r\ni=The stream is H264\r\nt=0 0\r\n/);
  });

  test("has the formats of the live stream first, as they are, then the preferred, then all we forward", () => {
    const names = (live: readonly Format[], more = {}): readonly string[] => {
      const [, video] = decoded(offer(live, more).sdp).media;
      return (video?.codecs ?? []).filter(({ name }) => name !== "rtx").map(({ name }) => name);
    };
    assert.deepEqual(new Set(names([])), new Set(["H264", "VP8", "VP9", "AV1", "H265"]));
    assert.deepEqual(names([HIGH, VP8], { preferredCodec: "av1" }).slice(0, 3), [
      "H264",
      "VP8",
      "AV1",
    ]);
    const [, video] = decoded(offer([HIGH]).sdp).media;
    assert.equal(video?.codecs[0]?.parameters, HIGH.parameters);
    const types = decoded(offer([HIGH, VP8]).sdp).media.flatMap(({ formats }) => formats);
    assert.equal(new Set(types).size, types.length);
  });
});

describe("the viewer's answer", () => {
  const answerTo = (offered: Offer): SessionDescription => ({
    ...decoded(
      accepted(
        negotiatePublish({ ...decoded(offered.sdp), iceLite: false }, local({ ufrag: "Peer" })),
      ).sdp,
    ),
    iceLite: false,
  });

  test("leaves the SSRCs those of the offer", () => {
    const offered = offer();
    const agreed = accepted(applyViewerAnswer(offered, answerTo(offered), local(), [VP8]));
    assert.deepEqual(
      agreed.media.map(({ localSource }) => localSource),
      offered.media.map(({ localSource }) => localSource),
    );
    assert.equal(agreed.remote.ufrag, "Peer");
    assert.equal(agreed.remote.dtlsRole, "client");
  });

  test("without a codec of the live stream is 422, unless he takes no such line", () => {
    const offered = offer([HIGH]);
    const answer = answerTo(offered);
    const media = answer.media.map((line) => ({
      ...line,
      codecs: line.codecs.filter(({ name }) => name === "VP8" || name === "opus"),
    }));
    const refusal = refused(applyViewerAnswer(offered, { ...answer, media }, local(), [HIGH]));
    assert.deepEqual([refusal.status, refusal.code], [422, "no-codec-in-common"]);
    assert.match(refusal.message, /takes VP8; the stream is H264/);
    accepted(applyViewerAnswer(offered, { ...answer, media }, local(), [VP8]));
    accepted(applyViewerAnswer(offered, { ...answer, media }, local(), []));
    const audio = media.map((line) => (line.kind === "video" ? { ...line, port: 0 } : line));
    accepted(applyViewerAnswer(offered, { ...answer, media: audio }, local(), [HIGH]));
  });

  test("of another lite agent, or to another offer, is 422", () => {
    const offered = offer();
    const answer = answerTo(offered);
    const code = (changed: object): string =>
      refused(applyViewerAnswer(offered, { ...answer, ...changed }, local(), [])).code;
    assert.equal(code({ iceLite: true }), "both-ice-lite");
    assert.equal(code({ media: answer.media.slice(0, 1) }), "other-lines");
  });
});
