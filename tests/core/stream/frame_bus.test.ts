import assert from "node:assert/strict";
import { test } from "node:test";
import { packetizeH264 } from "../../../core/media/h264/mod.ts";
import { NAL_UNITS_MAX } from "../../../core/media/nal_depacketizer.ts";
import { PARAMETER_SET_MAX_BYTES, ParameterSets } from "../../../core/media/parameter_sets.ts";
import {
  type Frame,
  type FrameFormat,
  type FrameSink,
  Hub,
  type Publisher,
  type SourceTrack,
  type Stream,
} from "../../../core/stream/mod.ts";
import { FRAME_MAX_BYTES, FRAME_MAX_PACKETS } from "../../../core/stream/track_frames.ts";
import { ntpFromUnix } from "../../../core/wire/rtcp/mod.ts";
import { encodeRtpHeader, RTP_HEADER_BYTES } from "../../../core/wire/rtp/mod.ts";
import { H264, name, OPUS } from "./fixture.ts";
import { PlaintextEngine } from "./plaintext_engine.ts";

const SPS = Buffer.from("6742c01eda0280bfe5c044000003000400000300c83c58ba80", "hex");
const PPS = Buffer.from("68ce0fc8", "hex");
const WALL = 1_700_000_000_000;

/** A publisher of H.264 and Opus, whose packets may be lost or late. */
class Camera {
  readonly publisher: Publisher;
  readonly video: SourceTrack = {
    kind: "video",
    formats: new Map([[96, H264]]),
    extensions: new Map(),
  };
  readonly audio: SourceTrack = {
    kind: "audio",
    formats: new Map([[111, OPUS]]),
    extensions: new Map(),
  };
  readonly #index = { video: 1000, audio: 500 };
  /** Decides what becomes of a packet: `put` hands it in, now or later. */
  way: (put: () => void, index: number) => void = (put) => put();

  constructor(hub: Hub, now: number, client = "camera") {
    const publisher = hub.publish(name(), client, now);
    if (typeof publisher === "string") throw new Error(publisher);
    this.publisher = publisher;
    publisher.addTrack(this.video);
    publisher.addTrack(this.audio);
  }

  picture(timestamp: number, keyframe: boolean, now: number, size = 3000): void {
    const unit = new Uint8Array(size).fill(7);
    unit[0] = keyframe ? 0x65 : 0x41;
    const units = keyframe ? [new Uint8Array(SPS), new Uint8Array(PPS), unit] : [unit];
    packetizeH264(units, 1100, (payload, last) =>
      this.#put("video", payload, timestamp, last, now),
    );
    this.publisher.flush(now);
  }

  /** A keyframe's parameter sets, then slices of 2 bytes each in a packet of its own, without a marker. */
  crumbs(timestamp: number, count: number, now: number): void {
    for (const unit of [SPS, PPS]) this.#put("video", unit, timestamp, false, now);
    for (let i = 0; i < count; i++) {
      this.#put("video", Uint8Array.of(0x65, 7), timestamp, false, now);
      if (i % 500 === 0) this.publisher.flush(now);
    }
    this.publisher.flush(now);
  }

  sound(timestamp: number, now: number): void {
    this.#put("audio", Uint8Array.of(0xfc, 0xff, 0xfe), timestamp, false, now);
    this.publisher.flush(now);
  }

  report(wall: number, video: number, audio: number, now: number): void {
    this.publisher.handleSenderReport(1, ntpFromUnix(wall), video >>> 0, now);
    this.publisher.handleSenderReport(2, ntpFromUnix(wall), audio >>> 0, now);
  }

  #put(
    kind: "video" | "audio",
    payload: Uint8Array,
    timestamp: number,
    marker: boolean,
    now: number,
  ): void {
    const index = this.#index[kind]++;
    const packet = new Uint8Array(RTP_HEADER_BYTES + payload.length);
    const [type, ssrc] = kind === "video" ? [96, 1] : [111, 2];
    encodeRtpHeader(packet, 0, type, marker, index & 0xffff, timestamp >>> 0, ssrc);
    packet.set(payload, RTP_HEADER_BYTES);
    this.way(() => this.publisher.put(this[kind], packet, index, now), index);
  }
}

/** Keeps all it is told. */
class Recorder implements FrameSink {
  readonly formats: FrameFormat[] = [];
  frames: Frame[] = [];
  ends = 0;

  handleFormat(format: FrameFormat): void {
    this.formats.push(format);
  }

  handleFrame(frame: Frame): void {
    this.frames.push(frame);
  }

  handleEnd(): void {
    this.ends++;
  }

  of(kind: "audio" | "video"): Frame[] {
    return this.frames.filter((frame) => frame.kind === kind);
  }
}

const newHub = (): Hub => new Hub({ engine: new PlaintextEngine(), wallClockAtZero: WALL });
const tap = (hub: Hub, sink: FrameSink, now: number, fromKeyframe = true): Stream => {
  const stream = hub.tap(name(), sink, fromKeyframe, now);
  assert.ok(stream);
  return stream;
};
const keyframesAsked = (hub: Hub): number => {
  let asked = 0;
  for (let event = hub.pollEvent(); event; event = hub.pollEvent()) {
    if (event.type === "keyframe-request") asked++;
  }
  return asked;
};

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
