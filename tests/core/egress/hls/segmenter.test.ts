import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HELD_MAX_FRAMES } from "../../../../core/egress/hls/mod.ts";
import { brokenBetween, brokenRules, readPlaylist } from "./playlist_rules.ts";
import { EPOCH, H264, OPUS, Stage } from "./stage.ts";

function both(): Stage {
  const stage = new Stage();
  stage.segmenter.handleFormat(H264);
  stage.segmenter.handleFormat(OPUS);
  return stage;
}

/** Every playlist there was keeps the rules, and follows from the one before. */
function assertRules(stage: Stage): void {
  for (const [i, text] of stage.playlists.entries()) {
    assert.deepEqual(brokenRules(text), [], text);
    const before = stage.playlists[i - 1];
    if (before !== undefined) assert.deepEqual(brokenBetween(before, text), [], text);
  }
}

describe("Segmenter", () => {
  for (const fps of [60, 30, 25, 15, 10]) {
    test(`${fps} pictures a second: every playlist keeps the rules of RFC 8216bis`, () => {
      const stage = both();
      stage.play(0, 60_000, { fps });
      assertRules(stage);
      const { segments } = readPlaylist(stage.playlist());
      assert.deepEqual(new Set(segments.map(({ duration }) => duration)), new Set([2]));
      assert.ok(segments.every(({ parts }) => parts.length === 0 || parts[0]?.independent));
    });
  }

  test("pictures that come unevenly keep them, too", () => {
    const stage = both();
    stage.play(0, 60_000, { jitter: 20 });
    assertRules(stage);
  });

  test("keyframes every 5 s: segments end at the target duration all the same", () => {
    const stage = both();
    stage.play(0, 30_000, { gop: 5000 });
    assertRules(stage);
    const { segments } = readPlaylist(stage.playlist());
    assert.ok(segments.every(({ duration }) => duration <= 3.4));
    assert.equal(stage.made.filter(({ parts }) => parts[0]?.independent).length, 6);
  });

  test("keyframes a little closer than segments are long: each segment begins with one", () => {
    const stage = both();
    stage.play(0, 30_000, { fps: 25, gop: 1800 });
    assertRules(stage);
    // The first distance is not known before its end.
    assert.ok(stage.made.length >= 15);
    assert.ok(stage.made.slice(2).every(({ parts }) => parts[0]?.independent));
  });

  test("keyframes that joining viewers ask for leave no segment without one at its beginning", () => {
    for (const every of [4720, 5360, 5640, 5880, 6960]) {
      const stage = both();
      let keyframeAt = 0;
      for (let at = 0; at < 60_000; at += 20) {
        stage.audio(at);
        if (at % 40 > 0) continue;
        // The encoder's distance is 2 s, and begins anew with each.
        const asked = at > 4000 && at % every === 0;
        // It may be two pictures late.
        const late = at % 3 === 0 ? 80 : 0;
        const key = at === 0 || at - keyframeAt >= 2000 + late || asked;
        if (key) keyframeAt = at;
        stage.video(at, key);
      }
      assertRules(stage);
      assert.ok(stage.made.every(({ parts }) => parts[0]?.independent !== false));
      const { segments } = readPlaylist(stage.playlist());
      assert.ok(segments.every(({ duration }) => duration >= 1));
    }
  });

  test("no frame is lost or given twice, and each lasts until the next", () => {
    const stage = both();
    stage.play(0, 20_000);
    stage.segmenter.handleEnd();
    for (const [id, count, ticks] of [
      [1, 600, 90 * 20_000],
      [2, 1000, 48 * 20_000],
    ]) {
      let [seen, at] = [0, 0];
      for (const { runs } of stage.made.flatMap(({ parts }) => parts)) {
        for (const { track, baseTime, samples } of runs) {
          if (track.id !== id) continue;
          assert.equal(baseTime, at);
          seen += samples.length;
          for (const { duration } of samples) at += duration;
        }
      }
      assert.deepEqual([seen, at], [count, ticks]);
    }
  });

  test("pictures shown later than decoded keep their offset", () => {
    const stage = both();
    for (let i = 0; i < 100; i++) {
      stage.audio(i * 40);
      stage.video(i * 40, i % 50 === 0, 80);
    }
    const offsets = stage.made.flatMap(({ parts }) =>
      parts.flatMap(({ runs }) => runs[0]?.samples.map((one) => one.compositionOffset) ?? []),
    );
    assert.deepEqual(new Set(offsets), new Set([7200]));
  });

  test("sound alone is cut by the clock", () => {
    const stage = new Stage();
    stage.segmenter.handleFormat(OPUS);
    stage.play(0, 30_000, { fps: 0 });
    assertRules(stage);
    assert.ok(readPlaylist(stage.playlist()).segments.length >= 13);
  });

  test("a track that has not come after 2 s is added at a keyframe, with new headers", () => {
    const stage = new Stage();
    stage.segmenter.handleFormat(H264);
    stage.play(0, 6000, { sound: 0 });
    stage.segmenter.handleFormat(OPUS);
    stage.play(6000, 12_000);
    assertRules(stage);
    const list = readPlaylist(stage.playlist());
    const at = list.segments.findIndex(({ discontinuity }) => discontinuity);
    assert.equal(list.segments[0]?.map, "init0.mp4");
    assert.equal(list.segments[at]?.map, "init1.mp4");
    assert.ok((list.segments[at]?.date ?? 0) - EPOCH <= 8000);
    assert.deepEqual(
      stage.made[0]?.start.tracks?.map(({ format }) => format.kind),
      ["video"],
    );
    assert.deepEqual(
      stage.made[at]?.start.tracks?.map(({ format }) => format.kind),
      ["video", "audio"],
    );
  });

  test("pictures that cease hold up no sound, and come back at a keyframe", () => {
    const stage = both();
    stage.play(0, 6000);
    stage.play(6000, 16_000, { fps: 0 });
    stage.play(16_000, 22_000);
    const ids = stage.made.flatMap(
      ({ start }) => start.tracks?.map(({ id, format }) => `${format.kind} ${id}`) ?? [],
    );
    assert.deepEqual(
      [...new Set(ids)].toSorted(),
      ["audio 2", "video 1"],
      "players go by the first init segment",
    );
    const kinds = stage.made.flatMap(({ start }) =>
      start.tracks === undefined ? [] : [start.tracks.map(({ format }) => format.kind).join("+")],
    );
    assert.deepEqual(kinds, ["video+audio", "audio", "video+audio"]);
    const { segments } = readPlaylist(stage.playlist());
    assert.ok(segments.every(({ duration }) => duration <= 3.4));
    assert.ok(
      stage.playlists.every(
        (text, i) => i === 0 || brokenBetween(stage.playlists[i - 1] ?? "", text).length === 0,
      ),
    );
  });

  test("silence stands for sound that has ceased for 2 s, until it comes again", () => {
    const stage = both();
    stage.play(0, 6000);
    stage.play(6000, 14_000, { sound: 0 });
    stage.play(14_000, 18_000);
    stage.segmenter.handleEnd();
    assertRules(stage);
    // Browsers take no other tracks than they began with.
    assert.equal(stage.made.filter(({ start }) => start.tracks !== undefined).length, 1);
    let at = 0;
    const silent: number[] = [];
    for (const { runs } of stage.made.flatMap(({ parts }) => parts)) {
      for (const { track, baseTime, samples } of runs) {
        if (track.format.kind !== "audio") continue;
        assert.equal(baseTime, at);
        for (const { duration, data } of samples) {
          if (data.length === 3) silent.push(at / 48);
          at += duration;
        }
      }
    }
    assert.equal(at, 48 * 18_000);
    assert.ok((silent[0] ?? 0) <= 6020 && (silent.at(-1) ?? 0) >= 13_600, `${silent.length}`);
    assert.ok(silent.every((time) => time >= 5980 && time < 14_000));
  });

  test("sound that comes 300 ms late by then is taken again, when silence does not stand there", () => {
    const stage = both();
    stage.play(0, 6000);
    stage.play(6000, 14_000, { sound: 0 });
    for (let time = 14_000; time < 18_000; time += 20) {
      if (time % 40 === 0) stage.video(time, time % 2000 === 0);
      stage.audio(time - 300);
    }
    stage.segmenter.handleEnd();
    const sound = stage.made
      .flatMap(({ parts }) => parts)
      .flatMap(({ runs }) => runs.filter(({ track }) => track.format.kind === "audio"));
    const heard = sound.flatMap(({ samples }) => samples.filter(({ data }) => data.length !== 3));
    assert.ok(heard.length >= 300 + 180, `${heard.length} packets`);
    assert.ok(sound.every(({ samples }) => samples.every(({ duration }) => duration > 0)));
  });

  test("sound that is announced and comes late has a track from the beginning, silent at first", () => {
    const stage = both();
    stage.play(0, 5000, { sound: 0 });
    stage.play(5000, 9000);
    assertRules(stage);
    const tracks = stage.made.flatMap(({ start }) => (start.tracks ? [start.tracks.length] : []));
    assert.deepEqual(tracks, [2]);
    const first = stage.made[0]?.parts.flatMap(({ runs }) => runs.slice(1)) ?? [];
    assert.ok(first.length > 0);
  });

  test("sound that no silence is known of is left out at a later keyframe", () => {
    const stage = new Stage();
    stage.segmenter.handleFormat(H264);
    stage.segmenter.handleFormat({ ...OPUS, codec: "aac", codecString: "mp4a.40.5" });
    stage.play(0, 6000);
    stage.play(6000, 14_000, { sound: 0 });
    assertRules(stage);
    assert.deepEqual(
      stage.made.flatMap(({ start }) => (start.tracks === undefined ? [] : [start.tracks.length])),
      [2, 1],
    );
  });

  test("another resolution and another publisher: new headers behind a discontinuity", () => {
    const stage = both();
    stage.play(0, 5000);
    stage.segmenter.handleFormat({ ...H264, width: 1280, height: 720 });
    stage.play(5000, 9000);
    stage.segmenter.handleEnd();
    stage.segmenter.handleFormat(H264);
    stage.segmenter.handleFormat(OPUS);
    stage.play(12_000, 20_000);
    assertRules(stage);
    const { segments } = readPlaylist(stage.playlist());
    assert.equal(segments.filter(({ discontinuity }) => discontinuity).length, 2);
    assert.deepEqual(
      new Set(segments.map(({ map }) => map)),
      new Set(["init0.mp4", "init1.mp4", "init2.mp4"]),
    );
  });

  test("discontinuities that have left the playlist are counted", () => {
    const stage = both();
    for (let round = 0; round < 12; round++) {
      stage.segmenter.handleFormat({ ...H264, width: 640 + 16 * round });
      stage.play(round * 6000, round * 6000 + 6000);
    }
    assertRules(stage);
    assert.ok(readPlaylist(stage.playlist()).discontinuities >= 5);
  });

  test("VP8 is left out, G.711 too", () => {
    const stage = new Stage();
    stage.segmenter.handleFormat({ ...H264, codec: "vp8" });
    stage.segmenter.handleFormat({ ...OPUS, codec: "pcmu" });
    stage.play(0, 10_000);
    assert.deepEqual(stage.made, []);
  });

  test("sound that comes late, from before the first picture, is left out", () => {
    const stage = both();
    for (const [i, at] of [-64, -43, -21, 0, 21, 43].entries()) {
      if (i === 1) stage.video(0, true);
      stage.audio(at);
    }
    stage.play(64, 3000);
    const first = stage.made[0]?.parts[0]?.runs[1];
    assert.equal(first?.baseTime, 0);
    assert.ok(first?.samples.every(({ duration }) => duration > 0));
  });

  test("what waits for another track is bounded", () => {
    const stage = both();
    for (let i = 0; i < HELD_MAX_FRAMES - 1; i++) stage.video(i / 1000, i === 0);
    assert.equal(stage.made.length, 0);
    stage.video(HELD_MAX_FRAMES / 1000, false);
    assert.equal(stage.made.length, 1);
  });

  test("pictures before the first keyframe are not kept", () => {
    const stage = both();
    stage.video(0, false);
    stage.audio(10);
    stage.video(33, true);
    stage.play(66, 3000, { gop: 99_999 });
    assert.equal(stage.made[0]?.start.date, EPOCH + 33);
  });
});
