import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat } from "../../../../core/bytes/mod.ts";
import {
  chunkedBytes,
  KEPT_MAX_BYTES,
  plainBytes,
  TRACK_WAIT_MILLIS,
  webSocketBytes,
} from "../../../../core/egress/cast/mod.ts";
import type { TsPackets } from "../../../../core/egress/ts/mod.ts";
import { StreamType } from "../../../../core/wire/mpegts/mod.ts";
import { AUDIO, all, heard, made, pesOf, Show, SOUND, shown, VIDEO } from "./live_stage.ts";
import { brokenPackets, brokenTimes, readTs } from "./packet_rules.ts";
import { AAC, H264_TS } from "./stage.ts";

describe("A transport stream for many", () => {
  test("begins with PAT, PMT and a keyframe with the PCR; all frames come, with their times", () => {
    const cast = made();
    cast.handleFormat(H264_TS);
    cast.handleFormat(AAC);
    const viewer = cast.join(plainBytes);
    const parts: Uint8Array[] = [];
    const show = new Show(cast, 0, [viewer], (now) => parts.push(all(cast, viewer, now)));
    show.run(0, 10_000);
    const bytes = concat(parts);
    assert.deepEqual(brokenTimes(bytes), []);
    const { packets, types } = readTs(bytes);
    assert.deepEqual([...types.values()], [StreamType.H264, StreamType.AdtsAac]);
    assert.ok(packets[0]?.pid === VIDEO && packets[0].randomAccess);
    assert.equal(packets[0].pcr, packets[0].dts - 63_000);
    const pictures = pesOf(bytes, VIDEO);
    assert.deepEqual(
      pictures.map(({ dts }) => dts),
      pictures.map((_, i) => 126_000 + i * 3600),
    );
    assert.equal(pictures.length, 250);
    const sounds = pesOf(bytes, AUDIO);
    const frames = sounds.reduce((sum, one) => sum + one.bytes / 177, 0);
    assert.equal(frames, Math.ceil(9980 / SOUND));
    for (const [i, { pts }] of sounds.entries()) {
      const before = sounds.slice(0, i).reduce((sum, one) => sum + one.bytes / 177, 0);
      assert.ok(Math.abs(pts - 126_000 - before * 1920) <= 90, `${pts}`);
    }
    // PAT and PMT, PES headers and stuffing cost little.
    assert.ok(bytes.length < 1.25 * (250 * 504 + frames * 170));
  });

  test("who joins begins with the last keyframe, and then shares the bytes of all; his counters begin anywhere", () => {
    const cast = made();
    cast.handleFormat(H264_TS);
    cast.handleFormat(AAC);
    const [first, second] = [cast.join(plainBytes), cast.join(plainBytes)];
    let joined = false;
    const parts: Uint8Array[] = [];
    const show = new Show(cast, 0, [first, second], (now) => {
      if (now < 2700) all(cast, first, now);
      else if (!joined) {
        joined = true;
        all(cast, first, now);
        parts.push(all(cast, second, now));
      } else {
        const shared = cast.poll(first, now);
        assert.ok(shared !== undefined);
        assert.equal(cast.poll(second, now), shared, "made once");
        parts.push(shared);
      }
    });
    show.run(0, 5000);
    const bytes = concat(parts);
    assert.deepEqual(brokenTimes(bytes), []);
    const [keyframe] = pesOf(bytes, VIDEO);
    assert.equal(keyframe?.dts, 126_000 + 180_000, "of second 2");
    assert.notEqual((bytes[3] ?? 0) & 15, 0, "counters of those before");
  });

  test("after a drop every PID tells a discontinuity, the PCR's with a PCR, and a keyframe is next", () => {
    const cast = made({ lagMillis: 1000 });
    cast.handleFormat(H264_TS);
    cast.handleFormat(AAC);
    const [slow, other] = [cast.join(plainBytes), cast.join(plainBytes)];
    const parts: Uint8Array[] = [];
    const resumed: Uint8Array[] = [];
    const show = new Show(cast, 0, [slow, other], (now) => {
      if (now < 500) parts.push(all(cast, slow, now));
      if (now < 500) all(cast, other, now);
    });
    show.run(0, 4500);
    const [one, another] = [cast.poll(slow, 4500), cast.poll(other, 4500)];
    assert.ok(one !== undefined && another !== undefined);
    assert.deepEqual(one, another);
    resumed.push(one, all(cast, slow, 4500));
    const bytes = concat([...parts, ...resumed]);
    const { broken, discontinuities, packets } = readTs(bytes);
    assert.deepEqual(broken, []);
    // Once more where sound is left out that is older than the keyframe.
    assert.deepEqual(discontinuities, [0, 0x1000, VIDEO, AUDIO, AUDIO]);
    const after = packets.filter(({ pid, dts }) => pid === VIDEO && dts > 126_000 + 45_000);
    assert.equal(after[0]?.dts, 126_000 + 4 * 90_000);
    assert.ok(after[0].randomAccess);
    assert.equal(slow.droppedFrames > 60, true);
    const without = brokenPackets(concat([...parts, ...resumed.slice(1)]));
    assert.ok(without.length > 0, "counters jump");
  });

  test("a track that comes while it is waited for is in the first PMT; a later one in another", () => {
    const cast = made();
    cast.handleFormat(H264_TS);
    cast.handleFrame(shown(0, true));
    cast.flush(0);
    const viewer = cast.join(plainBytes);
    assert.equal(cast.poll(viewer, 0), undefined);
    cast.handleFormat(AAC);
    cast.handleFrame(heard(0));
    cast.flush(300);
    const bytes = all(cast, viewer, 300);
    assert.deepEqual(brokenPackets(bytes), []);
    assert.deepEqual([readTs(bytes).types.size, readTs(bytes).version], [2, 0]);

    const late = made();
    late.handleFormat(H264_TS);
    late.handleFrame(shown(0, true));
    late.flush(0);
    late.flush(TRACK_WAIT_MILLIS);
    const other = late.join(plainBytes);
    const before = all(late, other, TRACK_WAIT_MILLIS);
    assert.deepEqual([...readTs(before).types.values()], [StreamType.H264]);
    late.handleFormat(AAC);
    late.handleFrame(heard(2400));
    late.flush(2500);
    const whole = concat([before, all(late, other, 2500)]);
    assert.deepEqual(brokenPackets(whole), []);
    assert.deepEqual([readTs(whole).types.size, readTs(whole).version], [2, 1]);
  });

  test("another publisher's tracks are in another PMT, and his pictures wait for his sound", () => {
    const cast = made();
    const viewer = cast.join(plainBytes);
    cast.handleFormat(H264_TS);
    cast.handleFormat(AAC);
    cast.handleFrame(shown(0, true));
    cast.flush(0);
    const parts = [all(cast, viewer, 0)];
    cast.handleFrame(shown(40));
    cast.handleEnd();
    cast.flush(100);
    parts.push(all(cast, viewer, 100));
    assert.equal(pesOf(concat(parts), VIDEO).length, 2, "what came before he ended");
    cast.handleFormat({ ...H264_TS, codec: "vp8" });
    cast.handleFrame(shown(2960, true));
    cast.flush(3000);
    assert.equal(cast.poll(viewer, 3000), undefined);
    cast.handleFormat(AAC);
    for (let at = 3000; at < 6000; at += SOUND) cast.handleFrame(heard(at));
    cast.flush(6000);
    parts.push(all(cast, viewer, 6000));
    const bytes = concat(parts);
    assert.deepEqual(brokenPackets(bytes), []);
    const { types, version } = readTs(bytes);
    assert.deepEqual([[...types.values()], version], [[StreamType.AdtsAac], 1]);
  });

  test("other pictures are left out: sound alone has the PCR, and can be joined anywhere", () => {
    const cast = made();
    cast.handleFormat({ ...H264_TS, codec: "vp9" });
    cast.handleFormat(AAC);
    cast.handleFrame(shown(0, true));
    let sound = 0;
    let viewer = cast.join(plainBytes);
    for (let now = 100; now < 4000; now += 100) {
      for (; sound < now; sound += SOUND) cast.handleFrame(heard(sound));
      cast.flush(now);
      if (now === 3000) viewer = cast.join(plainBytes);
      if (now < 3500) cast.trim([viewer], now);
    }
    const bytes = all(cast, viewer, 4000);
    assert.deepEqual(brokenTimes(bytes), []);
    assert.deepEqual([...readTs(bytes).types.values()], [StreamType.AdtsAac]);
    assert.ok(cast.keptBytes < 20_000);
  });

  test("Opus is left out, and nobody waits for it", () => {
    const cast = made();
    cast.handleFormat({ ...AAC, codec: "opus" });
    cast.handleFormat(H264_TS);
    cast.handleFrame(heard(0));
    cast.handleFrame(shown(0, true));
    cast.flush(0);
    const bytes = all(cast, cast.join(plainBytes), 0);
    assert.deepEqual(brokenTimes(bytes), []);
    assert.deepEqual([...readTs(bytes).types.values()], [StreamType.H264]);
  });

  test("what is kept has a bound, of single bytes and of a track that is waited for, too", () => {
    const cast = made({ lagMillis: 1e9 });
    cast.handleFormat(H264_TS);
    cast.handleFormat(AAC);
    const stalled = cast.join(plainBytes);
    cast.handleFrame(shown(0, true, 10));
    cast.flush(0);
    cast.poll(stalled, 0);
    for (let i = 1; i < 200_000; i++) {
      cast.handleFrame(shown(i / 100, false, 1));
      if (i % 1000 !== 0) continue;
      cast.flush(1);
      cast.trim([stalled], 1);
      assert.ok(cast.keptBytes <= KEPT_MAX_BYTES);
    }
    const alone = made();
    alone.handleFormat(H264_TS);
    for (let i = 0; i < 64; i++) {
      alone.handleFrame(shown(i, i === 0, 1024 * 1024));
      alone.flush(i);
      alone.trim([], i);
      assert.ok(alone.keptBytes <= KEPT_MAX_BYTES);
    }
  });

  test("the same packets as a chunk and as a WebSocket message; a batch of a format alone is no write", () => {
    const packets: TsPackets[] = [{ bytes: new Uint8Array(188).fill(7) }];
    assert.equal(plainBytes(packets), packets[0]?.bytes);
    const two = [...packets, ...packets];
    assert.equal(Buffer.from(chunkedBytes(two)).toString("latin1", 0, 5), "178\r\n");
    assert.deepEqual([...webSocketBytes(two).subarray(0, 4)], [0x82, 126, 1, 0x78]);
    const cast = made();
    cast.handleFormat(H264_TS);
    cast.handleFormat(AAC);
    cast.handleFrame(shown(0, true));
    cast.flush(0);
    const viewer = cast.join(chunkedBytes);
    all(cast, viewer, 0);
    cast.handleFormat(H264_TS);
    cast.flush(100);
    assert.equal(cast.poll(viewer, 100), undefined);
  });
});
