import assert from "node:assert/strict";
import { test } from "node:test";
import {
  MAX_LAYERS,
  type NegotiatedMedia,
  negotiatePlay,
  negotiatePublish,
} from "../../../../../core/session/webrtc/negotiation/mod.ts";
import { MAX_LAYERS as MAX_LAYERS_OF_HUB } from "../../../../../core/stream/video_layers.ts";
import { decodeSdp, isSdpFault } from "../../../../../core/wire/sdp/mod.ts";
import { recorded } from "../../../wire/sdp/recorded.ts";
import { accepted, decoded, local } from "./local.ts";

/** The lines of an answer that are about layers, and what was agreed on. */
function layers(sdp: string): {
  readonly lines: readonly string[];
  readonly media: NegotiatedMedia;
} {
  const answer = accepted(negotiatePublish(decoded(sdp), local()));
  const lines = answer.sdp.match(/a=(rid|simulcast):[^\r]*/g) ?? [];
  const media = answer.media.find(({ kind }) => kind === "video");
  assert.ok(media);
  return { lines, media };
}

const OFFER = recorded("chromium_publish_simulcast");

/** The recorded offer with other lines about layers. */
function offer(...lines: readonly string[]): string {
  return OFFER.replace(/a=rid:.*\r\n/g, "").replace(
    /a=simulcast:.*/,
    lines.map((line) => `a=${line}`).join("\r\n"),
  );
}

test("the layers of browsers are taken, in their order (RFC 8853 §5.3.2)", () => {
  for (const browser of ["chromium", "firefox"]) {
    const { lines, media } = layers(recorded(`${browser}_publish_simulcast`));
    assert.deepEqual(media.rids, ["q", "h", "f"]);
    assert.deepEqual(lines, [
      "a=rid:q recv",
      "a=rid:h recv",
      "a=rid:f recv",
      "a=simulcast:recv q;h;f",
    ]);
    assert.notEqual(media.ridExtensionId, undefined);
  }
});

test("an offer without simulcast is answered without, and so is a viewer", () => {
  const { lines, media } = layers(recorded("chromium_publish"));
  assert.deepEqual([lines, media.rids], [[], []]);
  const viewed = OFFER.replaceAll("a=sendonly", "a=recvonly");
  const answer = accepted(negotiatePlay(decoded(viewed), local(), []));
  assert.doesNotMatch(answer.sdp, /a=rid|a=simulcast/);
});

test("layers beyond the bound are declined, those behind first", () => {
  assert.equal(MAX_LAYERS, MAX_LAYERS_OF_HUB);
  const all = Array.from({ length: 60 }, (_, i) => `r${i}`);
  const { lines, media } = layers(
    offer(...all.map((id) => `rid:${id} send`), `simulcast:send ${all.join(";")}`),
  );
  assert.deepEqual(media.rids, all.slice(0, MAX_LAYERS));
  assert.equal(lines.at(-1), "a=simulcast:recv r0;r1;r2;r3");
});

test("a hundred rids are one too many for a description", () => {
  const rids = Array.from({ length: 100 }, (_, i) => `rid:r${i} send`);
  const read = decodeSdp(offer(...rids, "simulcast:send r0;r1"));
  assert.ok(isSdpFault(read));
  assert.equal(read.fault.code, "too-many-lines-of-a-kind");
  assert.match(read.text, /^a=rid:r64 send/);
});

test("of alternatives the first that can be taken is, and a paused one stays paused", () => {
  const { lines, media } = layers(
    offer(
      "rid:1 send pt=98",
      "rid:2 send pt=120",
      "rid:3 send",
      "rid:4 send",
      "simulcast:send 2,1;~3,4;9",
    ),
  );
  assert.deepEqual(media.rids, ["1", "3"]);
  assert.deepEqual(lines, ["a=rid:1 recv pt=98", "a=rid:3 recv", "a=simulcast:recv 1;~3"]);
});

test("restrictions stay as offered, unknown ones too; payload types we do not take go (RFC 8851)", () => {
  const { lines } = layers(
    offer(
      "rid:a send pt=96,120;max-width=1280;max-fps=30",
      "rid:b send max-width=640;max-height=360;max-moons=2",
      "simulcast:send a;b",
    ),
  );
  assert.deepEqual(lines.slice(0, 2), [
    "a=rid:a recv pt=96;max-width=1280;max-fps=30",
    "a=rid:b recv max-width=640;max-height=360;max-moons=2",
  ]);
});

for (const [what, lines] of [
  ["one rid", ["rid:q send", "simulcast:send q"]],
  ["one that is taken", ["rid:q send", "rid:h send pt=120", "simulcast:send q;h"]],
  ["rids without a=simulcast", ["rid:q send", "rid:h send"]],
  ["a=simulcast without rids", ["simulcast:send q;h"]],
  ["rids to be received", ["rid:q recv", "rid:h recv", "simulcast:recv q;h"]],
  ["one rid named twice", ["rid:q send", "simulcast:send q;q"]],
] as const) {
  test(`${what}: one layer comes, as without simulcast`, () => {
    const { lines: answered, media } = layers(offer(...lines));
    assert.deepEqual([answered, media.rids], [[], []]);
  });
}

test("without the rid header extension nothing could tell layers apart: one comes", () => {
  const sdp = OFFER.replace(/a=extmap:\d+ urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n/g, "");
  assert.deepEqual(layers(sdp).lines, []);
});

test("ssrc-group:SIM lists the SSRCs of layers, each with its RTX", () => {
  const sources = [1, 2, 3, 11, 12, 13].map((ssrc) => `ssrc:${ssrc} cname:c`);
  const groups = [
    "ssrc-group:SIM 1 2 3",
    "ssrc-group:FID 1 11",
    "ssrc-group:FID 2 12",
    "ssrc-group:FID 3 13",
  ];
  const { lines, media } = layers(offer(...groups, ...sources));
  assert.deepEqual(lines, []);
  assert.deepEqual(media.rids, ["0", "1", "2"]);
  assert.deepEqual(
    media.remoteSources.map(({ ssrc, rtxSsrc, rid }) => [ssrc, rtxSsrc, rid]),
    [
      [1, 11, "0"],
      [2, 12, "1"],
      [3, 13, "2"],
    ],
  );
});

test("an ssrc-group:SIM of one, or of sources that are not there, means nothing", () => {
  for (const group of ["ssrc-group:SIM 1", "ssrc-group:SIM 1 1", "ssrc-group:SIM 1 7 8"]) {
    assert.deepEqual(layers(offer(group, "ssrc:1 cname:c")).media.rids, []);
  }
});
