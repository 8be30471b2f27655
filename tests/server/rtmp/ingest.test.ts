/** Tags that FFmpeg 8 made, through the hub. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fault } from "../../../core/base/mod.ts";
import { depacketizerFor } from "../../../core/media/mod.ts";
import {
  type Frame,
  type FrameFormat,
  Hub,
  type Publisher,
  type SourceTrack,
} from "../../../core/stream/mod.ts";
import { decodeFlvVideo, type FlvVideo } from "../../../core/wire/flv/mod.ts";
import { Ingest, type IngestOptions } from "../../../server/rtmp/ingest.ts";
import { mediaPackets } from "../../core/media/packets.ts";
import { name } from "../../core/stream/fixture.ts";
import { PlaintextEngine } from "../../core/stream/plaintext_engine.ts";
import { type FileTag, tagsOf } from "../../flv_file.ts";
import { vector } from "../../vector.ts";

const WALL = 1_700_000_000_000;

interface Packet {
  readonly track: SourceTrack;
  readonly bytes: Uint8Array;
  readonly index: number;
}

/** A stream of a hub, looked at as muxers and WebRTC viewers get it. */
class Watched {
  readonly hub: Hub = new Hub({ engine: new PlaintextEngine(), wallClockAtZero: WALL });
  readonly publisher: Publisher;
  readonly formats: FrameFormat[] = [];
  readonly frames: Frame[] = [];

  constructor() {
    const publisher = this.hub.publish(name(), "a", 0);
    if (typeof publisher === "string") throw new Error(publisher);
    this.publisher = publisher;
    const sink = {
      handleFormat: (format: FrameFormat) => void this.formats.push(format),
      handleFrame: (frame: Frame) => void this.frames.push(frame),
      handleEnd: () => {},
    };
    this.hub.tap(name(), sink, false, 0);
  }

  of(kind: Frame["kind"]): Frame[] {
    return this.frames.filter((frame) => frame.kind === kind);
  }
}

class Ingested extends Watched {
  readonly packets: Packet[] = [];
  readonly told = new Set<string>();
  readonly faults: Fault[] = [];
  readonly ingest: Ingest;
  now = 0;

  constructor(options: Partial<IngestOptions> = {}) {
    super();
    const { publisher } = this;
    const put = publisher.put.bind(publisher);
    publisher.put = (track, bytes, index, now) => {
      this.packets.push({ track, bytes: bytes.slice(), index });
      put(track, bytes, index, now);
    };
    let ssrc = 0;
    this.ingest = new Ingest({
      publisher,
      randomSsrc: () => ++ssrc,
      wallClock: () => WALL + this.now,
      onFault: (fault) => void this.faults.push(fault),
      tell: (words) => void this.told.add(words),
      toRtc: true,
      keepBFrames: false,
      ...options,
    });
  }

  take(tags: readonly FileTag[]): this {
    for (const { type, timestamp, body } of tags) {
      this.now = Math.max(this.now, timestamp);
      if (type === 8) this.ingest.handleAudio(body, timestamp, this.now);
      if (type === 9) this.ingest.handleVideo(body, timestamp, this.now);
      this.publisher.flush(this.now);
    }
    return this;
  }

  /** What another server makes of the packets; `order` may lose or reorder them. */
  forwarded(order: (packets: readonly Packet[]) => readonly Packet[]): Watched {
    const to = new Watched();
    for (const track of new Set(this.packets.map((packet) => packet.track))) {
      to.publisher.addTrack(track);
    }
    for (const { track, bytes, index } of order(this.packets)) {
      to.publisher.put(track, bytes.slice(), index, 0);
    }
    to.publisher.flush(0);
    return to;
  }
}

function pictures(tags: readonly FileTag[]): { tag: FileTag; video: FlvVideo }[] {
  return tags.flatMap((tag) => {
    const video = tag.type === 9 && decodeFlvVideo(tag.body);
    return video && "data" in video && video.holds === "frames" ? [{ tag, video }] : [];
  });
}

const data = (frames: readonly { readonly data: Uint8Array }[]): string[] =>
  frames.map((frame) => Buffer.from(frame.data).toString("hex"));
const swapped = (packets: readonly Packet[]): Packet[] => {
  const all = [...packets];
  for (let i = 2; i + 1 < all.length; i += 2) [all[i], all[i + 1]] = [all[i + 1]!, all[i]!];
  return all;
};

test("pictures without a sequence header, as ffmpeg's tee muxer sends them, are told of", () => {
  const body = (kind: number, data: readonly number[]): Uint8Array =>
    new Uint8Array([0x17, kind, 0, 0, 0, ...data]);
  // AVCVIDEOPACKETs of ffmpeg 5.1: an empty configuration, then Annex B.
  const tags = [body(0, []), body(1, [0, 0, 0, 1, 0x65, 0x88, 0x84])];
  const got = new Ingested().take(tags.map((one, i) => ({ type: 9, timestamp: i, body: one })));
  assert.equal(got.of("video").length, 0);
  assert.match([...got.told].join(), /sequence header.*global_header/);
});

const VECTORS = [
  ["h265_b_frames", "h265", /^hvc1\.1\.6\.L/],
  ["vp9", "vp9", /^vp09\.00\.10\.08/],
  ["av1", "av1", /^av01\.0\.\d\dM\.08/],
] as const;

for (const [file, codec, codecString] of VECTORS) {
  test(`${codec} by enhanced RTMP: muxers get the pictures byte for byte, with their times, WebRTC the same as RTP`, () => {
    const tags = tagsOf(vector(`flv/${file}`));
    const sent = pictures(tags);
    assert.ok(sent.length >= 4);
    const got = new Ingested({ keepBFrames: true }).take(tags);
    assert.deepEqual(got.faults, []);
    const format = got.formats.find(({ kind }) => kind === "video");
    assert.ok(format);
    assert.equal(format.codec, codec);
    assert.match(format.codecString, codecString);
    assert.deepEqual([format.width, format.height], [64, 48]);
    const frames = got.of("video");
    const first = sent[0]!.tag.timestamp;
    assert.deepEqual(
      frames.map(({ dts }) => dts - frames[0]!.dts),
      sent.map(({ tag }) => tag.timestamp - first),
    );
    assert.deepEqual(
      frames.map(({ pts, dts, keyframe }) => [pts - dts, keyframe]),
      sent.map(({ video }) => [video.compositionTime, video.keyframe]),
    );
    // Encoders repeat parameter sets and SEI in front of keyframes; sets are not the picture's.
    if (codec !== "h265") assert.deepEqual(data(frames), data(sent.map(({ video }) => video)));
    for (const order of [(all: readonly Packet[]) => all, swapped]) {
      const there = got.forwarded(order);
      assert.deepEqual(data(there.of("video")), data(frames));
      assert.deepEqual(
        there.of("video").map(({ keyframe }) => keyframe),
        frames.map(({ keyframe }) => keyframe),
      );
      assert.deepEqual(
        there.formats.find(({ kind }) => kind === "video"),
        format,
      );
    }
    // The second picture's packet is lost: others come, up to the next keyframe none that needs it.
    const lossy = got.forwarded((all) => {
      const video = all.filter(({ track }) => track.kind === "video");
      const lost = video.findIndex(({ bytes }) => (bytes[1]! & 0x80) !== 0) + 1;
      return all.filter((packet) => packet !== video[lost]);
    });
    const whole = new Set(data(frames));
    assert.ok(lossy.of("video").length < frames.length);
    assert.ok(data(lossy.of("video")).every((one) => whole.has(one)));
  });
}

test("what FFmpeg calls Opus comes as frames without pre-skip, since its times count it, and as RTP", () => {
  const got = new Ingested().take(tagsOf(vector("flv/vp9")));
  const format = got.formats.find(({ kind }) => kind === "audio");
  assert.equal(format?.codec, "opus");
  assert.equal(
    Buffer.from(format.configuration).toString("hex"),
    "4f707573486561640101000080bb0000000000",
  );
  const packets = got.packets.filter(({ track }) => track.kind === "audio");
  assert.equal(packets.length, got.of("audio").length);
  assert.deepEqual(
    packets.map(({ bytes }) => Buffer.from(bytes.subarray(12)).toString("hex")),
    data(got.of("audio")),
  );
});

test("B-frames nobody refers to do not go to WebRTC; muxers keep them, and the warning names the setting", () => {
  const tags = tagsOf(vector("flv/h265_b_frames"));
  const dropping = new Ingested().take(tags);
  const keeping = new Ingested({ keepBFrames: true }).take(tags);
  assert.deepEqual(data(dropping.of("video")), data(keeping.of("video")));
  assert.ok(dropping.of("video").some(({ pts, dts }) => pts > dts));
  const times = (one: Ingested): number[] => [
    ...new Set(
      one.packets
        .filter(({ track }) => track.kind === "video")
        .map(({ bytes }) => Buffer.from(bytes).readUInt32BE(4)),
    ),
  ];
  // TRAIL_N and RASL_N (ITU-T H.265 table 7-1); the length in front has 4 bytes.
  const disposable = ({ data }: Frame): boolean => [0, 8].includes(data[4]! >> 1);
  const rtp = (frames: readonly Frame[]): number[] => frames.map(({ pts }) => (pts * 90) % 2 ** 32);
  const all = dropping.of("video");
  assert.ok(all.some(disposable));
  assert.deepEqual(times(dropping), rtp(all.filter((frame) => !disposable(frame))));
  assert.deepEqual(times(keeping), rtp(all));
  assert.match([...dropping.told].join(), /B-frames.*bframes=0/);
  assert.match([...keeping.told].join(), /keep_bframe.*bframes=0/);
  const none = new Ingested().take(tagsOf(vector("flv/av1")));
  assert.deepEqual([...none.told], []);
});

test("of multitrack messages track 0 is taken, and the rest told of (Enhanced RTMP v2)", () => {
  const tags = tagsOf(vector("flv/multitrack"));
  const got = new Ingested().take(tags);
  assert.deepEqual(got.faults, []);
  const video = got.formats.filter(({ kind }) => kind === "video");
  assert.deepEqual(
    video.map(({ width, height }) => [width, height]),
    [[32, 32]],
  );
  assert.equal(got.of("video").length, 4);
  assert.deepEqual([...got.told].sort(), [
    "further audio tracks are passed over",
    "further video tracks are passed over",
  ]);
});

test("with vhost.rtc.rtmp_to_rtc off there is no RTP, and all of it for muxers", () => {
  const got = new Ingested({ toRtc: false }).take(tagsOf(vector("flv/vp9")));
  assert.deepEqual(got.packets, []);
  assert.ok(got.of("video").length > 3 && got.of("audio").length > 20);
});

test("sound alone makes a stream live", () => {
  const mp3 = Uint8Array.of(0x2f, 0xff, 0xfb, 0x90, 0x64, ...new Uint8Array(413));
  const aac = [Uint8Array.of(0xaf, 0, 0x12, 0x10), Uint8Array.of(0xaf, 1, 0x21, 0x10)];
  const opus = [Uint8Array.of(0x91, ...Buffer.from("Opus"), 0xfc, 0xff, 0xfe)];
  for (const [codec, bodies] of [
    ["mp3", [mp3]],
    ["aac", aac],
    ["opus", opus],
    ["pcma", [Uint8Array.of(0x70, 1, 2, 3)]],
  ] as const) {
    const got = new Ingested();
    got.take(bodies.map((body, i) => ({ type: 8, timestamp: i * 20, body })));
    assert.equal(got.formats[0]?.codec, codec);
    assert.equal(got.of("audio").length, 1);
    assert.equal(got.publisher.stream.live, true);
    const events = [];
    for (let event = got.hub.pollEvent(); event; event = got.hub.pollEvent())
      events.push(event.type);
    assert.ok(events.includes("published"), codec);
  }
});

test("a configuration that is repeated is no new format; one that differs is", () => {
  const tags = tagsOf(vector("flv/h265_b_frames"));
  const configuration = tags.find(({ type }) => type === 9)!;
  const last = tags.filter(({ type }) => type === 9).slice(-3);
  const got = new Ingested().take(tags).take([configuration]).take(last);
  const formats = (): number => got.formats.filter(({ kind }) => kind === "video").length;
  assert.equal(formats(), 1);
  const body = configuration.body.slice();
  body[body.length - 1] = 0x55;
  got.take([{ ...configuration, body }]).take(last);
  assert.equal(formats(), 2);
});

test("VP8 by FourCC vp08", () => {
  const depacketizer = depacketizerFor("vp8", 0);
  const tags: FileTag[] = [];
  for (const { bytes, header } of mediaPackets("vp8")) {
    depacketizer.push(bytes, header.payloadAt, header.payloadEnd);
    if (!header.marker) continue;
    const frame = depacketizer.take();
    if (frame === undefined) continue;
    const head = Buffer.from([frame.keyframe ? 0x91 : 0xa1, ...Buffer.from("vp08")]);
    tags.push({ type: 9, timestamp: tags.length * 40, body: Buffer.concat([head, frame.data]) });
  }
  const got = new Ingested().take(tags);
  assert.ok(tags.length >= 2);
  assert.equal(got.formats[0]?.codec, "vp8");
  assert.deepEqual(
    data(got.of("video")),
    data(tags.map(({ body }) => ({ data: body.subarray(5) }))),
  );
  assert.deepEqual(data(got.forwarded(swapped).of("video")), data(got.of("video")));
});

test("Opus of more than two channels is not taken, and that is told", () => {
  const head = [...Buffer.from("OpusHead"), 1, 6, 0, 0, 0x80, 0xbb, 0, 0, 0, 0, 0, 1];
  const got = new Ingested().take([
    { type: 8, timestamp: 0, body: Uint8Array.of(0x90, ...Buffer.from("Opus"), ...head) },
    { type: 8, timestamp: 0, body: Uint8Array.of(0x91, ...Buffer.from("Opus"), 0xfc, 0xff, 0xfe) },
  ]);
  assert.deepEqual(got.frames, []);
  assert.match([...got.told].join(), /more than 2 channels/);
});

test("another codec in mid-stream becomes another format, for muxers and as RTP", () => {
  const got = new Ingested().take(tagsOf(vector("flv/vp9"))).take(tagsOf(vector("flv/av1")));
  assert.deepEqual(
    got.formats.filter(({ kind }) => kind === "video").map(({ codec }) => codec),
    ["vp9", "av1"],
  );
  assert.equal(got.publisher.stream.video.format?.codec, "av1");
  const types = new Set(
    got.packets.filter(({ track }) => track.kind === "video").map(({ bytes }) => bytes[1]! & 0x7f),
  );
  assert.deepEqual([...types], [96, 97]);
});
