import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Frame } from "../../../core/stream/mod.ts";
import { loadRuntime } from "../../../runtime/mod.ts";
import { Transcoders } from "../../../server/codecs/mod.ts";
import { TranscodedFrames } from "../../../server/frames/transcoded_frames.ts";
import { Log } from "../../../server/log.ts";
import { serverMetrics } from "../../../server/metrics.ts";
import { name } from "../../core/stream/fixture.ts";
import { codecs, encoded, RATE, tone } from "../codecs/tone.ts";
import { AAC, FakeSource, H264, Sink, until } from "./fake_source.ts";

const runtime = await loadRuntime();
const source = encoded(await codecs(), "aac", tone(440, RATE * 2));

function opened(t: TestContext) {
  const transcoders = new Transcoders({
    runtime,
    log: new Log({ wallClock: () => 0, print: () => {} }, "error"),
    metrics: serverMetrics(),
    max: 4,
  });
  const stream = new FakeSource();
  const bitrates = { aac: 128_000, opus: 96_000 };
  const frames = new TranscodedFrames({ source: stream, transcoders, bitrates });
  t.after(() => frames.close());
  return { frames, stream, transcoders };
}

test("sound is transcoded once for all taps, from the first to the last", async (t) => {
  const { frames, stream, transcoders } = opened(t);
  stream.format(H264);
  stream.format(AAC);
  assert.equal(transcoders.active, 0);
  const sinks = [new Sink(), new Sink()];
  const options = { audio: "opus", fromKeyframe: true } as const;
  const taps = sinks.map((sink) => frames.tap(name(), options, sink));
  assert.equal(transcoders.active, 1);
  stream.play(source.packets, 0, 1000);
  await until(() => sinks.every((sink) => sink.of("audio").length >= 45), "no sound");
  for (const sink of sinks) {
    assert.deepEqual(sink.formats.map(({ codec }) => codec).sort(), ["h264", "opus"]);
    assert.equal(sink.of("video").length, 25);
    const dts = sink.of("audio").map((frame) => frame.dts);
    assert.deepEqual(
      dts,
      [...dts].sort((a, b) => a - b),
    );
  }
  assert.equal(sinks[0]!.of("audio")[5], sinks[1]!.of("audio")[5]);
  taps[0]?.[Symbol.dispose]();
  assert.equal(transcoders.active, 1);
  taps[1]?.[Symbol.dispose]();
  taps[1]?.[Symbol.dispose]();
  assert.equal(transcoders.active, 0);
  assert.equal(stream.sinks.size, 0);
});

test("sound that is in the codec already passes as it is", (t) => {
  const { frames, stream, transcoders } = opened(t);
  stream.format(AAC);
  const sink = new Sink();
  frames.tap(name(), { audio: "aac", fromKeyframe: true }, sink);
  const [frame] = [
    { kind: "audio", dts: 1, pts: 1, keyframe: true, data: source.packets[3]!.data },
  ] as const;
  stream.frame(frame);
  assert.equal(sink.formats[0], AAC);
  assert.equal(sink.frames[0], frame);
  assert.equal(transcoders.active, 0);
});

test("who comes later begins with the last keyframe and its sound, in order", async (t) => {
  const { frames, stream } = opened(t);
  stream.format(H264);
  stream.format(AAC);
  const first = new Sink();
  const options = { audio: "opus", fromKeyframe: true } as const;
  frames.tap(name(), options, first);
  stream.play(source.packets, 0, 1000);
  await until(() => first.of("audio").length >= 45, "no sound");
  const second = new Sink();
  frames.tap(name(), options, second);
  assert.equal(second.of("video").length, 25);
  // The first may lie before the picture.
  assert.ok(second.of("audio").length >= 43);
  const dts = second.frames.map((frame) => frame.dts);
  assert.deepEqual(
    dts,
    [...dts].sort((a, b) => a - b),
  );
  assert.equal(second.formats.length, 2);
});

test("another publisher's sound is told anew", async (t) => {
  const { frames, stream } = opened(t);
  stream.format(AAC);
  const sink = new Sink();
  frames.tap(name(), { audio: "opus", fromKeyframe: false }, sink);
  stream.play(source.packets, 0, 500);
  await until(() => sink.of("audio").length > 15, "no sound");
  stream.end();
  assert.equal(sink.ends, 1);
  const before = sink.of("audio").length;
  stream.format(AAC);
  stream.play(source.packets, 0, 1000);
  await until(() => sink.of("audio").length > before + 40, "no sound of the second");
  assert.equal(sink.formats.length, 2);
});

test("the sound alone comes from now on, not from what is kept", async (t) => {
  const { frames, stream } = opened(t);
  stream.format(AAC);
  stream.play(source.packets, 0, 1000);
  const heard: Frame[] = [];
  frames.tapSound(name(), "opus", {
    handleFormat: () => {},
    handleFrame: (frame) => heard.push(frame),
  });
  stream.play(source.packets, 1000, 1900);
  await until(() => heard.length > 35, "no sound");
  assert.ok(heard[0]!.pts > 900, `${heard[0]?.pts}`);
});
