/** What /api/v1/streams tells of publishers, of their sound and pictures, and of viewers. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Running, start } from "./fixture.ts";
import { Camera } from "./rtc/camera.ts";
import { play, publish, until } from "./rtc/client.ts";
import { type Encoder, openEncoder } from "./rtmp/encoder.ts";

interface Told {
  readonly name: string;
  readonly publish: Record<string, unknown>;
  readonly video: Record<string, unknown> | null;
  readonly audio: Record<string, unknown> | null;
  readonly viewers: Record<string, number>;
  readonly warnings: readonly string[];
}

async function running(t: TestContext): Promise<Running> {
  const server = await start();
  t.after(() => server.monoport.close());
  return server;
}

async function told({ url }: Running, name: string): Promise<Told | undefined> {
  const answer = await fetch(`${url}/api/v1/streams/`);
  const { streams } = (await answer.json()) as { streams: Told[] };
  return streams.find((one) => one.name === name);
}

/** Asks until `holds`. */
async function untilTold(
  server: Running,
  name: string,
  holds: (told: Told) => boolean,
): Promise<Told> {
  let last: Told | undefined;
  await until(async () => {
    last = await told(server, name);
    return last !== undefined && holds(last);
  }, `${name} as wanted`).catch((cause) => {
    throw new Error(`${name} stays ${JSON.stringify(last)}`, { cause });
  });
  assert.ok(last);
  return last;
}

async function encoder(t: TestContext, server: Running, stream: string): Promise<Encoder> {
  const one = await openEncoder(server.port, false);
  t.after(() => one.close());
  one.publish(stream);
  await until(() => one.words.includes("NetStream.Publish.Start"), "publishing");
  one.sendConfiguration();
  return one;
}

test("RTMP: sound is told as the publisher sends it, in SRS's words", async (t) => {
  const server = await running(t);
  for (const [name, payloads, wanted] of [
    // AudioSpecificConfig: AAC-LC, 44.1 kHz, stereo.
    [
      "aac",
      [
        [0xaf, 0, 0x12, 0x10],
        [0xaf, 1, 1, 2, 3],
      ],
      ["AAC", 44_100, 2, "LC"],
    ],
    // MPEG-1 layer 3, 128 kbit/s, 48 kHz, mono.
    ["mp3", [[0x2f, 0xff, 0xfb, 0x94, 0xc0]], ["MP3", 48_000, 1, ""]],
    ["alaw", [[0x70, 1, 2, 3]], ["PCMA", 8000, 1, ""]],
  ] as const) {
    const from = await encoder(t, server, name);
    from.sendPicture(0, true);
    for (const payload of payloads) from.sendAudio(0, Uint8Array.from(payload));
    const { audio, video, publish } = await untilTold(server, name, (one) => one.audio !== null);
    const { codec, sample_rate, channel, profile } = audio ?? {};
    assert.deepEqual([codec, sample_rate, channel, profile], wanted);
    assert.deepEqual([video?.["codec"], video?.["width"], video?.["height"]], ["H264", 640, 360]);
    assert.deepEqual([publish["by"], publish["transport"]], ["rtmp", "tcp"]);
  }
});

test("RTMP: keyframes far apart, and sound that is not taken, are warned about", async (t) => {
  const server = await running(t);
  const from = await encoder(t, server, "far");
  from.sendAudio(0, Uint8Array.of(0x5f, 1, 2, 3)); // Nellymoser
  for (let i = 0; i <= 12; i++) from.sendPicture(i * 1000, i % 6 === 0);
  const { warnings, video } = await untilTold(server, "far", ({ warnings: all }) => all.length > 1);
  assert.deepEqual(video?.["gop"], { ms: 6000, frames: 6 });
  assert.match(warnings.join("\n"), /keyframes are 6 s apart.*keyframe interval to 2 s/);
  assert.match(warnings.join("\n"), /its sound .*AAC/);
});

test("WHIP: a group of pictures, and viewers by the way they watch", async (t) => {
  const server = await running(t);
  const client = await publish(server, { stream: "w" });
  t.after(() => client.close());
  await client.connect();
  const camera = new Camera(client);
  for (let i = 0; i < 4; i++) camera.send(i % 3 === 0);
  const viewer = await play(server, { stream: "w" });
  t.after(() => viewer.close());
  await viewer.connect();
  const flv = new AbortController();
  t.after(() => flv.abort());
  await fetch(`${server.url}/live/w.flv`, { signal: flv.signal });
  const one = await untilTold(server, "w", ({ viewers }) => viewers["whep_tcp"] === 1);
  assert.deepEqual(one.video?.["gop"], { ms: 100, frames: 3 });
  assert.deepEqual([one.publish["by"], one.publish["transport"]], ["whip", "tcp"]);
  const { whep, whep_udp, push, rtmp, hls } = one.viewers;
  assert.deepEqual([whep, whep_udp, one.viewers["flv"], push, rtmp, hls], [1, 0, 1, 0, 0, 0]);
  assert.deepEqual(one.warnings, []);
});
