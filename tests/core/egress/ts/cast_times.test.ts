import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat } from "../../../../core/bytes/mod.ts";
import { plainBytes } from "../../../../core/egress/cast/mod.ts";
import { AUDIO, all, heard, made, pesOf, SOUND, shown, VIDEO } from "./live_stage.ts";
import { brokenPackets, brokenTimes, readTs } from "./packet_rules.ts";
import { AAC, H264_TS } from "./stage.ts";

describe("Times of a transport stream for many", () => {
  test("PCRs come every 100 ms: with one picture a second, and while pictures pause and sound goes on", () => {
    const cast = made();
    cast.handleFormat(H264_TS);
    cast.handleFormat({ ...AAC, codec: "opus" });
    for (let at = 0; at < 5000; at += 1000) cast.handleFrame(shown(at, true));
    const viewer = cast.join(plainBytes);
    cast.flush(0);
    const slow = all(cast, viewer, 0);
    assert.deepEqual(
      brokenTimes(slow).filter((words) => words.includes("PCR")),
      [],
    );

    const paused = made();
    paused.handleFormat(H264_TS);
    paused.handleFormat(AAC);
    const there = paused.join(plainBytes);
    const parts: Uint8Array[] = [];
    let sound = 0;
    for (let now = 0; now < 9000; now += 20) {
      const shows = now < 2000 || now > 7000;
      if (shows && now % 40 === 0) paused.handleFrame(shown(now, now % 1000 === 0));
      for (; sound < now; sound += SOUND) paused.handleFrame(heard(sound));
      if (now % 100 !== 80) continue;
      paused.flush(now);
      parts.push(all(paused, there, now));
      paused.trim([there], now);
    }
    assert.deepEqual(brokenTimes(concat(parts)), []);
  });

  test("PCRs never go back, though pictures come behind sound that is newer", () => {
    const cast = made();
    cast.handleFormat(H264_TS);
    cast.handleFormat(AAC);
    const viewer = cast.join(plainBytes);
    const parts: Uint8Array[] = [];
    const behind = 800;
    for (let now = 0; now < 4000; now += 20) {
      if (now % 40 === 0) cast.handleFrame(shown(now, now % 1000 === 0));
      cast.handleFrame(heard(now + behind));
      if (now % 100 !== 80) continue;
      cast.flush(now);
      parts.push(all(cast, viewer, now));
    }
    assert.deepEqual(brokenTimes(concat(parts)), []);
  });

  test("times wrap at 33 bits, after 26 hours", () => {
    const cast = made();
    cast.handleFormat(H264_TS);
    cast.handleFormat(AAC);
    cast.handleFrame(shown(0, true));
    const wrap = 2 ** 33 / 90 - 1400;
    for (let at = 0; at < 2000; at += 40) {
      cast.handleFrame(shown(wrap - 1000 + at, at === 0));
      cast.handleFrame(heard(wrap - 1000 + at));
    }
    cast.flush(0);
    const bytes = all(cast, cast.join(plainBytes), 0);
    const { packets, clocks, broken } = readTs(bytes);
    assert.deepEqual(broken, []);
    const times = packets.filter(({ pid }) => pid === VIDEO).map(({ dts }) => dts);
    const last = times.findIndex((dts, i) => dts > (times[i + 1] ?? dts));
    assert.equal(times[last + 1], (times[last] ?? 0) + 3600 - 2 ** 33);
    assert.ok(clocks.some((pcr, i) => pcr > (clocks[i + 1] ?? pcr) + 2 ** 32));
  });

  test("B-frames have their times", () => {
    const cast = made();
    cast.handleFormat({ ...AAC, codec: "opus" });
    cast.handleFormat(H264_TS);
    cast.handleFrame(shown(0, true, 100, 80));
    cast.handleFrame(shown(40, false, 100, 0));
    cast.flush(0);
    const bytes = all(cast, cast.join(plainBytes), 0);
    assert.deepEqual(
      pesOf(bytes, VIDEO).map(({ pts, dts }) => [pts - 126_000, dts - 126_000]),
      [
        [7200, 0],
        [3600, 3600],
      ],
    );
  });

  test("sound that is older than the keyframe of who joins is not for him: its counters are told to jump", () => {
    const cast = made();
    cast.handleFormat(H264_TS);
    cast.handleFormat(AAC);
    cast.handleFrame(heard(900));
    cast.handleFrame(shown(900, true));
    cast.flush(0);
    const there = cast.join(plainBytes);
    const before = all(cast, there, 0);
    cast.handleFrame(shown(1000, true));
    cast.flush(100);
    const joins = cast.join(plainBytes);
    const his = [all(cast, joins, 100)];
    for (const at of [940, 961, 982, 1004, 1025]) cast.handleFrame(heard(at));
    cast.handleFrame(shown(1040));
    cast.flush(200);
    const rest = all(cast, there, 200);
    his.push(all(cast, joins, 200));
    assert.deepEqual(brokenPackets(concat([before, rest])), []);
    const bytes = concat(his);
    assert.deepEqual(brokenPackets(bytes), []);
    const { discontinuities } = readTs(bytes);
    assert.deepEqual(discontinuities, [AUDIO]);
    const [sound] = pesOf(bytes, AUDIO);
    const [keyframe] = pesOf(bytes, VIDEO);
    assert.equal((sound?.pts ?? 0) - (keyframe?.pts ?? 0), 4 * 90);
  });

  test("a PES packet of sound tells its length, however much comes at a time", () => {
    const cast = made();
    cast.handleFormat(H264_TS);
    cast.handleFormat({ ...AAC, configuration: Uint8Array.of(0x10, 0x10), sampleRate: 96_000 });
    cast.handleFrame(shown(0, true));
    for (let i = 0; i < 20; i++) cast.handleFrame(heard((i * 1024) / 96, 8000));
    cast.flush(0);
    const bytes = all(cast, cast.join(plainBytes), 0);
    assert.deepEqual(brokenPackets(bytes), []);
    const sum = pesOf(bytes, AUDIO).reduce((all, one) => all + one.bytes, 0);
    assert.equal(sum, 20 * 8007);
  });
});
