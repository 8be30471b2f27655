import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  BREAK_MILLIS,
  Cutter,
  type CutterOptions,
  EXPECTED_WAIT_MILLIS,
  Interleaver,
  KEPT_MAX_FRAMES,
  KEYFRAME_WAIT_MILLIS,
  LATE_MILLIS,
  TRACK_WAIT_MILLIS,
} from "../../../../core/egress/record/mod.ts";
import type { Frame, FrameFormat } from "../../../../core/stream/mod.ts";
import { H264, OPUS } from "../hls/stage.ts";

interface File {
  readonly kinds: string;
  readonly formats: readonly FrameFormat[];
  readonly at: number;
  readonly frames: Frame[];
  /** Frames before each change of format. */
  readonly changes: number[];
  stopped: boolean;
}

class Stage {
  readonly files: File[] = [];
  readonly cutter: Cutter;
  clock = 0;

  constructor(options: Partial<CutterOptions> = {}) {
    const limits = { maxMillis: Number.POSITIVE_INFINITY, maxBytes: 1e9, maxFrames: 1e6 };
    this.cutter = new Cutter(
      {
        now: () => this.clock,
        expects: () => false,
        carries: () => true,
        goesOn: () => false,
        waitKeyframe: true,
        ...limits,
        ...options,
      },
      {
        handleStart: (formats, at) => {
          assert.ok(this.files.every(({ stopped }) => stopped));
          const kinds = formats.map(({ kind }) => kind).join(" ");
          this.files.push({ kinds, formats, at, frames: [], changes: [], stopped: false });
        },
        handleFormat: (format) => {
          const file = this.files.at(-1);
          assert.equal(file?.stopped, false);
          file?.changes.push(file.frames.length);
          assert.notEqual(format, file?.formats[0]);
        },
        handleFrame: (frame) => {
          const file = this.files.at(-1);
          assert.equal(file?.stopped, false);
          file?.frames.push(frame);
        },
        handleStop: () => {
          const file = this.files.at(-1);
          if (file !== undefined) file.stopped = true;
        },
      },
    );
  }

  formats(...formats: readonly FrameFormat[]): void {
    for (const format of formats) this.cutter.handleFormat(format);
  }

  put(kind: "video" | "audio", at: number, keyframe = true, bytes = 10): void {
    this.clock = at;
    const data = new Uint8Array(bytes);
    this.cutter.handleFrame({ kind, dts: at, pts: at, keyframe, data });
  }

  /** 25 pictures and 50 packets of sound a second, sound so late; a keyframe every `gop`. */
  play(from: number, until: number, { gop = 1000, late = 0, sound = true, bytes = 10 } = {}): void {
    for (let at = from; at < until + late; at += 20) {
      if (at % 40 === 0 && at < until) this.put("video", at, at % gop === 0, bytes);
      if (sound && at - late >= from) this.put("audio", at - late);
    }
  }
}

function ordered(frames: readonly Frame[]): boolean {
  return frames.every(({ dts }, i) => i === 0 || dts >= (frames[i - 1]?.dts ?? 0));
}

describe("cutting a stream into files", () => {
  test("a stream is one file that begins with a keyframe, in order of decoding", () => {
    const stage = new Stage();
    stage.formats(H264, OPUS);
    stage.play(200, 5200, { late: 300 });
    stage.cutter.handleEnd();
    assert.equal(stage.files.length, 1);
    const [file] = stage.files;
    assert.equal(file?.kinds, "video audio");
    assert.equal(file?.at, 1000);
    assert.equal(file?.frames[0]?.keyframe, true);
    assert.ok(ordered(file?.frames ?? []));
    assert.equal(file?.frames.length, 105 + 210);
    assert.equal(file?.stopped, true);
  });

  test("files are split at the first keyframe that makes them long enough; no sound is lost between", () => {
    const stage = new Stage({ maxMillis: 2500 });
    stage.formats(H264, OPUS);
    stage.play(0, 10_000, { late: 400 });
    stage.cutter.handleEnd();
    assert.deepEqual(
      stage.files.map(({ at }) => at),
      [0, 3000, 6000, 9000],
    );
    const all = stage.files.flatMap(({ frames }) => frames);
    assert.equal(all.length, 250 + 500);
    assert.ok(ordered(all));
  });

  test("without waiting for keyframes they are split on time", () => {
    const stage = new Stage({ maxMillis: 2500, waitKeyframe: false });
    stage.formats(H264, OPUS);
    stage.play(0, 6000, { gop: 60_000 });
    assert.deepEqual(
      stage.files.map(({ at }) => at),
      [0, 2520, 5040],
    );
  });

  test("they are split before another group of pictures makes them too large", () => {
    const stage = new Stage({ maxBytes: 100_000 });
    stage.formats(H264);
    stage.play(0, 20_000, { bytes: 1000, sound: false });
    assert.ok(stage.files.length > 4);
    for (const { frames } of stage.files) assert.equal(frames.length % 25, 0);
    const sizes = stage.files.map(({ frames }) => frames.length * 1000);
    assert.ok(Math.max(...sizes) <= 100_000 && Math.max(...sizes) > 50_000, sizes.join());
  });

  test("without keyframes a file ends at twice its size, and the next waits for one", () => {
    const stage = new Stage({ maxBytes: 20_000 });
    stage.formats(H264);
    stage.play(0, 8000, { gop: 4000, bytes: 1000, sound: false });
    assert.deepEqual(
      stage.files.map(({ at }) => at),
      [0, 4000],
    );
    for (const { frames } of stage.files) assert.ok(frames.length <= 41, `${frames.length}`);
    const few = new Stage({ maxFrames: 30 });
    few.formats(H264);
    few.play(0, 8000, { gop: 4000, sound: false });
    for (const { frames } of few.files) assert.ok(frames.length <= 61, `${frames.length}`);
  });

  test("a track that comes later is in the next file, from a keyframe on", () => {
    const stage = new Stage();
    stage.formats(H264);
    stage.play(0, 4500, { sound: false });
    stage.formats(OPUS);
    stage.play(4520, 7000);
    stage.cutter.handleEnd();
    assert.deepEqual(
      stage.files.map(({ kinds, at }) => `${kinds} ${at}`),
      ["video 0", "video audio 5000"],
    );
  });

  test("a track that ceases and comes again stays in its file", () => {
    const stage = new Stage();
    stage.formats(H264, OPUS);
    stage.play(0, 3000);
    stage.play(3000, 9000, { sound: false });
    stage.play(9000, 12_000);
    for (let at = 12_000; at < 20_000; at += 20) stage.put("audio", at);
    stage.play(20_000, 21_000);
    stage.cutter.handleEnd();
    assert.equal(stage.files.length, 1);
    assert.equal(stage.files[0]?.frames.filter(({ kind }) => kind === "audio").length, 750);
  });

  test("another format of either kind begins another file", () => {
    const stage = new Stage();
    stage.formats(H264, OPUS);
    stage.play(0, 2000);
    stage.formats({ ...H264, width: 320, height: 180 });
    stage.play(2000, 4000);
    stage.formats({ ...OPUS, channels: 1 });
    stage.play(4000, 6500);
    stage.cutter.handleEnd();
    assert.deepEqual(
      stage.files.map(({ at, formats }) => `${at} ${formats[0]?.width} ${formats[1]?.channels}`),
      ["0 640 2", "2000 320 2", "4000 320 1"],
    );
    assert.ok(stage.files.every(({ frames }) => frames[0]?.kind === "video"));
  });

  test("a format that may change in the file does so at its keyframe, and what comes before that is left out", () => {
    const stage = new Stage({ goesOn: (from, to) => from.codec === to.codec });
    stage.formats(H264);
    stage.play(0, 2000, { sound: false });
    stage.formats({ ...H264, width: 320, height: 180 });
    for (let at = 2040; at < 3000; at += 40) stage.put("video", at, false);
    stage.play(3000, 4000, { sound: false });
    stage.formats({ ...H264, codec: "h265" });
    stage.play(4000, 5000, { sound: false });
    stage.cutter.handleEnd();
    assert.deepEqual(
      stage.files.map(({ at, changes, frames }) => `${at} ${changes} ${frames.length}`),
      ["0 50 75", "4000  25"],
    );
  });

  test("sound alone is recorded; pictures that come later begin another file", () => {
    const stage = new Stage();
    stage.formats(OPUS);
    for (let at = 0; at < 5000; at += 20) stage.put("audio", at);
    stage.formats(H264);
    stage.play(5000, 8000);
    assert.deepEqual(
      stage.files.map(({ kinds, at }) => `${kinds} ${at}`),
      ["audio 0", "video audio 5000"],
    );
    assert.ok((stage.files[0]?.frames.length ?? 0) >= 249);
  });

  test("pictures without a keyframe hold up sound for so long only", () => {
    const stage = new Stage();
    stage.formats(H264, OPUS);
    stage.play(20, KEYFRAME_WAIT_MILLIS + 3000, { gop: 1e9 });
    assert.equal(stage.files[0]?.kinds, "audio");
    assert.ok((stage.files[0]?.at ?? 0) <= KEYFRAME_WAIT_MILLIS + 100);
  });

  test("a track that never comes, or comes late, holds up the other for so long only", () => {
    const stage = new Stage();
    stage.formats(H264, OPUS);
    stage.play(0, TRACK_WAIT_MILLIS - 40, { sound: false });
    assert.equal(stage.files.length, 0);
    stage.play(TRACK_WAIT_MILLIS, TRACK_WAIT_MILLIS + 80, { sound: false });
    assert.equal(stage.files[0]?.kinds, "video");
    const late = new Stage();
    late.formats(H264, OPUS);
    late.play(0, 1000);
    late.play(1000, 1000 + LATE_MILLIS, { sound: false });
    const before = late.files[0]?.frames.length ?? 0;
    late.play(1000 + LATE_MILLIS, 1200 + LATE_MILLIS, { sound: false });
    assert.ok((late.files[0]?.frames.length ?? 0) > before + 20);
  });

  test("sound that the stream has is waited for longer: a transcoder may begin with it", () => {
    const stage = new Stage({ expects: (kind) => kind === "audio" });
    stage.formats(H264);
    stage.play(0, EXPECTED_WAIT_MILLIS - 1000, { sound: false });
    assert.equal(stage.files.length, 0);
    stage.formats(OPUS);
    for (let at = 0; at < EXPECTED_WAIT_MILLIS - 1000; at += 20) {
      const data = new Uint8Array(1);
      stage.cutter.handleFrame({ kind: "audio", dts: at, pts: at, keyframe: true, data });
    }
    stage.cutter.handleEnd();
    assert.deepEqual(
      stage.files.map(({ kinds, at }) => `${kinds} ${at}`),
      ["video audio 0"],
    );
    const none = new Stage({ expects: () => true });
    none.formats(H264);
    none.play(0, EXPECTED_WAIT_MILLIS + 100, { sound: false });
    assert.equal(none.files[0]?.kinds, "video");
  });

  test("sound that is seconds late has its place in each file", () => {
    const stage = new Stage({ maxMillis: 4000, expects: (kind) => kind === "audio" });
    stage.formats(H264, OPUS);
    stage.play(0, 12_000, { late: 3000 });
    stage.cutter.handleEnd();
    assert.deepEqual(
      stage.files.map(({ kinds, at }) => `${kinds} ${at}`),
      ["video audio 0", "video audio 4000", "video audio 8000"],
    );
  });

  test("what is kept comes all at once, and waits for sound by the clock", () => {
    const stage = new Stage();
    stage.formats(H264, OPUS);
    stage.play(0, 8000, { sound: false });
    const waited = new Stage();
    waited.formats(H264, OPUS);
    for (let at = 0; at < 8000; at += 40) {
      const data = new Uint8Array(1);
      waited.cutter.handleFrame({ kind: "video", dts: at, pts: at, keyframe: at === 0, data });
    }
    assert.equal(stage.files.length, 1);
    assert.equal(waited.files.length, 0);
    for (let at = 0; at < 8000; at += 20) {
      const data = new Uint8Array(1);
      waited.cutter.handleFrame({ kind: "audio", dts: at, pts: at, keyframe: true, data });
    }
    assert.equal(waited.files[0]?.kinds, "video audio");
  });

  test("timestamps apart by hours keep no more than so many frames", () => {
    let delivered = 0;
    const interleaver = new Interleaver({ now: () => 0, expects: () => false }, () => delivered++);
    const data = new Uint8Array(1);
    for (let i = 0; i < 3 * KEPT_MAX_FRAMES; i++) {
      const [video, audio] = [i * 40, 1e9 + i * 20];
      interleaver.put({ kind: "video", dts: video, pts: video, keyframe: true, data }, H264);
      interleaver.put({ kind: "audio", dts: audio, pts: audio, keyframe: true, data }, OPUS);
      assert.ok(2 * (i + 1) - delivered <= 2 * KEPT_MAX_FRAMES + 2);
    }
  });

  test("a break of the times begins another file", () => {
    const stage = new Stage();
    stage.formats(H264, OPUS);
    stage.play(0, 3000);
    const later = 4000 + BREAK_MILLIS;
    stage.play(later, later + 2000);
    assert.deepEqual(
      stage.files.map(({ at }) => at),
      [0, later],
    );
  });

  test("what a file cannot hold is left out, and does not keep it from ending", () => {
    const stage = new Stage({ carries: ({ codec }) => codec !== "vp8" });
    stage.formats({ ...H264, codec: "vp8" }, OPUS);
    stage.play(0, 5000);
    stage.cutter.handleEnd();
    assert.deepEqual(
      stage.files.map(({ kinds, frames }) => `${kinds} ${frames.length}`),
      ["audio 250"],
    );
  });

  test("after the end another publisher begins another file", () => {
    const stage = new Stage();
    stage.formats(H264, OPUS);
    stage.play(5000, 7000);
    stage.cutter.handleEnd();
    stage.play(0, 500); // without formats there is nothing to take
    assert.equal(stage.files.length, 1);
    stage.formats(H264);
    stage.play(0, 4000, { sound: false });
    assert.equal(stage.files[1]?.kinds, "video");
  });
});
