import assert from "node:assert/strict";
import { test } from "node:test";
import { NEVER } from "../../../core/base/mod.ts";
import { NAL_UNITS_MAX } from "../../../core/media/nal_depacketizer.ts";
import { PARAMETER_SET_MAX_BYTES, ParameterSets } from "../../../core/media/parameter_sets.ts";
import { FRAME_MAX_BYTES, FRAME_MAX_PACKETS } from "../../../core/stream/track_frames.ts";
import { Camera, keyframesAsked, newHub, Recorder, tap, WALL } from "./frame_camera.ts";

test("formats come before frames, and frames are whole pictures with their times", () => {
  const hub = newHub();
  const camera = new Camera(hub, 0);
  const recorder = new Recorder();
  tap(hub, recorder, 0);
  camera.sound(960, 0);
  for (let i = 0; i < 5; i++) camera.picture(3000 * i, i === 0, 33 * i);
  const [sound, pictures] = recorder.formats;
  assert.equal(sound?.codecString, "opus");
  assert.equal(Buffer.from(sound?.configuration ?? []).toString("latin1", 0, 8), "OpusHead");
  assert.deepEqual(
    [pictures?.codecString, pictures?.width, pictures?.height],
    ["avc1.42c01e", 640, 360],
  );
  const video = recorder.of("video");
  assert.equal(video.length, 5);
  assert.deepEqual(
    video.map(({ keyframe }) => keyframe),
    [true, false, false, false, false],
  );
  // One NAL unit of 3,000 bytes behind its length; parameter sets are in the format.
  assert.deepEqual([video[0]?.data.length, video[0]?.data[4]], [3004, 0x65]);
  const gaps = video.slice(1).map(({ pts }, i) => Math.round(pts - (video[i]?.pts ?? 0)));
  assert.deepEqual(gaps, [33, 33, 33, 33]);
  assert.ok(Math.abs((video[0]?.pts ?? 0) - WALL) < 1);
});

test("who joins gets the group of pictures so far, or waits for a keyframe that is asked for", () => {
  const hub = newHub();
  const camera = new Camera(hub, 0);
  const first = new Recorder();
  tap(hub, first, 0);
  for (let i = 0; i < 4; i++) camera.picture(3000 * i, i === 0, 33 * i);
  keyframesAsked(hub);
  const second = new Recorder();
  tap(hub, second, 140);
  assert.deepEqual(second.frames, first.frames);
  assert.equal(keyframesAsked(hub), 0);
  const third = new Recorder();
  tap(hub, third, 1000, false);
  assert.equal(third.frames.length, 0);
  hub.handleTimeout(1000);
  assert.equal(keyframesAsked(hub), 1);
});

test("nothing is made while nobody takes frames, and a tap asks for a keyframe every 2 s", () => {
  const hub = newHub();
  const camera = new Camera(hub, 0);
  camera.picture(0, true, 0);
  const recorder = new Recorder();
  tap(hub, recorder, 10);
  camera.picture(3000, false, 33);
  assert.equal(recorder.frames.length, 0);
  let asked = keyframesAsked(hub);
  assert.equal(asked, 1);
  for (let now = 100; now <= 8000; now += 100) {
    const answered = asked;
    camera.picture(90 * now, false, now);
    hub.handleTimeout(now);
    asked += keyframesAsked(hub);
    if (asked > answered) camera.picture(90 * now + 1, true, now);
  }
  assert.ok(asked >= 4 && asked <= 6, `${asked} in 8 s`);
});

test("who gives pictures himself is not asked for keyframes, and the bus has nothing to wake for", () => {
  const hub = newHub();
  const camera = new Camera(hub, 0);
  const stream = tap(hub, new Recorder(), 0);
  const configuration = new Uint8Array(0);
  const size = { width: 64, height: 48, sampleRate: 0, channels: 0 };
  camera.publisher.putFormat({
    ...{ kind: "video", codec: "vp9", codecString: "vp09.00.10.08", configuration },
    ...size,
  });
  const data = Uint8Array.of(1);
  camera.publisher.putFrame({ kind: "video", dts: WALL, pts: WALL, keyframe: true, data }, 0);
  keyframesAsked(hub);
  for (let now = 100; now <= 8000; now += 100) hub.handleTimeout(now);
  assert.equal(keyframesAsked(hub), 0);
  assert.equal(stream.frames.nextTimeout(), NEVER);
});

test("how often keyframes are asked for, how long a group is kept, and whether packets are made frames are options", () => {
  const often = newHub({ keyframeMillis: 500 });
  const camera = new Camera(often, 0);
  tap(often, new Recorder(), 0);
  let asked = 0;
  for (let now = 0; now <= 3000; now += 100) {
    const wanted = keyframesAsked(often);
    asked += wanted;
    camera.picture(90 * now, wanted > 0, now);
    often.handleTimeout(now);
  }
  assert.ok(asked >= 4 && asked <= 7, `${asked} in 3 s`);

  const short = newHub({ gopMaxFrames: 3 });
  const long = new Camera(short, 0);
  tap(short, new Recorder(), 0);
  for (let i = 0; i < 3; i++) long.picture(3000 * i, i === 0, 34 * i);
  const whole = new Recorder();
  tap(short, whole, 100);
  assert.equal(whole.frames.length, 3);
  long.picture(9000, false, 102);
  const none = new Recorder();
  tap(short, none, 110);
  assert.equal(none.frames.length, 0);

  const off = newHub({ ofPackets: false });
  const ignored = new Camera(off, 0);
  const recorder = new Recorder();
  tap(off, recorder, 0);
  ignored.picture(0, true, 0);
  assert.equal(recorder.frames.length, 0);
  assert.equal(keyframesAsked(off), 0);
});

test("packets out of order make the same frames", () => {
  const hub = newHub();
  const camera = new Camera(hub, 0);
  const recorder = new Recorder();
  tap(hub, recorder, 0);
  camera.picture(0, true, 0);
  let held: (() => void) | undefined;
  camera.way = (put) => {
    if (held === undefined) held = put;
    else {
      put();
      held();
      held = undefined;
    }
  };
  for (let i = 1; i <= 6; i++) camera.picture(3000 * i, false, 33 * i, 4000);
  camera.way = (put) => put();
  held?.();
  camera.picture(3000 * 7, false, 33 * 7);
  assert.equal(recorder.of("video").length, 8);
});

test("a picture of which a packet is lost is left out, with all that need it, and a keyframe is asked for; sound goes on", () => {
  const hub = newHub();
  const camera = new Camera(hub, 0);
  const recorder = new Recorder();
  tap(hub, recorder, 0);
  camera.picture(0, true, 0);
  for (let i = 1; i < 60; i++) {
    const now = 34 * i;
    let packet = 0;
    camera.way = (put) => {
      packet++;
      if (i !== 5 || packet !== 2) put();
    };
    camera.picture(3000 * i, i === 40, now);
    camera.way = (put) => put();
    camera.sound(1584 * i, now);
    hub.handleTimeout(now);
  }
  const shown = recorder.of("video").map(({ pts }) => Math.round((pts - WALL) / (1000 / 30)));
  assert.deepEqual(shown, [0, 1, 2, 3, 4, ...Array.from({ length: 20 }, (_, i) => 40 + i)]);
  assert.equal(recorder.of("audio").length, 59);
  assert.ok(keyframesAsked(hub) >= 1);
});

test("the next publisher's frames come with formats anew, after an end", () => {
  const hub = newHub();
  const camera = new Camera(hub, 0);
  const recorder = new Recorder();
  const stream = tap(hub, recorder, 0);
  camera.picture(0, true, 0);
  camera.publisher.end();
  assert.equal(recorder.ends, 1);
  const next = new Camera(hub, 20_000, "another");
  next.picture(777, true, 20_000);
  assert.equal(recorder.formats.length, 2);
  assert.equal(recorder.frames.length, 2);
  const [before, after] = recorder.frames;
  assert.ok(Math.abs((after?.pts ?? 0) - (before?.pts ?? 0) - 20_000) < 50);
  next.publisher.end();
  assert.equal(hub.size, 1, "a tap keeps the stream");
  hub.untap(stream, recorder);
  assert.equal(hub.size, 0);
});

test("a publisher may give frames himself; his packets of that kind are passed over", () => {
  const hub = newHub();
  const camera = new Camera(hub, 0);
  const recorder = new Recorder();
  const stream = tap(hub, recorder, 0);
  stream.frames.putFormat({
    kind: "audio",
    codec: "aac",
    codecString: "mp4a.40.2",
    configuration: Uint8Array.of(0x12, 0x10),
    width: 0,
    height: 0,
    sampleRate: 44_100,
    channels: 2,
  });
  camera.sound(0, 0);
  stream.frames.putFrame(
    { kind: "audio", dts: WALL, pts: WALL, keyframe: true, data: Uint8Array.of(9) },
    0,
  );
  assert.deepEqual(
    recorder.frames.map(({ data }) => data.length),
    [1],
  );
});

test("a frame without an end is passed over: in bytes, in packets and in NAL units it has a bound", () => {
  const hub = newHub();
  const camera = new Camera(hub, 0);
  const recorder = new Recorder();
  tap(hub, recorder, 0);
  camera.picture(0, true, 0, FRAME_MAX_BYTES);
  camera.crumbs(3000, FRAME_MAX_PACKETS, 10);
  assert.equal(recorder.frames.length, 0);
  camera.crumbs(6000, NAL_UNITS_MAX + 10, 20);
  camera.picture(9000, true, 30);
  assert.deepEqual(
    recorder.frames.map(({ data }) => data.length),
    [(NAL_UNITS_MAX - 2) * 6, 3004],
  );
});

test("a parameter set longer than a decoder configuration can hold is not kept", () => {
  const sets = new ParameterSets();
  sets.put("s0", new Uint8Array(PARAMETER_SET_MAX_BYTES));
  sets.put("s1", new Uint8Array(PARAMETER_SET_MAX_BYTES + 1));
  assert.equal(sets.of("s").length, 1);
});

test("who joins after the sound has changed its format gets none of the format before", () => {
  const hub = newHub();
  const camera = new Camera(hub, 0);
  const stream = tap(hub, new Recorder(), 0);
  const give = (kind: "audio" | "video", at: number, keyframe: boolean, byte: number): void => {
    const frame = { kind, dts: WALL + at, pts: WALL + at, keyframe, data: Uint8Array.of(byte) };
    camera.publisher.putFrame(frame, at);
  };
  const configuration = new Uint8Array(0);
  const picture = { width: 64, height: 48, sampleRate: 0, channels: 0 };
  camera.publisher.putFormat({
    ...{ kind: "video", codec: "vp9", codecString: "vp09.00.10.08", configuration, ...picture },
  });
  for (const [channels, at] of [
    [1, 0],
    [2, 100],
  ] as const) {
    const sound = { width: 0, height: 0, sampleRate: 48_000, channels };
    camera.publisher.putFormat({
      ...{ kind: "audio", codec: "aac", codecString: "mp4a.40.2", configuration, ...sound },
    });
    give("video", at, at === 0, 0);
    give("audio", at, true, channels);
  }
  const late = new Recorder();
  stream.frames.add(late, true, 200);
  assert.deepEqual(
    late.frames.map(({ kind, data }) => `${kind} ${data[0]}`),
    ["video 0", "video 0", "audio 2"],
  );
});
