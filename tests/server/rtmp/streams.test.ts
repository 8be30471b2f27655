/** What RTMP publishes, and how viewers of other kinds get it. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type FileTag, tagsOf } from "../../flv_file.ts";
import { vector } from "../../vector.ts";
import { type FlvViewer, openFlv } from "../cast/flv_viewer.ts";
import { type Running, start } from "../fixture.ts";
import { Camera } from "../rtc/camera.ts";
import { play, publish, until } from "../rtc/client.ts";
import { type Encoder, openEncoder } from "./encoder.ts";

const QUICK = ["--vhost.play.mw_latency", "20"];
const AAC = Uint8Array.of(0xaf, 0, 0x12, 0x10);

async function running(t: TestContext, ...args: readonly string[]): Promise<Running> {
  const server = await start([...QUICK, ...args]);
  t.after(() => server.monoport.close());
  return server;
}

async function publishing(t: TestContext, server: Running, stream = "r"): Promise<Encoder> {
  const from = await openEncoder(server.port);
  t.after(() => from.close());
  from.publish(stream);
  await until(() => from.words.includes("NetStream.Publish.Start"), "publishing");
  return from;
}

async function watching(
  t: TestContext,
  server: Running,
  path = "/live/r.flv",
  secure = false,
): Promise<FlvViewer> {
  const viewer = await openFlv(server.port, path, secure);
  t.after(() => viewer.close());
  await until(() => viewer.status === 200, "an answer");
  return viewer;
}

function replay(from: Encoder, tags: readonly FileTag[]): void {
  for (const { type, timestamp, body } of tags) {
    if (type === 8) from.sendAudio(timestamp, body);
    if (type === 9) from.sendVideo(timestamp, body);
  }
}

const hexOf = (tags: readonly FileTag[]): string[] =>
  tags.map(({ body }) => Buffer.from(body).toString("hex"));

async function streamJson(server: Running): Promise<{
  warnings: string[];
  video: { codec: string } | null;
  audio: { codec: string } | null;
  publish: { active: boolean };
}> {
  const { streams } = (await (await fetch(`${server.url}/api/v1/streams/`)).json()) as {
    streams: Awaited<ReturnType<typeof streamJson>>[];
  };
  return streams[0]!;
}

for (const [file, codec] of [
  ["h265_b_frames", "HEVC"],
  ["vp9", "VP9"],
  ["av1", "AV1"],
] as const) {
  test(`${codec} and Opus that FFmpeg published come out of HTTP-FLV as they went in, with their times`, async (t) => {
    const server = await running(t);
    const viewer = await watching(t, server, "/live/r.flv?audio=opus");
    const from = await publishing(t, server);
    const sent = tagsOf(vector(`flv/${file}`));
    // Coded frames; packet types 1 and, of H.265 with composition time 0, 3.
    const isFrame = ({ type, body }: FileTag): boolean =>
      type !== 18 && [1, 3].includes((body[0] ?? 0) & 0x0f);
    // Who waits begins with the last keyframe there is when both tracks are known.
    const keyframe = sent.findIndex(({ type, body }) => type === 9 && (body[0]! & 0x0f) === 1);
    replay(from, sent.slice(0, keyframe + 1));
    await until(() => viewer.tags.some(isFrame), "the first picture");
    replay(from, sent.slice(keyframe + 1));
    const frames = (tags: readonly FileTag[], type: 8 | 9): FileTag[] =>
      tags.filter((tag) => tag.type === type && isFrame(tag));
    const pictures = frames(sent, 9);
    const sounds = frames(sent, 8);
    await until(() => frames(viewer.tags, 9).length === pictures.length, "pictures");
    await until(
      () => frames(viewer.tags, 8).at(-1)?.body.length === sounds.at(-1)?.body.length,
      "sound",
    );
    const got = frames(viewer.tags, 9);
    const step = (all: readonly FileTag[]): number[] =>
      all.map(({ timestamp }) => timestamp - (all[0]?.timestamp ?? 0));
    assert.deepEqual(step(got), step(pictures));
    const heard = hexOf(frames(viewer.tags, 8));
    assert.ok(heard.length > 30);
    assert.deepEqual(heard, hexOf(sounds).slice(-heard.length));
    // Composition times too; H.265's parameter sets are in the configuration alone.
    const heads = (all: readonly FileTag[]): string[] =>
      all.map(({ body }) => Buffer.from(body.subarray(0, 8)).toString("hex"));
    assert.deepEqual(heads(got), heads(pictures));
    const facts = await streamJson(server);
    assert.equal(facts.video?.codec, codec);
    assert.equal(facts.audio?.codec, "Opus");
    if (codec === "HEVC") assert.match(facts.warnings.join(), /B-frames.*bframes=0/);
    else assert.deepEqual(facts.warnings, []);
  });
}

test("timestamps that wrap (32 bits) and jump do not show to viewers, sound and picture stay in step", async (t) => {
  const server = await running(t);
  const viewer = await watching(t, server);
  const from = await publishing(t, server);
  from.sendConfiguration();
  from.sendAudio(0, AAC);
  let time = 2 ** 32 - 400;
  const send = (count: number): void => {
    for (let i = 0; i < count; i++) {
      from.sendPicture(time >>> 0, i % 10 === 0);
      from.sendAudio((time + 7) >>> 0, Uint8Array.of(0xaf, 1, i));
      time += 40;
    }
  };
  send(1);
  await until(() => viewer.media(9).length === 1, "the first picture");
  send(19);
  time += 3_600_000;
  send(20);
  time -= 3_700_000;
  send(20);
  await until(() => viewer.media(9).length === 60 && viewer.media(8).length === 60, "all of it");
  for (const type of [8, 9] as const) {
    const times = viewer.media(type).map(({ timestamp }) => timestamp);
    const steps = times.slice(1).map((one, i) => one - (times[i] ?? 0));
    // Where it jumps, the time that was waited counts; else his own.
    assert.ok(
      steps.every((one, i) => one === 40 || ((i === 19 || i === 39) && one >= 0 && one < 2000)),
      steps.join(" "),
    );
  }
  const [pictures, sounds] = [viewer.media(9), viewer.media(8)];
  for (const [i, { timestamp }] of sounds.entries()) {
    assert.equal(timestamp - (pictures[i]?.timestamp ?? 0), 7, `at ${i}`);
  }
});

test("a publisher who comes again keeps his viewers, by FLV and by WebRTC, and their times go on", async (t) => {
  const server = await running(t);
  const viewer = await watching(t, server);
  const rtc = await play(server, { stream: "r" });
  t.after(() => rtc.close());
  const times: number[] = [];
  rtc.onRtp = ({ timestamp }) => void times.push(timestamp);
  await rtc.connect();
  const first = await publishing(t, server);
  first.sendConfiguration();
  first.sendAudio(900_000, AAC);
  first.sendAudio(900_000, Uint8Array.of(0xaf, 1, 9));
  for (let i = 0; i < 5; i++) first.sendPicture(900_000 + i * 40, i === 0);
  await until(() => viewer.media(9).length >= 5 && times.length >= 5, "pictures");
  first.close();
  await until(async () => (await streamJson(server)).publish.active === false, "gone");
  const before = { flv: viewer.media(9).length, rtc: times.length };
  const second = await publishing(t, server);
  second.sendConfiguration();
  for (let i = 0; i < 5; i++) second.sendPicture(i * 40, i === 0);
  await until(
    () => viewer.media(9).length >= before.flv + 5 && times.length >= before.rtc + 5,
    "pictures again",
  );
  assert.equal(viewer.closed, false);
  for (const [all, most] of [
    [viewer.media(9).map(({ timestamp }) => timestamp), 8000],
    [times, 8000 * 90],
  ] as const) {
    const steps = all.slice(1).map((one, i) => (one - (all[i] ?? 0)) | 0);
    assert.ok(
      steps.every((one) => one >= 0 && one < most),
      steps.join(" "),
    );
  }
});

test("B-frames of H.264 do not reach a WebRTC viewer, unless keep_bframe is on; FLV has them", async (t) => {
  for (const [args, pictures] of [
    [[], 3],
    [["--vhost.rtc.keep_bframe", "on"], 6],
  ] as const) {
    const server = await running(t, ...args);
    const viewer = await watching(t, server);
    const rtc = await play(server, { stream: "r" });
    t.after(() => rtc.close());
    const times = new Set<number>();
    rtc.onRtp = ({ timestamp }) => void times.add(timestamp);
    await rtc.connect();
    const from = await publishing(t, server);
    from.sendConfiguration();
    from.sendAudio(0, AAC);
    from.sendAudio(0, Uint8Array.of(0xaf, 1, 0));
    // I P B b P b in order of coding: slice_type 1 for B and b, nal_ref_idc 0 for b, and when each is shown.
    const slices = [
      [0x17, 0x65, 0x88, 80],
      [0x27, 0x41, 0x9a, 200],
      [0x27, 0x41, 0xa8, 80],
      [0x27, 0x01, 0xa8, 0],
      [0x27, 0x41, 0x9a, 160],
      [0x27, 0x01, 0xa8, 80],
    ] as const;
    for (const [i, [head, nal, slice, shown]] of slices.entries()) {
      from.sendVideo(i * 40, Uint8Array.of(head, 1, 0, 0, shown, 0, 0, 0, 3, nal, slice, 0));
    }
    await until(() => viewer.media(9).length === 6, "all of it by FLV");
    assert.deepEqual(
      viewer.media(9).map(({ body }) => body[4]),
      slices.map(([, , , shown]) => shown),
    );
    await until(() => times.size >= pictures, `${pictures} pictures by WebRTC`);
    assert.equal(times.size, pictures);
    assert.match((await streamJson(server)).warnings.join(), /bframes=0/);
    await server.monoport.close();
  }
});

test("HTTP-FLV inside TLS", async (t) => {
  const server = await running(t, "--http_api.https.enabled", "on");
  const viewer = await watching(t, server, "/live/r.flv", true);
  const from = await publishing(t, server);
  from.sendConfiguration();
  from.sendAudio(0, AAC);
  from.sendPicture(0, true);
  from.sendAudio(7, Uint8Array.of(0xaf, 1, 9));
  await until(() => viewer.media(9).length === 1 && viewer.media(8).length === 1, "media");
});

test("with vhost.play.gop_cache off viewers begin with the next keyframe, on with the last", async (t) => {
  for (const [args, first] of [
    [["--vhost.play.gop_cache", "off"], 9],
    [[], 1],
    // Too long a group is not kept.
    [["--vhost.play.gop_cache_max_frames", "6"], 9],
  ] as const) {
    const server = await running(t, ...args);
    const from = await publishing(t, server);
    from.sendConfiguration();
    from.sendAudio(0, AAC);
    for (let i = 0; i < 8; i++) {
      from.sendPicture(i * 40, i === 0, 101 + i);
      from.sendAudio(i * 40, Uint8Array.of(0xaf, 1, i));
    }
    await until(async () => (await streamJson(server))?.video !== null, "live");
    const viewer = await watching(t, server);
    if (first === 9) {
      await new Promise((wake) => setTimeout(wake, 150));
      assert.equal(viewer.media(9).length, 0);
      from.sendPicture(8 * 40, true, 109);
    }
    await until(() => viewer.media(9).length > 0, "a picture");
    // The 9 bytes of the tag's head and the length are in front.
    assert.equal(viewer.media(9)[0]!.body.length - 9 - 100, first, args.join(" "));
    await server.monoport.close();
  }
});

test("vhost.rtc.rtmp_to_rtc off: WebRTC viewers of a live RTMP stream are refused, FLV viewers get it", async (t) => {
  const server = await running(t, "--vhost.rtc.rtmp_to_rtc", "off");
  const viewer = await watching(t, server);
  const from = await publishing(t, server);
  from.sendConfiguration();
  from.sendAudio(0, AAC);
  from.sendPicture(0, true);
  from.sendAudio(7, Uint8Array.of(0xaf, 1, 9));
  await until(() => viewer.media(9).length === 1, "a picture by FLV");
  await assert.rejects(play(server, { stream: "r" }), /published by RTMP.*rtmp_to_rtc is off/);
});

test("vhost.rtc.rtc_to_rtmp off: FLV viewers get nothing of a WebRTC publisher, nor is he asked for keyframes", async (t) => {
  for (const [args, bridged] of [
    [["--vhost.rtc.rtc_to_rtmp", "off"], false],
    [["--vhost.rtc.pli_for_rtmp", "0.5"], true],
  ] as const) {
    const server = await running(t, ...args);
    const client = await publish(server, { stream: "r" });
    t.after(() => client.close());
    await client.connect();
    const camera = new Camera(client);
    t.after(() => camera.stop());
    camera.run(1);
    const viewer = await watching(t, server);
    if (bridged) {
      await until(() => camera.requests >= 3, "asked twice a second");
      await until(() => viewer.media(9).length > 0, "pictures");
    } else {
      await new Promise((wake) => setTimeout(wake, 1000));
      assert.equal(viewer.tags.length, 0);
      assert.ok(camera.requests <= 1, `${camera.requests} requests`);
    }
    camera.stop();
    await server.monoport.close();
  }
});
