import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { dateText } from "../../../../core/egress/hls/mod.ts";
import { brokenRules, readPlaylist } from "./playlist_rules.ts";
import { H264, OPUS, Stage } from "./stage.ts";

describe("playlistText", () => {
  function played(millis: number): Stage {
    const stage = new Stage();
    stage.segmenter.handleFormat(H264);
    stage.segmenter.handleFormat(OPUS);
    stage.play(0, millis, { fps: 25, gop: 2000 });
    return stage;
  }

  test("is as written here, letter for letter", () => {
    assert.equal(
      played(3001).playlist(),
      `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:3
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=18.000,PART-HOLD-BACK=1.200
#EXT-X-PART-INF:PART-TARGET=0.400
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-MAP:URI="init0.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z
#EXT-X-PART:DURATION=0.360,URI="0.0.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.360,URI="0.1.m4s"
#EXT-X-PART:DURATION=0.360,URI="0.2.m4s"
#EXT-X-PART:DURATION=0.360,URI="0.3.m4s"
#EXT-X-PART:DURATION=0.360,URI="0.4.m4s"
#EXT-X-PART:DURATION=0.200,URI="0.5.m4s"
#EXTINF:2.000,
0.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:02.000Z
#EXT-X-PART:DURATION=0.360,URI="1.0.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.360,URI="1.1.m4s"
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="1.2.m4s"
`,
    );
  });

  test("tells a window, and of a long one parts only near the end", () => {
    const list = readPlaylist(played(120_000).playlist());
    const length = list.segments.reduce((sum, { duration }) => sum + duration, 0);
    assert.ok(length >= 30 && length < 34, `${length} s`);
    assert.equal(list.segments[0]?.parts.length, 0);
    assert.equal(list.segments[0]?.number, list.sequence);
  });

  test("a delta update leaves out what lies further back than CAN-SKIP-UNTIL", () => {
    const stage = played(120_000);
    const [whole, delta] = [stage.playlist(), stage.playlist(true)];
    assert.deepEqual(brokenRules(delta), []);
    const [long, short] = [readPlaylist(whole), readPlaylist(delta)];
    assert.ok(short.skipped > 0);
    assert.equal(short.version, 9);
    assert.equal(short.segments.length + short.skipped, long.segments.length);
    assert.equal(short.segments[0]?.uri, long.segments[short.skipped]?.uri);
    const kept = short.segments.reduce((sum, { duration }) => sum + duration, 0);
    assert.ok(kept >= 18, `${kept} s`);
  });

  test("a short playlist has nothing to leave out", () => {
    const stage = played(10_000);
    assert.equal(stage.playlist(true), stage.playlist());
  });

  test("an ended one says so, and hints at nothing", () => {
    const stage = played(10_000);
    stage.segmenter.handleEnd();
    const list = readPlaylist(stage.playlist(false, true));
    assert.ok(list.ended);
    assert.equal(list.hint, "");
  });

  test("dates are those of JavaScript", () => {
    for (const millis of [
      0, 951_782_399_999, 951_782_400_000, 1_709_164_800_123, 4_102_444_800_000,
    ])
      assert.equal(dateText(millis), new Date(millis).toISOString());
  });
});

describe("brokenRules", () => {
  const good = (): string => {
    const stage = new Stage();
    stage.segmenter.handleFormat(H264);
    stage.play(0, 20_000, { sound: 0 });
    return stage.playlist();
  };

  for (const [what, from, to] of [
    ["a hold-back that is too short", "PART-HOLD-BACK=1.200", "PART-HOLD-BACK=1.1"],
    ["a skip limit that is too short", "CAN-SKIP-UNTIL=18.000", "CAN-SKIP-UNTIL=17"],
    ["a part that is too long", /DURATION=0\.\d+/, "DURATION=0.5"],
    ["a segment that is too long", /EXTINF:2.000/, "EXTINF:3.6"],
    ["no hint", /#EXT-X-PRELOAD-HINT.*/, ""],
    ["a fractional target", "TARGETDURATION:3", "TARGETDURATION:2.5"],
  ] as const) {
    test(`finds ${what}`, () => {
      assert.deepEqual(brokenRules(good()), []);
      assert.ok(brokenRules(good().replace(from, to)).length > 0);
    });
  }
});
