/** RTP of ffmpeg's packetizers and of ours, put together and read by ffprobe. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { isFault } from "../../core/base/mod.ts";
import { u16, u32 } from "../../core/bytes/mod.ts";
import {
  type CodecName,
  type CodedFrame,
  depacketizerFor,
  pictureReaderFor,
  type VideoCodecName,
} from "../../core/media/mod.ts";
import { isRtcp } from "../../core/wire/rtcp/mod.ts";
import { decodeRtp } from "../../core/wire/rtp/mod.ts";
import { need } from "../tools.ts";

const FRAMES = 40;
const ENCODERS = {
  h264: "-c:v libx264 -preset ultrafast -bf 0 -g 20 -b:v 1500k",
  h265: "-c:v libx265 -preset ultrafast -x265-params bframes=0:keyint=20:log-level=error -b:v 1500k",
  vp8: "-c:v libvpx -deadline realtime -cpu-used 8 -g 20 -b:v 1500k",
  vp9: "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 20 -b:v 1500k -auto-alt-ref 0 -lag-in-frames 0 -strict experimental",
} as const satisfies Partial<Record<CodecName, string>>;

for (const [codec, encoder] of Object.entries(ENCODERS)) {
  test(`${codec} of ffmpeg's packetizer and of ours: every frame comes out and decodes`, async (t) => {
    const sent = await framesOf(t, codec as CodecName, encoder.split(" "));
    // Through our packetizers, too: what is decoded below has been cut into payloads by both.
    const frames = repacketized(codec as VideoCodecName, sent);
    assert.deepEqual(
      frames.map(({ data }) => data),
      sent.map(({ data }) => data),
    );
    assert.ok(frames.length >= FRAMES - 1, `${frames.length} frames`); // the last one ends with the next
    assert.ok(frames[0]?.keyframe);
    assert.ok(frames.filter(({ keyframe }) => keyframe).length >= 2);
    const [format] = frames.flatMap((frame) => frame.format ?? []);
    assert.ok(format);
    assert.deepEqual([format.width, format.height], [640, 360]);
    const folder = mkdtempSync(join(tmpdir(), "monoport-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, codec.startsWith("vp") ? "x.ivf" : `x.${codec}`);
    writeFileSync(file, codec.startsWith("vp") ? ivf(codec, frames) : annexB(codec, frames));
    const asked = "stream=codec_name,nb_read_frames";
    const probe = spawnSync(
      need("ffprobe"),
      ["-v", "error", "-count_frames", "-of", "json", "-show_entries", asked, file],
      { encoding: "utf8", timeout: 90_000 },
    );
    assert.equal(probe.stderr, "");
    const { streams } = JSON.parse(probe.stdout) as {
      streams: { codec_name: string; nb_read_frames: string }[];
    };
    assert.equal(streams[0]?.codec_name, codec === "h265" ? "hevc" : codec);
    assert.equal(Number(streams[0]?.nb_read_frames), frames.length);
  });
}

/** The frames as payloads of ours, and together again. */
function repacketized(codec: VideoCodecName, frames: readonly CodedFrame[]): CodedFrame[] {
  const reader = pictureReaderFor(codec);
  const depacketizer = depacketizerFor(codec, 0);
  const [format] = frames.flatMap((frame) => frame.format ?? []);
  reader.configure(format?.configuration ?? new Uint8Array(0));
  return frames.flatMap(({ data, keyframe }) => {
    const picture = reader.read(data, keyframe);
    if (picture === undefined || isFault(picture)) return [];
    reader.packetize(1150, (payload) => depacketizer.push(payload, 0, payload.length));
    return depacketizer.take() ?? [];
  });
}

/** What ffmpeg sends by RTP over UDP, as frames. */
async function framesOf(
  t: TestContext,
  codec: CodecName,
  encoder: readonly string[],
): Promise<CodedFrame[]> {
  const socket = createSocket({ type: "udp4", recvBufferSize: 4 << 20 });
  t.after(() => socket.close());
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const packets: Uint8Array[] = [];
  socket.on("message", (packet) => packets.push(new Uint8Array(packet)));
  const source = [
    "-re",
    "-f",
    "lavfi",
    "-i",
    "testsrc2=size=640x360:rate=30",
    "-frames:v",
    String(FRAMES),
  ];
  const child = spawn(
    need("ffmpeg"),
    [
      "-v",
      "error",
      ...source,
      "-pix_fmt",
      "yuv420p",
      ...encoder,
      "-f",
      "rtp",
      `rtp://127.0.0.1:${socket.address().port}?pkt_size=1200`,
    ],
    { stdio: "ignore", timeout: 90_000 },
  );
  await once(child, "exit");
  assert.equal(child.exitCode, 0);
  const depacketizer = depacketizerFor(codec, 0);
  const frames: CodedFrame[] = [];
  let timestamp = -1;
  for (const packet of packets) {
    const header = decodeRtp(packet);
    if (isFault(header) || isRtcp(packet)) continue; // a sender report
    if (timestamp !== -1 && header.timestamp !== timestamp) {
      const frame = depacketizer.take();
      if (frame !== undefined) frames.push(frame);
    }
    timestamp = header.timestamp;
    depacketizer.push(packet, header.payloadAt, header.payloadEnd);
  }
  const last = depacketizer.take();
  return last === undefined ? frames : [...frames, last];
}

/** With start codes, and the parameter sets of the configuration record in front. */
function annexB(codec: string, frames: readonly CodedFrame[]): Buffer {
  const start = Buffer.from([0, 0, 0, 1]);
  const parts: Uint8Array[] = [];
  const [format] = frames.flatMap((frame) => frame.format ?? []);
  const record = format?.configuration ?? new Uint8Array(0);
  const sets = codec === "h264" ? avcSets(record) : hevcSets(record);
  for (const set of sets) parts.push(start, set);
  for (const { data } of frames) {
    for (let at = 0; at < data.length; at += 4 + u32(data, at)) {
      parts.push(start, data.subarray(at + 4, at + 4 + u32(data, at)));
    }
  }
  return Buffer.concat(parts);
}

function avcSets(record: Uint8Array): Uint8Array[] {
  const sets: Uint8Array[] = [];
  let at = 5;
  for (const mask of [0x1f, 0xff]) {
    for (let left = (record[at++] ?? 0) & mask; left > 0; left--) {
      sets.push(record.subarray(at + 2, at + 2 + u16(record, at)));
      at += 2 + u16(record, at);
    }
  }
  return sets;
}

function hevcSets(record: Uint8Array): Uint8Array[] {
  const sets: Uint8Array[] = [];
  let at = 23;
  for (let arrays = record[22] ?? 0; arrays > 0; arrays--) {
    const count = u16(record, at + 1);
    at += 3;
    for (let left = count; left > 0; left--) {
      sets.push(record.subarray(at + 2, at + 2 + u16(record, at)));
      at += 2 + u16(record, at);
    }
  }
  return sets;
}

function ivf(codec: string, frames: readonly CodedFrame[]): Buffer {
  const head = Buffer.alloc(32);
  head.write("DKIF", 0);
  head.writeUInt16LE(32, 6);
  head.write(codec === "vp8" ? "VP80" : "VP90", 8);
  head.writeUInt16LE(640, 12);
  head.writeUInt16LE(360, 14);
  head.writeUInt32LE(30, 16);
  head.writeUInt32LE(1, 20);
  const parts: Uint8Array[] = [head];
  for (const [i, { data }] of frames.entries()) {
    const frame = Buffer.alloc(12);
    frame.writeUInt32LE(data.length, 0);
    frame.writeUInt32LE(i, 4);
    parts.push(frame, data);
  }
  return Buffer.concat(parts);
}
