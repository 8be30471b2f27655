import assert from "node:assert/strict";
import { test } from "node:test";
import type { Runtime } from "../../../core/base/mod.ts";
import type { Frame, FrameFormat } from "../../../core/stream/mod.ts";
import { loadRuntime } from "../../../runtime/mod.ts";
import { AudioDecoder } from "../../../server/codecs/decoder.ts";
import { Transcoders } from "../../../server/codecs/mod.ts";
import { HubFrames } from "../../../server/frames/hub_frames.ts";
import { TranscodedFrames } from "../../../server/frames/transcoded_frames.ts";
import { ViewerSound } from "../../../server/frames/viewer_sound.ts";
import { Log } from "../../../server/log.ts";
import { serverMetrics } from "../../../server/metrics.ts";
import { audioOptions, name, World } from "../../core/stream/fixture.ts";
import {
  type Coded,
  codecs,
  decibels,
  encoded,
  findTone,
  heard,
  RATE,
  tone,
} from "../codecs/tone.ts";
import { AAC, Sink, until } from "./fake_source.ts";

const WALL = 1_800_000_000_000;
const SECONDS = 2;
const module = await codecs();
const mono = encoded(module, "aac", tone(440, RATE * SECONDS, 0, 1), 1);
const stereo = encoded(module, "aac", tone(440, RATE * SECONDS));

interface Phase {
  readonly format: FrameFormat;
  readonly packets: readonly Coded[];
  readonly step: number;
}

function aac({ packets, format }: typeof mono): Phase {
  const { configuration, channels } = format;
  return { format: { ...AAC, configuration, channels }, packets, step: 1024 / 48 };
}

/** Of 8 kHz: a G.711 that says nothing. */
const G711: Phase = {
  format: {
    ...AAC,
    codec: "pcmu",
    codecString: "ulaw",
    configuration: new Uint8Array(0),
    sampleRate: 8000,
    channels: 1,
  },
  packets: Array.from({ length: 100 }, (_, i) => ({
    data: new Uint8Array(160).fill(0xff),
    pts: i * 20,
  })),
  step: 20,
};

test("a publisher who changes channels, codec and rate is heard on by viewers of WebRTC, FLV and HLS at once", async (t) => {
  const world = new World();
  const real = await loadRuntime();
  const runtime: Runtime = { ...real, now: () => world.now, wallClock: () => WALL + world.now };
  const transcoders = new Transcoders({
    runtime: real,
    log: new Log({ wallClock: () => 0, print: () => {} }, "error"),
    metrics: serverMetrics(),
    max: 4,
  });
  const drain = (): void => world.drain();
  const source = new HubFrames(world.hub, runtime, drain);
  const bitrates = { aac: 128_000, opus: 128_000 };
  const frames = new TranscodedFrames({ source, transcoders, bitrates });
  const sound = new ViewerSound({ runtime, hub: world.hub, frames, drain });
  t.after(() => sound.close());
  t.after(() => frames.close());
  const publisher = world.hub.publish(name(), "rtmp", world.now);
  assert.ok(typeof publisher !== "string");
  const { stream } = publisher;
  const viewer = world.view();
  const [flv, hls] = [new Sink(), new Sink()];
  frames.tap(name(), { audio: "aac", fromKeyframe: true }, flv);
  frames.tap(name(), { audio: "opus", fromKeyframe: true }, hls);
  let millis = 0;
  for (const { format, packets, step } of [aac(mono), aac(stereo), G711, aac(mono)]) {
    const began = world.now;
    stream.frames.putFormat(format);
    sound.look();
    for (const { data } of packets) {
      const at = WALL + world.now;
      stream.frames.putFrame({ kind: "audio", dts: at, pts: at, keyframe: true, data }, world.now);
      world.pass(step);
    }
    const last = WALL + world.now - 200;
    const come = ({ frames: all }: Sink): boolean => (all.at(-1)?.dts ?? 0) >= last;
    await until(() => come(flv) && come(hls), `no sound of ${format.codec}`);
    millis += world.now - began;
  }
  const heardOf = (sink: Sink): Frame[] => sink.of("audio");
  assert.deepEqual(
    flv.formats.map(({ codec, channels }) => `${codec} ${channels}`),
    ["aac 1", "aac 2", "aac 1"],
  );
  assert.deepEqual(
    hls.formats.map(({ codec, channels }) => `${codec} ${channels}`),
    ["opus 1", "opus 2", "opus 1"],
  );
  for (const sink of [flv, hls]) {
    const all = heardOf(sink);
    for (let i = 1; i < all.length; i++) {
      const gap = all[i]!.dts - all[i - 1]!.dts;
      assert.ok(gap >= 0 && gap < 110, `${gap} ms between two packets`);
    }
  }
  const seen = viewer.of(audioOptions().ssrc);
  assert.ok(seen.length > (millis / 20) * 0.95, `${seen.length} packets in ${millis} ms`);
  for (let i = 1; i < seen.length; i++) {
    assert.equal(seen[i]!.header.sequenceNumber, (seen[i - 1]!.header.sequenceNumber + 1) & 0xffff);
  }
  // The last of it is the tone again.
  const opus = {
    codec: "opus",
    configuration: new Uint8Array(0),
    sampleRate: RATE,
    channels: 2,
  } as const;
  const decoder = AudioDecoder.open(module, opus, 2)!;
  const pcm = heard(
    module,
    decoder,
    seen.slice(-75).map(({ payload }) => ({ data: payload, pts: 0 })),
  );
  const { amplitude } = findTone(pcm.subarray(RATE / 2, RATE), 440);
  assert.ok(Math.abs(decibels(amplitude)) < 0.1, `${decibels(amplitude)} dB`);
});
