import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { dateText, multivariantText } from "../../../../core/egress/hls/mod.ts";
import { brokenBetween, brokenRules, brokenVariants, readPlaylist } from "./playlist_rules.ts";
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

  test("an ended one says so, has no parts and hints at nothing", () => {
    const stage = played(10_000);
    stage.segmenter.handleEnd();
    const list = readPlaylist(stage.playlist(false, true));
    assert.ok(list.ended && list.segments.length > 0);
    assert.ok(list.segments.every(({ parts }) => parts.length === 0));
    assert.equal(list.hint, "");
  });

  test("of segments alone it has version 3, and tells no parts", () => {
    const stage = new Stage(Number.POSITIVE_INFINITY);
    const names = {
      segment: (number: number) => `${number}.ts`,
      part: (number: number, part: number) => `${number}.${part}.ts`,
    };
    stage.how = { names, partMillis: undefined };
    stage.segmenter.handleFormat(H264);
    stage.segmenter.handleFormat(OPUS);
    stage.play(0, 4001, { fps: 25 });
    assert.equal(
      stage.playlist(),
      `#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:3
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z
#EXTINF:2.000,
0.ts
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:02.000Z
#EXTINF:2.000,
1.ts
`,
    );
    stage.play(4001, 60_000, { fps: 25 });
    assert.deepEqual(brokenRules(stage.playlist()), []);
    assert.equal(stage.playlist(true), stage.playlist());
    assert.ok(stage.made.every(({ parts, complete }) => parts.length === (complete ? 1 : 0)));
  });

  test("pictures that cease make no segment without parts too long", () => {
    const stage = new Stage(Number.POSITIVE_INFINITY);
    stage.how = { partMillis: undefined };
    stage.segmenter.handleFormat(H264);
    stage.segmenter.handleFormat(OPUS);
    stage.play(0, 3900, { fps: 25 });
    stage.play(3900, 12_000, { fps: 0 });
    stage.play(12_000, 20_000, { fps: 25 });
    for (const [i, text] of stage.playlists.entries()) {
      assert.deepEqual(brokenRules(text), [], text);
      if (i > 0) assert.deepEqual(brokenBetween(stage.playlists[i - 1] ?? "", text), []);
    }
  });

  test("a rendition of sound alone has gaps where there was none, and reports of the other", () => {
    const stage = new Stage();
    stage.segmenter.handleFormat(H264);
    stage.play(0, 6000, { sound: 0 });
    stage.segmenter.handleFormat(OPUS);
    stage.play(6000, 12_500);
    stage.how = { others: ["media.m3u8"] };
    const media = stage.playlist();
    stage.how = { soundOnly: true, others: ["media.m3u8?token=a"] };
    const audio = stage.playlist();
    assert.deepEqual(brokenRules(audio), []);
    const list = readPlaylist(audio);
    const [gap, kept] = [
      list.segments.filter((one) => one.gap),
      list.segments.filter((one) => !one.gap),
    ];
    assert.ok(gap.length >= 3 && kept.length >= 2, `${gap.length} gaps, ${kept.length} segments`);
    assert.ok(gap.every(({ map }) => map === "") && kept.every(({ map }) => map === "init1.mp4"));
    assert.ok(
      [...kept.flatMap(({ parts }) => parts), ...list.open].every((one) => one.independent),
    );
    assert.equal(list.version, 8);
    assert.deepEqual(list.reports, [
      { URI: "media.m3u8?token=a", "LAST-MSN": "6", "LAST-PART": String(list.open.length - 1) },
    ]);
    const sizes = { peakBitrate: 1000.5, averageBitrate: 900 };
    const text = multivariantText(
      [
        { uri: "media.m3u8", formats: [H264, OPUS], ...sizes, frameRate: 29.97 },
        { uri: "audio.m3u8", formats: [OPUS], ...sizes, frameRate: 0 },
      ],
      6,
    );
    const lists = { "media.m3u8": media, "audio.m3u8": audio };
    assert.deepEqual(brokenVariants(text, lists), []);
    for (const [from, to] of [
      ["BANDWIDTH=1001", "BANDWIDTH=1.5"],
      ['CODECS="avc1.42c01e,Opus"', 'CODECS=""'],
      ["RESOLUTION=640x360", "RESOLUTION=640"],
      ["audio.m3u8", "other.m3u8"],
    ] as const)
      assert.notDeepEqual(brokenVariants(text.replace(from, to), lists), [], from);
    const moved = audio.replace("#EXT-X-DISCONTINUITY\n", "");
    assert.notDeepEqual(brokenVariants(text, { ...lists, "audio.m3u8": moved }), []);
  });

  test("a report of a segment that has no part yet is of the last part before", () => {
    const stage = played(4001);
    stage.how = { others: ["other.m3u8"] };
    assert.deepEqual(readPlaylist(stage.playlist()).reports, [
      { URI: "other.m3u8", "LAST-MSN": "1", "LAST-PART": "5" },
    ]);
  });

  test("a multivariant playlist is as written here", () => {
    const sizes = { peakBitrate: 2_500_000, averageBitrate: 2_400_000 };
    assert.equal(
      multivariantText([{ uri: "a.m3u8", formats: [H264], ...sizes, frameRate: 30 }], 6),
      `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-STREAM-INF:BANDWIDTH=2500000,AVERAGE-BANDWIDTH=2400000,CODECS="avc1.42c01e",RESOLUTION=640x360,FRAME-RATE=30.000
a.m3u8
`,
    );
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
