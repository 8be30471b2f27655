import assert from "node:assert/strict";
import { test } from "node:test";
import type { Runtime } from "../../../core/base/mod.ts";
import type { FrameFormat } from "../../../core/stream/mod.ts";
import { loadRuntime } from "../../../runtime/mod.ts";
import { AudioDecoder } from "../../../server/codecs/decoder.ts";
import { Transcoders } from "../../../server/codecs/mod.ts";
import { HubFrames } from "../../../server/frames/hub_frames.ts";
import { TranscodedFrames } from "../../../server/frames/transcoded_frames.ts";
import { ViewerSound } from "../../../server/frames/viewer_sound.ts";
import { Log } from "../../../server/log.ts";
import { serverMetrics } from "../../../server/metrics.ts";
import { audioOptions, name, World } from "../../core/stream/fixture.ts";
import { codecs, decibels, encoded, findTone, heard, RATE, tone } from "../codecs/tone.ts";

const WALL = 1_800_000_000_000;
const module = await codecs();
const source = encoded(module, "aac", tone(440, RATE * 3));
const AAC: FrameFormat = {
  kind: "audio",
  codec: "aac",
  codecString: "mp4a.40.2",
  configuration: source.format.configuration,
  width: 0,
  height: 0,
  sampleRate: 48_000,
  channels: 2,
};

test("WebRTC viewers hear a publisher of AAC, who is transcoded while there are any", async (t) => {
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
  const frames = new TranscodedFrames({
    source: new HubFrames(world.hub, runtime, drain),
    transcoders,
    bitrates: { aac: 128_000, opus: 128_000 },
  });
  const sound = new ViewerSound({ runtime, hub: world.hub, frames, drain });
  t.after(() => sound.close());
  t.after(() => frames.close());

  const publisher = world.hub.publish(name(), "rtmp", world.now);
  assert.ok(typeof publisher !== "string");
  const { stream } = publisher;
  stream.frames.putFormat(AAC);
  sound.look();
  assert.equal(transcoders.active, 0);

  const viewer = world.view();
  sound.look();
  assert.equal(transcoders.active, 1);
  for (const { data } of source.packets) {
    const at = WALL + world.now;
    stream.frames.putFrame({ kind: "audio", dts: at, pts: at, keyframe: true, data }, world.now);
    world.pass(1024 / 48);
  }
  const ssrc = audioOptions().ssrc;
  for (let i = 0; i < 3000 && viewer.of(ssrc).length < 130; i++) {
    await new Promise((go) => setTimeout(go, 10));
  }
  const seen = viewer.of(ssrc);
  assert.ok(seen.length >= 130, `${seen.length} packets`);
  // All in one moment: the first of them was told of, so that pictures and sound are together at once.
  assert.notEqual(stream.audio.clock.at, undefined);
  for (let i = 1; i < seen.length; i++) {
    const step = (seen[i]!.header.timestamp - seen[i - 1]!.header.timestamp) >>> 0;
    assert.equal(step, 960, `packet ${i}`);
  }
  const opus = {
    codec: "opus",
    configuration: new Uint8Array(0),
    sampleRate: RATE,
    channels: 2,
  } as const;
  const decoder = AudioDecoder.open(module, opus, 2)!;
  const packets = seen.map(({ payload }) => ({ data: payload, pts: 0 }));
  const pcm = heard(module, decoder, packets);
  assert.ok(Math.abs(decibels(findTone(pcm.subarray(RATE, 2 * RATE), 440).amplitude)) < 0.1);

  viewer.subscriber.close();
  sound.look();
  assert.equal(transcoders.active, 1); // he may come again
  world.pass(6000);
  sound.look();
  assert.equal(transcoders.active, 0);
});
