import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameClock } from "../../../core/stream/frame_clock.ts";
import type { Track } from "../../../core/stream/track.ts";
import { Camera, keyframesAsked, newHub, Recorder, tap, WALL } from "./frame_camera.ts";

/** Two hours of a sender whose clock runs fast by `ppm`, its reports from the second on. */
function drift(ppm: number, soundLate: number): { worst: number; first: number; jump: number } {
  const hub = newHub();
  const camera = new Camera(hub, 0);
  const recorder = new Recorder();
  tap(hub, recorder, 0);
  const rate = 1 + ppm / 1e6;
  let [worst, first, jump] = [0, 0, 0];
  // What each frame shows happened at the sender at this time.
  const happened = { video: new Map<number, number>(), audio: new Map<number, number>() };
  let last = { video: Number.NaN, audio: Number.NaN };
  let offset = { video: 0, audio: 0 };
  const look = (now: number): void => {
    for (const frame of recorder.frames.splice(0)) {
      const at = happened[frame.kind].get(Math.round(now)) ?? 0;
      offset = { ...offset, [frame.kind]: frame.pts - WALL - at };
      const step = frame.pts - last[frame.kind];
      const nominal = frame.kind === "video" ? 100 : 200;
      if (Number.isFinite(step)) jump = Math.max(jump, Math.abs(step - nominal));
      last = { ...last, [frame.kind]: frame.pts };
    }
  };
  for (let now = 0; now < 7_200_000; now += 100) {
    const theirs = now * rate;
    if (now % 2000 === 1000) camera.report(theirs + 5e9, 90 * theirs + 3, 48 * theirs + 9, now);
    // Pictures take longer to come than sound did at the start, or the other way round.
    const shown = now - soundLate;
    happened.video.set(now, theirs);
    camera.picture(Math.round(90 * theirs + 3), now % 2000 === 0, now, 50);
    look(now);
    if (now % 200 === 0) {
      happened.audio.set(now, shown * rate);
      camera.sound(Math.round(48 * shown * rate + 9), now);
      look(now);
    }
    happened.video.clear();
    happened.audio.clear();
    const skew = Math.abs(offset.video - offset.audio);
    if (now >= 2000) worst = Math.max(worst, skew);
    else first = Math.max(first, skew);
    hub.handleTimeout(now);
    keyframesAsked(hub);
  }
  return { worst, first, jump };
}

for (const ppm of [0, 200, -200]) {
  test(`sound and picture stay together for two hours of a sender ${ppm} ppm off, and no time jumps`, () => {
    const { worst, first, jump } = drift(ppm, 30);
    assert.ok(worst < 40, `${worst.toFixed(1)} ms apart after 2 s`);
    assert.ok(first < 40, `${first.toFixed(1)} ms apart before`);
    assert.ok(jump < 12, `a step of ${jump.toFixed(1)} ms`);
  });
}

test("a first keyframe that is long on its way puts no picture behind the sound for long, and no time goes back", () => {
  const hub = newHub();
  const camera = new Camera(hub, 0);
  const recorder = new Recorder();
  tap(hub, recorder, 0);
  // 600 ms for the keyframe; what was taken meanwhile comes right after it.
  for (let taken = 0; taken < 4000; taken += 40) {
    camera.sound(48 * taken, taken + 20);
    const comes = Math.max(taken + 30, 630);
    camera.picture(90 * taken, taken === 0, comes, 50);
  }
  const late = recorder.of("video").map(({ pts }, i) => pts - WALL - 40 * i - 30);
  assert.ok((late[0] ?? 0) > 590);
  assert.ok((late[15] ?? 0) > 300, "what came at once does not pull it");
  for (const [i, one] of late.entries()) if (i > 75) assert.ok(one < 10, `${i}: ${one} ms late`);
  const steps = recorder.of("video").map(({ pts }, i, all) => pts - (all[i - 1]?.pts ?? 0));
  for (const step of steps.slice(1)) assert.ok(step >= 19 && step < 41, `${step} ms`);
});

test("a timestamp that leaps for hours moves no frame away from its arrival, with reports or without", () => {
  for (const reported of [false, true]) {
    const hub = newHub();
    const camera = new Camera(hub, 0);
    const recorder = new Recorder();
    tap(hub, recorder, 0);
    camera.sound(0, 0);
    if (reported) camera.report(WALL, 0, 0, 0);
    for (let i = 0; i < 10; i++) {
      const leap = i === 5 ? 0x7fff_0000 : 0;
      camera.picture(3000 * i + leap, i === 0, 33 * i);
    }
    const pictures = recorder.of("video");
    assert.equal(pictures.length, 10);
    for (const [i, { dts }] of pictures.entries()) {
      assert.ok(Math.abs(dts - (WALL + 33 * i)) < 100, `frame ${i} at ${dts - WALL}`);
    }
  }
});

const RATE = 48_000;
/** What a transcoder of sound follows by stretching it: 0.1 %. */
const STRETCH = 0.001;

test("sound goes over from arrival to sender reports no faster than a transcoder follows", () => {
  const track = { clock: { at: undefined as number | undefined, timestamp: 0 } };
  const clock = new FrameClock(track as unknown as Track);
  // It came 200 ms late.
  assert.equal(clock.at(0, RATE, 1200, false), 1200);
  track.clock.at = 1000;
  let before = 1200;
  let last = 0;
  for (let millis = 20; millis <= 300_000; millis += 20) {
    last = clock.at((millis * RATE) / 1000, RATE, 1200 + millis, true);
    const moved = Math.abs(last - before - 20);
    assert.ok(moved <= 20 * STRETCH, `${moved} ms in 20 ms`);
    before = last;
  }
  assert.ok(Math.abs(last - 301_000) < 0.01, `${last}: in the end it is where reports say`);
});
