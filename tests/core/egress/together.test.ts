/**
 * Sound and picture from a WebRTC publisher to FLV tags and HLS segments: two hours of virtual time, and clocks that
 * do not agree.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { u32 } from "../../../core/bytes/mod.ts";
import type { Framing } from "../../../core/egress/cast/mod.ts";
import { type FlvCast, type FlvTag, flvCast, TagType } from "../../../core/egress/flv/mod.ts";
import { type MediaPart, Segmenter } from "../../../core/egress/hls/mod.ts";
import { fitsMp4 } from "../../../core/egress/mp4/mod.ts";
import { ntpFromUnix } from "../../../core/wire/rtcp/mod.ts";
import { SeededRandom } from "../../sim/random.ts";
import { Camera, keyframesAsked, newHub, tap } from "../stream/frame_camera.ts";

const STEP = 100;
const SECOND = 1000;
const HOUR = 3_600_000;

interface Sender {
  readonly millis: number;
  /** How fast his clocks run, in millionths, against ours: what his reports tell, and what counts his sound. */
  readonly clockPpm: number;
  readonly soundPpm: number;
  /** When the first report comes. */
  readonly reportsFrom: number;
  /** How long pictures and sound are on their way at least. */
  readonly pictureDelay: number;
  readonly soundDelay: number;
  /** How long the first keyframe is. */
  readonly firstDelay?: number;
  /** His clock is set anew by so much in the middle. */
  readonly clockSet?: number;
}

/** What one way out made of it. */
interface Told {
  /** How far picture and sound were apart at most, in the first seconds and after. */
  first: number;
  worst: number;
  /** Least and most between two pictures, and two packets of sound, of `STEP` ms. */
  pictures: [number, number];
  sounds: [number, number];
}

/** Compares when things happened with when they are told to have. */
class Judge {
  readonly told: Told = {
    first: 0,
    worst: 0,
    pictures: [STEP, STEP],
    sounds: [STEP, STEP],
  };
  readonly #settled: number;
  readonly #last = { video: Number.NaN, audio: Number.NaN };
  readonly #late = { video: Number.NaN, audio: Number.NaN };

  /** Times from `settled` on are judged as `worst`. */
  constructor(settled: number) {
    this.#settled = settled;
  }

  /** `data` ends with the number of the frame: there is one of each kind every `STEP` ms of the true time. */
  take(kind: "audio" | "video", data: Uint8Array, at: number): void {
    const happened = u32(data, data.length - 4) * STEP;
    const step = at - this.#last[kind];
    const range = kind === "video" ? this.told.pictures : this.told.sounds;
    if (Number.isFinite(step)) {
      range[0] = Math.min(range[0], step);
      range[1] = Math.max(range[1], step);
    }
    this.#last[kind] = at;
    this.#late[kind] = at - happened;
    const apart = Math.abs(this.#late.video - this.#late.audio);
    if (Number.isNaN(apart)) return;
    if (happened < this.#settled) this.told.first = Math.max(this.told.first, apart);
    else this.told.worst = Math.max(this.told.worst, apart);
  }
}

/** HTTP-FLV and RTMP: both are these tags. */
function flvJudge(settled: number): { cast: FlvCast; look: (now: number) => void; told: Told } {
  const judge = new Judge(settled);
  const cast = flvCast({ server: "", opus: true, lagMillis: 5000, onPending: () => {} });
  const nothing = new Uint8Array(0);
  const framing: Framing<FlvTag> = (tags) => {
    for (const tag of tags) {
      if (isFrame(tag))
        judge.take(tag.type === TagType.Video ? "video" : "audio", tag.body, tag.timestamp);
    }
    return nothing;
  };
  const viewer = cast.join(framing);
  const look = (now: number): void => {
    cast.flush(now);
    while (cast.poll(viewer, now) !== undefined);
    cast.trim([viewer], now);
  };
  return { cast, look, told: judge.told };
}

function isFrame({ type, body }: FlvTag): boolean {
  if (type === TagType.Script) return false;
  return type === TagType.Video ? body[1] === 1 : ((body[0] ?? 0) & 0x0f) === 1;
}

/** HLS: times are sums of the samples' durations, as players reckon. */
function hlsJudge(settled: number): { segmenter: Segmenter; told: Told; starts: () => number } {
  const judge = new Judge(settled);
  let tracks = 0;
  const handlePart = ({ runs }: MediaPart): void => {
    const samples = runs.flatMap(({ track, baseTime, samples: all }) => {
      let ticks = baseTime;
      return all.map(({ duration, data }) => {
        const at = (ticks * SECOND) / track.timescale;
        ticks += duration;
        return { kind: track.format.kind, data, at };
      });
    });
    for (const { kind, data, at } of samples.sort((a, b) => a.at - b.at))
      judge.take(kind, data, at);
  };
  const segmenter = new Segmenter(
    { segmentMillis: 2000, maxSegmentMillis: 3400, partMillis: 400, fits: fitsMp4 },
    {
      handlePart,
      handleSegmentStart: (start) => {
        if (start.tracks !== undefined) tracks++;
      },
      handleSegmentEnd: () => {},
    },
  );
  return { segmenter, told: judge.told, starts: () => tracks };
}

function play(sender: Sender): { flv: Told; hls: Told; starts: number } {
  const hub = newHub();
  const camera = new Camera(hub, 0);
  const settled = sender.reportsFrom + 2000;
  const flv = flvJudge(settled);
  const hls = hlsJudge(settled);
  tap(hub, flv.cast, 0);
  tap(hub, hls.segmenter, 0);
  const random = new SeededRandom(7);
  const clock = 1 + sender.clockPpm / 1e6;
  const sound = 1 + sender.soundPpm / 1e6;
  for (let happened = 0; happened < sender.millis; happened += STEP) {
    const set = happened * 2 > sender.millis ? (sender.clockSet ?? 0) : 0;
    const jitter = random.below(10);
    const first = Math.max(0, (sender.firstDelay ?? 0) - happened);
    const come: [number, () => void][] = [];
    const pictureAt = happened + Math.max(sender.pictureDelay + jitter, first);
    const soundAt = happened + sender.soundDelay + random.below(10);
    const keyframe = happened % 2000 === 0;
    const [video, audio] = [90 * happened * clock + 3, 48 * happened * sound + 9].map(Math.round);
    camera.mark = happened / STEP;
    come.push([pictureAt, () => camera.picture(video ?? 0, keyframe, pictureAt, 50)]);
    come.push([soundAt, () => camera.sound(audio ?? 0, soundAt)]);
    // Chromium reports on pictures every second and on sound every five.
    const report = (ssrc: number, time = 0): void => {
      const ntp = ntpFromUnix(happened * clock + set + 5e9);
      const at = happened + sender.soundDelay + 15;
      come.push([at, () => camera.publisher.handleSenderReport(ssrc, ntp, time >>> 0, at)]);
    };
    const due = happened - sender.reportsFrom;
    if (due >= 0 && due % 1000 === 0) report(1, video);
    if (due >= 0 && due % 5000 === 0) report(2, audio);
    for (const [at, happen] of come.sort(([a], [b]) => a - b)) {
      happen();
      flv.look(at);
    }
    hub.handleTimeout(happened + STEP);
    keyframesAsked(hub);
  }
  return { flv: flv.told, hls: hls.told, starts: hls.starts() };
}

/** FLV's whole ms round by one; sound may be stretched by what nobody hears. */
function assertSteps({ pictures, sounds }: Told): void {
  assert.ok(pictures[0] >= STEP / 2 - 1, `pictures ${pictures[0]} ms apart`);
  assert.ok(pictures[1] <= STEP * 1.5 + 1, `pictures ${pictures[1]} ms apart`);
  assert.ok(sounds[0] >= STEP * 0.994 - 1, `sound ${sounds[0]} ms apart`);
  assert.ok(sounds[1] <= STEP * 1.006 + 1, `sound ${sounds[1]} ms apart`);
}

const usual = { reportsFrom: 3000, pictureDelay: 40, soundDelay: 15 };
const senders: Record<string, Sender> = {
  "two hours of a sound card 200 ppm fast": {
    ...{ millis: 2 * HOUR, clockPpm: 0, soundPpm: 200, ...usual },
  },
  "two hours of a clock 400 ppm fast, and a sound card that is slow": {
    ...{ millis: 2 * HOUR, clockPpm: 400, soundPpm: -100, ...usual },
  },
  "two hours without a drift": { ...{ millis: 2 * HOUR, clockPpm: 0, soundPpm: 0, ...usual } },
  "ten minutes without reports": {
    ...{ millis: HOUR / 6, clockPpm: 50, soundPpm: 50, ...usual, reportsFrom: HOUR },
  },
  "a clock that is set by an hour": {
    ...{ millis: HOUR / 6, clockPpm: 0, soundPpm: 0, ...usual, clockSet: HOUR },
  },
  "a clock that is set back by three seconds": {
    ...{ millis: HOUR / 6, clockPpm: 0, soundPpm: 0, ...usual, clockSet: -3000 },
  },
};

for (const [words, sender] of Object.entries(senders)) {
  test(`sound and picture are within 40 ms in FLV and HLS, and no time jumps: ${words}`, () => {
    const { flv, hls, starts } = play(sender);
    for (const told of [flv, hls]) {
      assert.ok(told.first <= 40, `${told.first.toFixed(1)} ms apart at first`);
      assert.ok(told.worst <= 40, `${told.worst.toFixed(1)} ms apart later`);
      assertSteps(told);
    }
    assert.equal(starts, 1, "HLS began once");
  });
}

for (const [words, start] of [
  ["a first keyframe that is 800 ms on its way", { firstDelay: 800 }],
  ["sound that is 250 ms longer on its way than pictures", { soundDelay: 265 }],
] as const) {
  test(`${words} is apart until reports come, and then no more`, () => {
    const { flv, hls } = play({ millis: 60_000, clockPpm: 0, soundPpm: 0, ...usual, ...start });
    for (const told of [flv, hls]) {
      assert.ok(told.worst <= 40, `${told.worst.toFixed(1)} ms apart`);
      assertSteps(told);
    }
  });
}
