import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Format, suitability } from "../../../../../core/media/mod.ts";
import {
  type Answer,
  isRefusal,
  MAX_LAYERS,
  negotiatePlay,
  negotiatePublish,
  type Refusal,
} from "../../../../../core/session/webrtc/negotiation/mod.ts";
import {
  decodeSdp,
  isSdpFault,
  type SessionDescription,
} from "../../../../../core/wire/sdp/mod.ts";
import { editedOffers } from "../../../wire/sdp/edits.ts";
import { decoded, local } from "./local.ts";

const LIVE: readonly Format[] = [
  { codec: "opus", clockRate: 48000, channels: 2, parameters: "" },
  { codec: "vp8", clockRate: 90000, channels: 0, parameters: "" },
];

/** What RFC 8829 §5.3.1 and RFC 9143 §7.3 say of any answer. */
function holds(offer: SessionDescription, result: Answer | Refusal): void {
  if (isRefusal(result)) {
    assert.ok(result.message.length > 0 && result.message.length < 4096);
    assert.ok(result.line >= 0);
    return;
  }
  const answer = decoded(result.sdp);
  assert.equal(answer.media.length, offer.media.length);
  assert.ok(result.media.length > 0);
  assert.ok(result.remote.fingerprints.length > 0);
  const accepted = new Map(result.media.map((media) => [media.index, media]));
  for (const [index, line] of answer.media.entries()) {
    const offered = offer.media[index];
    assert.equal(line.kind, offered?.kind);
    assert.equal(line.mid, offered?.mid);
    assert.equal(line.port !== 0, accepted.has(index));
    const bundled = answer.groups[0]?.mids.includes(line.mid ?? "") ?? false;
    assert.ok(line.port !== 0 || !bundled);
    assert.ok(result.media.length === 1 || line.port === 0 || bundled);
    if (line.port !== 0) assert.ok(line.formats.every((one) => offered?.formats.includes(one)));
    const rids = line.rids.map(({ id }) => id);
    assert.ok(line.rids.every(({ direction }) => direction === "recv"));
    assert.deepEqual(
      rids,
      (line.simulcast?.recv ?? []).map((id) => id.replace("~", "")),
    );
    assert.ok(rids.length <= MAX_LAYERS && line.simulcast?.send.length !== 1);
    const sent = offered?.rids.filter(({ direction }) => direction === "send") ?? [];
    assert.ok(rids.every((id) => sent.some((one) => one.id === id)));
  }
}

test("any offer that can be read is answered as the standards say, or refused in words", () => {
  let answered = 0;
  const property = fc.property(editedOffers(), (sdp) => {
    const offer = decodeSdp(sdp);
    if (isSdpFault(offer)) return;
    const results = [
      negotiatePublish(offer, local()),
      negotiatePlay(offer, local(), []),
      negotiatePlay(offer, local(), LIVE),
    ];
    for (const result of results) {
      holds(offer, result);
      if (!isRefusal(result)) answered++;
    }
  });
  fc.assert(property, { seed: 8829, numRuns: 1000 });
  assert.ok(answered > 300, `${answered} answers`);
});

test("suitability: the same H.264 profile before the same profile_idc before any", () => {
  const h264 = (parameters: string): Format => ({
    codec: "h264",
    clockRate: 90000,
    channels: 0,
    parameters,
  });
  const sent = h264("packetization-mode=1;profile-level-id=42e01f");
  assert.equal(suitability(sent, h264("profile-level-id=42E034; packetization-mode=1")), 3);
  assert.equal(suitability(sent, h264("packetization-mode=1;profile-level-id=42001f")), 2);
  assert.equal(suitability(sent, h264("packetization-mode=1")), 2);
  assert.equal(suitability(sent, h264("packetization-mode=1;profile-level-id=640c1f")), 1);
  assert.equal(suitability(sent, h264("packetization-mode=0;profile-level-id=42e01f")), 0);
});
