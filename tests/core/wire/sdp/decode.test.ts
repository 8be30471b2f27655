import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1Bytes } from "../../../../core/bytes/mod.ts";
import { decoded, FINGERPRINT, offer } from "./descriptions.ts";
import { recorded, recordedNames } from "./recorded.ts";

test("every recorded offer is read, and an m-line for each of its m= lines", () => {
  const names = recordedNames();
  assert.ok(names.length > 30, `${names.length} recorded offers`);
  for (const name of names) {
    const sdp = recorded(name);
    const { media } = decoded(sdp);
    assert.equal(media.length, sdp.match(/^m=/gm)?.length, name);
    for (const section of media) {
      assert.equal(sdp.split("\r\n")[section.line - 1]?.slice(0, 2), "m=", name);
    }
  }
});

test("a recorded offer reads the same with LF alone, as bytes, and without its last line end", () => {
  for (const name of recordedNames()) {
    const sdp = recorded(name);
    const expected = decoded(sdp);
    assert.deepEqual(decoded(sdp.replaceAll("\r\n", "\n")), expected, name);
    assert.deepEqual(decoded(latin1Bytes(sdp)), expected, name);
    assert.deepEqual(decoded(sdp.trimEnd()), expected, name);
    assert.deepEqual(decoded(`${sdp}\r\n\n`), expected, name);
  }
});

test("what Chromium says of its video line", () => {
  const { media, groups, extmapAllowMixed } = decoded(recorded("chromium_publish"));
  assert.deepEqual(groups, [{ semantics: "BUNDLE", mids: ["0", "1"] }]);
  assert.equal(extmapAllowMixed, true);
  const video = media[1];
  assert.ok(video);
  assert.equal(video.kind, "video");
  assert.equal(video.mid, "1");
  assert.equal(video.direction, "sendonly");
  assert.equal(video.setup, "actpass");
  assert.equal(video.rtcpMux, true);
  assert.equal(video.rtcpRsize, true);
  assert.deepEqual(video.iceOptions, ["trickle"]);
  assert.deepEqual(video.codecs[0], {
    payloadType: 96,
    name: "VP8",
    clockRate: 90000,
    channels: 0,
    parameters: "",
    feedback: ["goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"],
  });
  assert.deepEqual(video.codecs[1]?.parameters, "apt=96");
  assert.equal(video.fingerprints[0]?.algorithm, "sha-256");
  assert.equal(video.sources.length, 2);
  assert.deepEqual(
    video.sourceGroups.map(({ semantics, ssrcs }) => [semantics, ssrcs]),
    [["FID", video.sources.map(({ ssrc }) => ssrc)]],
  );
});

test("simulcast offers carry rids and no ssrc", () => {
  const video = decoded(recorded("chromium_publish_simulcast")).media[1];
  assert.deepEqual(
    video?.rids.map(({ id, direction }) => `${id} ${direction}`),
    ["q send", "h send", "f send"],
  );
  assert.deepEqual(video?.simulcast, { send: ["q", "h", "f"], recv: [] });
  assert.deepEqual(video?.sources, []);
});

test("bundle-only with port 0 is what Firefox writes for max-bundle (RFC 9143 §6)", () => {
  const [video, audio] = decoded(recorded("firefox_publish_max_bundle")).media;
  assert.equal(video?.bundleOnly, false);
  assert.equal(audio?.bundleOnly, true);
  assert.equal(audio?.port, 0);
});

test("rtcp-fb, rtpmap and fmtp of payload types that are not on the m-line are passed over", () => {
  const sdp = recorded("firefox_play_vp8");
  const video = decoded(sdp).media[1];
  assert.match(sdp, /a=rtcp-fb:121 nack/);
  assert.deepEqual(video?.formats, ["120", "124"]);
  assert.deepEqual(
    video?.codecs.map(({ payloadType }) => payloadType),
    [120, 124],
  );
});

test("a=rtcp-fb:* holds for every payload type (RFC 4585 §4.2)", () => {
  const lines = ["a=rtcp-fb:* nack", "a=rtpmap:96 VP8/90000", "a=rtpmap:97 VP9/90000"];
  const [media] = decoded(offer(...lines, "a=rtcp-fb:97  nack   pli")).media;
  assert.deepEqual(
    media?.codecs.map(({ feedback }) => feedback),
    [["nack"], ["nack pli", "nack"]],
  );
});

test("static payload types need no rtpmap, dynamic ones without are left out (RFC 3551 §6)", () => {
  const sdp = offer().replace("video 9 UDP/TLS/RTP/SAVPF 96 97", "audio 9 RTP/SAVPF 0 8 96");
  assert.deepEqual(
    decoded(sdp).media[0]?.codecs.map(({ name, clockRate, channels }) => [
      name,
      clockRate,
      channels,
    ]),
    [
      ["PCMU", 8000, 1],
      ["PCMA", 8000, 1],
    ],
  );
});

test("sections inherit setup, fingerprint, ICE, direction and extmap from the session level", () => {
  const head = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0"];
  const session = [
    "c=IN IP4 192.0.2.1",
    "a=sendonly",
    "a=setup:passive",
    "a=ice-ufrag:abcd",
    "a=ice-pwd:0123456789012345678901",
    "a=ice-options:trickle",
    `a=fingerprint:sha-256 ${FINGERPRINT.toLowerCase()}`,
    "a=extmap:1 urn:one",
    "a=extmap:2 urn:two",
  ];
  const own = ["a=setup:active", "a=recvonly", "a=extmap:1 urn:own", "a=ice-ufrag:wxyz"];
  const sdp = [...head, ...session, "m=audio 9 RTP/SAVPF 0", "m=audio 9 RTP/SAVPF 0", ...own];
  const [first, second] = decoded(sdp.join("\n")).media;
  assert.deepEqual(first?.connection, { addressType: "IP4", address: "192.0.2.1" });
  assert.equal(first?.direction, "sendonly");
  assert.equal(first?.setup, "passive");
  assert.equal(first?.iceUfrag, "abcd");
  assert.deepEqual(first?.iceOptions, ["trickle"]);
  assert.deepEqual(first?.fingerprints, [{ algorithm: "sha-256", value: FINGERPRINT }]);
  assert.deepEqual(
    first?.extensions.map(({ uri }) => uri),
    ["urn:one", "urn:two"],
  );
  assert.equal(second?.direction, "recvonly");
  assert.equal(second?.setup, "active");
  assert.equal(second?.iceUfrag, "wxyz");
  assert.equal(second?.icePwd, "0123456789012345678901");
  assert.deepEqual(
    second?.extensions.map(({ uri }) => uri),
    ["urn:own", "urn:two"],
  );
});

test("a fingerprint by an algorithm nobody knows is passed over (RFC 8122 §5.1)", () => {
  const lines = [`a=fingerprint:sha3-256 ${FINGERPRINT}`, `a=fingerprint:SHA-256 ${FINGERPRINT}`];
  assert.deepEqual(decoded(offer(...lines)).media[0]?.fingerprints, [
    { algorithm: "sha-256", value: FINGERPRINT },
  ]);
});

test("ice-options parted by commas, as libdatachannel writes them", () => {
  const { media } = decoded(recorded("libdatachannel_publish"));
  assert.deepEqual(media[0]?.iceOptions, ["ice2", "trickle"]);
});
