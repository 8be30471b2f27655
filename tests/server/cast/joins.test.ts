import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { concat } from "../../../core/bytes/mod.ts";
import type { FileTag } from "../../flv_file.ts";
import { codecs, encoded, RATE, tone } from "../codecs/tone.ts";
import { type Running, start } from "../fixture.ts";
import { until } from "../rtc/client.ts";
import { type Encoder, openEncoder } from "../rtmp/encoder.ts";
import { type FlvViewer, openFlv } from "./flv_viewer.ts";

const SECONDS = 5;
const GOP = 3000;
/** Of one AAC frame. */
const FRAME = 1024 / 48;

const sound = encoded(await codecs(), "opus", tone(440, RATE * SECONDS));
/** AudioPacketType 1 (CodedFrames) of Enhanced RTMP. */
const OPUS = Uint8Array.of(0x91, 0x4f, 0x70, 0x75, 0x73);

/** Pictures and Opus of those ms, at once. */
function send(from: Encoder, begin: number, end: number): void {
  for (let at = begin; at < end; at += 20) {
    if (at % 40 === 0) from.sendPicture(at, at % GOP === 0);
    const { data } = sound.packets[at / 20]!;
    from.sendAudio(at, concat([OPUS, data]));
  }
}

/** Until the server has read all that was sent. */
async function read(from: Encoder): Promise<void> {
  const results = (): number => from.words.filter((word) => word === "_result").length;
  const before = results();
  from.command("createStream", null);
  await until(() => results() > before, "an answer");
}

async function publishing(t: TestContext, server: Running): Promise<Encoder> {
  const from = await openEncoder(server.port);
  t.after(() => from.close());
  from.publish("r");
  await until(() => from.words.includes("NetStream.Publish.Start"), "publishing");
  from.sendConfiguration();
  return from;
}

async function watching(t: TestContext, server: Running): Promise<FlvViewer> {
  const viewer = await openFlv(server.port, "/live/r.flv");
  t.after(() => viewer.close());
  return viewer;
}

/** Whether he began with a keyframe and the sound of its time, and has all of it since. */
function assertWhole(viewer: FlvViewer): void {
  const [pictures, sounds] = [viewer.media(9), viewer.media(8)];
  const [first] = pictures;
  const begins = first!.timestamp;
  assert.equal(first!.body[0], 0x17);
  const late = sounds[0]!.timestamp - begins;
  assert.ok(late >= 0 && late <= FRAME + 1, `sound ${late} ms behind the first picture`);
  const from = sounds[0]!.timestamp;
  for (const [i, { timestamp }] of sounds.entries()) {
    assert.ok(Math.abs(timestamp - from - i * FRAME) <= 2, `sound ${i}`);
  }
  for (const [i, { timestamp }] of pictures.entries()) {
    assert.equal(timestamp - begins, i * 40, `picture ${i}`);
  }
}

const span = (tags: readonly FileTag[]): number =>
  (tags.at(-1)?.timestamp ?? 0) - (tags[0]?.timestamp ?? 0);

test("who joins by FLV has the sound of his first picture's time, though it is transcoded for him first", async (t) => {
  const server = await start(["--vhost.play.mw_latency", "20"]);
  t.after(() => server.monoport.close());
  const from = await publishing(t, server);
  send(from, 0, GOP - 200);
  await read(from);
  const first = await watching(t, server);
  await until(() => span(first.media(8)) > GOP - 400, "all sound since the keyframe");
  assertWhole(first);
  // All of it in order, but for what is so new that its sound is on its way.
  const times = first.tags
    .filter(({ timestamp }) => timestamp < GOP - 500)
    .map(({ timestamp }) => timestamp);
  assert.deepEqual(
    times,
    [...times].sort((a, b) => a - b),
  );

  // The sound before this keyframe is on its way through the transcoder when the second comes.
  send(from, GOP - 200, GOP + 40);
  await until(() => span(first.media(9)) >= GOP, "the second keyframe");
  const second = await watching(t, server);
  await until(() => second.media(9).length > 0, "his first picture");
  send(from, GOP + 40, GOP + 1000);
  await until(() => span(second.media(8)) > 800, "sound");
  assertWhole(second);
  await until(() => span(first.media(8)) > GOP + 800, "sound");
  assertWhole(first);
  assert.equal(server.monoport.metrics.value("monoport_transcode_dropped_total", "queue-full"), 0);
});
