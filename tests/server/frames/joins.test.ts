import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Frame, FrameFormat } from "../../../core/stream/mod.ts";
import type { SoundFormat, TranscodedSink, TranscoderOptions } from "../../../server/codecs/mod.ts";
import { HELD_MAX_FRAMES } from "../../../server/frames/outlet.ts";
import { TranscodedFrames } from "../../../server/frames/transcoded_frames.ts";
import { name } from "../../core/stream/fixture.ts";
import { AAC, FakeSource, H264, Sink } from "./fake_source.ts";

const MONO: SoundFormat = {
  codec: "opus",
  configuration: Uint8Array.of(1),
  sampleRate: 48_000,
  channels: 1,
};
const STEREO: SoundFormat = { ...MONO, channels: 2 };

/** A transcoder by hand: what was put comes when it is told to. */
class ByHand {
  readonly put: number[] = [];
  readonly options: TranscoderOptions;
  readonly sink: TranscodedSink;
  closed = false;
  finishing = false;
  patient: boolean | undefined;

  constructor(options: TranscoderOptions, sink: TranscodedSink) {
    this.options = options;
    this.sink = sink;
  }

  begin(format: SoundFormat = STEREO): void {
    this.sink.handleFormat(format);
  }

  /** Gives what was put, up to that time. */
  give(until: number = Number.POSITIVE_INFINITY): void {
    while (this.put.length > 0 && this.put[0]! <= until) {
      this.sink.handlePacket({ data: new Uint8Array(10), pts: this.put.shift()! });
    }
  }
}

function opened(t: TestContext, room: () => boolean = () => true) {
  const stream = new FakeSource();
  const all: ByHand[] = [];
  const frames = new TranscodedFrames({
    source: stream,
    transcoders: {
      open: (options, sink) => {
        if (!room()) return undefined;
        const one = new ByHand(options, sink);
        all.push(one);
        return {
          put: (_, pts) => void one.put.push(pts),
          setPatience: (patient) => {
            one.patient = patient;
          },
          finish: () => {
            one.finishing = true;
          },
          close: () => {
            one.closed = true;
          },
        };
      },
      close: () => {},
    },
    bitrates: { aac: 128_000, opus: 96_000 },
  });
  t.after(() => frames.close());
  const tap = (
    options: { fromKeyframe?: boolean; soundWaitMillis?: number; patient?: boolean } = {},
  ): Sink => {
    const sink = new Sink();
    frames.tap(name(), { audio: "opus", fromKeyframe: true, ...options }, sink);
    return sink;
  };
  return { stream, all, tap, frames };
}

const sound = (dts: number): Frame => ({
  kind: "audio",
  dts,
  pts: dts,
  keyframe: true,
  data: new Uint8Array(8),
});

/** Sound every 20 ms and a picture every 40 ms, keyframes at whole `gop`. */
function play(stream: FakeSource, from: number, to: number, gop = 10_000): void {
  for (let at = from; at < to; at += 20) {
    if (at % 40 === 0) stream.picture(at, at % gop === 0);
    stream.frame(sound(at));
  }
}

/** Of the newest 250 ms sound may come behind the pictures: it always does, a little. */
function assertInOrder(told: readonly Frame[]): void {
  const newest = Math.max(...told.map(({ dts }) => dts));
  const frames = told.filter(({ dts }) => dts < newest - 250);
  for (let i = 1; i < frames.length; i++) {
    assert.ok(frames[i]!.dts >= frames[i - 1]!.dts, `frame ${i}`);
  }
}

test("the first viewer begins with the last keyframe and the sound since then, in order", (t) => {
  const { stream, all, tap } = opened(t);
  stream.format(H264);
  stream.format(AAC);
  play(stream, 9000, 18_000);
  const sink = tap();
  assert.equal(sink.frames.length, 0, "pictures wait for their sound");
  all[0]?.begin();
  all[0]?.give(13_000);
  play(stream, 18_000, 18_500);
  assertInOrder(sink.frames);
  assert.equal(sink.of("video").at(-1)?.dts, 13_000);
  all[0]?.give();
  assertInOrder(sink.frames);
  assert.equal(sink.frames[0]?.kind, "video");
  assert.equal(sink.of("audio")[0]?.dts, 10_000);
  assert.equal(sink.of("audio").length, 8500 / 20);
  assert.equal(sink.of("video").length, 8520 / 40);
  stream.picture(18_520, false);
  assert.equal(sink.frames.at(-1)?.dts, 18_520, "from then on pictures wait for nothing");
});

test("who joins just behind a keyframe gets no sound from before it", (t) => {
  const { stream, all, tap } = opened(t);
  stream.format(H264);
  stream.format(AAC);
  const first = tap();
  play(stream, 0, 10_000);
  all[0]?.begin();
  all[0]?.give(9900);
  play(stream, 10_000, 10_040);
  const second = tap();
  assert.equal(second.frames[0]?.dts, 10_000);
  all[0]?.give();
  assert.equal(second.of("audio")[0]?.dts, 10_000);
  assert.equal(first.of("audio").length, 502);
});

test("pictures wait for sound that does not come as long as is said, then go on alone", (t) => {
  const { stream, tap } = opened(t);
  stream.format(H264);
  stream.format(AAC);
  play(stream, 0, 5000);
  const sinks = [tap(), tap({ soundWaitMillis: 5000 })];
  const shown = () => sinks.map((sink) => sink.of("video").length);
  play(stream, 5000, 6960);
  assert.deepEqual(shown(), [0, 0]);
  play(stream, 6960, 9960);
  assert.deepEqual(shown(), [249, 0]);
  play(stream, 9960, 10_040);
  assert.deepEqual(shown(), [251, 251]);
});

test("pictures wait for no sound that nobody sends, nor for such as comes as it is", (t) => {
  const { stream, tap } = opened(t);
  stream.format(H264);
  stream.picture(0, true);
  assert.equal(tap().frames.length, 1);
  stream.format({ ...AAC, codec: "opus" } as FrameFormat);
  stream.frame(sound(10));
  assert.equal(tap().frames.length, 2);
});

test("no more pictures wait than the bound", (t) => {
  const { stream, tap } = opened(t);
  stream.format(H264);
  stream.format(AAC);
  play(stream, 0, 1000);
  const sink = tap();
  for (let i = 0; i < HELD_MAX_FRAMES; i++) stream.picture(1000, false);
  assert.equal(sink.frames.length, 0);
  stream.picture(1000, false);
  assert.equal(sink.frames.length, 25 + HELD_MAX_FRAMES + 1);
});

test("a publisher who goes while pictures wait leaves them, and the next one's wait again", (t) => {
  const { stream, all, tap } = opened(t);
  stream.format(H264);
  stream.format(AAC);
  play(stream, 0, 400);
  const sink = tap();
  stream.end();
  assert.equal(sink.of("video").length, 10);
  assert.equal(sink.ends, 1);
  stream.format(H264);
  stream.format(AAC);
  stream.frame(sound(20_000));
  play(stream, 20_040, 21_000);
  assert.equal(sink.of("video").length, 10);
  all[1]?.begin();
  all[1]?.give();
  assert.equal(sink.of("video").length, 10 + 24);
  assertInOrder(sink.frames);
});

test("sound that is transcoded anew in the same format is no other format", (t) => {
  const { stream, all, tap } = opened(t);
  stream.format(H264);
  stream.format(AAC);
  const sink = tap();
  play(stream, 0, 1000);
  all[0]?.begin();
  all[0]?.begin(); // its thread ended, and another was started
  stream.format({ ...AAC, sampleRate: 44_100 });
  all[1]?.begin();
  assert.deepEqual(
    sink.formats.map(({ codec }) => codec),
    ["h264", "opus"],
  );
  play(stream, 1000, 1400);
  all[1]?.give();
  assert.ok(sink.of("audio").length > 15);
});

test("a publisher who goes from mono to stereo loses no sound that was on its way", (t) => {
  const { stream, all, tap } = opened(t);
  stream.format(H264);
  stream.format({ ...AAC, channels: 1 });
  const sink = tap();
  play(stream, 0, 1000);
  all[0]?.begin(MONO);
  all[0]?.give(900);
  stream.format(AAC);
  assert.ok(all[0]?.finishing && !all[0].closed);
  play(stream, 1000, 2000);
  all[0]?.give();
  assert.equal(sink.of("audio").at(-1)?.dts, 980);
  all[1]?.begin(STEREO);
  assert.ok(all[0]?.closed);
  all[0]?.sink.handlePacket({ data: new Uint8Array(1), pts: 990 }); // in another format by now
  all[1]?.give();
  assert.deepEqual(
    sink.formats.flatMap(({ kind, channels }) => (kind === "audio" ? channels : [])),
    [1, 2],
  );
  assert.equal(sink.of("audio").length, 100);
  assertInOrder(sink.of("audio"));
});

test("who changes his format all the time has one transcoding that ends and one that begins", (t) => {
  const { stream, all, tap } = opened(t);
  stream.format(AAC);
  tap();
  for (let i = 0; i < 20; i++) {
    stream.frame(sound(i * 20));
    stream.format({ ...AAC, sampleRate: i % 2 === 0 ? 44_100 : 48_000 });
  }
  assert.equal(all.filter(({ closed }) => !closed).length, 2);
});

test("where there was no room for one more, it is tried again", (t) => {
  let room = false;
  const { stream, all, tap } = opened(t, () => room);
  stream.format(H264);
  stream.format(AAC);
  const sink = tap();
  play(stream, 0, 4000);
  assert.equal(sink.of("video").length, 100, "pictures do not wait");
  room = true;
  play(stream, 4000, 8000);
  assert.equal(all.length, 1);
  all[0]?.begin();
  all[0]?.give();
  assert.ok(sink.of("audio").length > 100);
});

test("for WebRTC viewers a transcoder begins with what comes now: what is kept would hold it up", (t) => {
  const { stream, all, frames } = opened(t);
  stream.format(H264);
  stream.format(AAC);
  play(stream, 0, 8000);
  const heard: Frame[] = [];
  const tap = frames.tapSound(name(), "opus", {
    handleFormat: () => {},
    handleFrame: (frame) => heard.push(frame),
  });
  t.after(() => tap[Symbol.dispose]());
  assert.deepEqual(all[0]?.put, []);
  play(stream, 8000, 8100);
  all[0]?.begin();
  all[0]?.give();
  assert.deepEqual(
    heard.map(({ dts }) => dts),
    [8000, 8020, 8040, 8060, 8080],
  );
});

test("sound is transcoded patiently while recordings alone take it", (t) => {
  const { stream, all, frames, tap } = opened(t);
  stream.format(AAC);
  const options = { audio: "opus", fromKeyframe: true, patient: true } as const;
  const recordings = [1, 2].map(() => frames.tap(name(), options, new Sink()));
  assert.equal(all[0]?.patient, true);
  const viewer = frames.tap(name(), { ...options, patient: false }, new Sink());
  assert.equal(all[0]?.patient, false);
  recordings[0]?.[Symbol.dispose]();
  assert.equal(all[0]?.patient, false);
  viewer[Symbol.dispose]();
  assert.equal(all[0]?.patient, true);
  tap();
  assert.equal(all[0]?.patient, false);
  // A new source's transcoder knows at once.
  stream.format({ ...AAC, sampleRate: 44_100 });
  assert.equal(all[1]?.patient, false);
});
