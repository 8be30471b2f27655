/** Enhanced RTMP, which ffmpeg 5.1 and GStreamer 1.22 do not speak: what ffmpeg encodes, sent by a client of our own. @module */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { isFault } from "../../../core/base/mod.ts";
import { concat, latin1Bytes, u32 } from "../../../core/bytes/mod.ts";
import { FlvMuxer, TagType } from "../../../core/egress/flv/mod.ts";
import { type DecodedRun, decodeFragment, decodeMovie } from "../../../core/egress/mp4/mod.ts";
import type { FrameCodec, FrameFormat } from "../../../core/stream/mod.ts";
import { type Encoder, openEncoder } from "../../server/rtmp/encoder.ts";
import { need } from "../../tools.ts";

export interface EnhancedOptions {
  /** Of ffmpeg: inputs and codecs, pictures without B-frames. */
  readonly args: readonly string[];
  readonly video: "h265" | "av1";
  readonly audio: "aac" | "opus";
}

/** Resolves when the stream is published; what it gives ends it. */
export async function publishEnhanced(
  ports: readonly number[],
  stream: string,
  { args, video, audio }: EnhancedOptions,
): Promise<{ stop(): Promise<void> }> {
  const encoders = await Promise.all(ports.map((port) => openEncoder(port)));
  for (const encoder of encoders) encoder.publish(stream);
  const movflags = "empty_moov+default_base_moof+frag_every_frame";
  const output = ["-f", "mp4", "-movflags", movflags, "-flush_packets", "1", "pipe:1"];
  const child = spawn(need("ffmpeg"), [...args, ...output], {
    stdio: ["ignore", "pipe", "ignore"],
    timeout: 130_000,
  });
  const senders = encoders.map((encoder) => new Sender(encoder, video, audio));
  child.stdout.on("data", (bytes: Buffer) => {
    for (const sender of senders) sender.push(bytes);
  });
  return {
    stop: async () => {
      for (const encoder of encoders) encoder.close();
      if (child.exitCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

const CONFIGURATION_BOX = { h265: "hvcC", av1: "av1C" } as const;
/** AAC LC, 44.1 kHz, stereo (ISO/IEC 14496-3 §1.6.2.1). */
const AUDIO_SPECIFIC_CONFIG = Uint8Array.of(0x12, 0x10);

/** Fragments of MP4 as tags, sent as they come. */
class Sender {
  readonly #encoder: Encoder;
  readonly #video: "h265" | "av1";
  readonly #audio: "aac" | "opus";
  readonly #muxer = new FlvMuxer({ server: "test", opus: true });
  readonly #timescales = new Map<number, { readonly video: boolean; readonly timescale: number }>();
  #bytes: Uint8Array = new Uint8Array(0);
  #runs: readonly DecodedRun[] = [];
  #moofBytes = 0;

  constructor(encoder: Encoder, video: "h265" | "av1", audio: "aac" | "opus") {
    this.#encoder = encoder;
    this.#video = video;
    this.#audio = audio;
  }

  push(bytes: Uint8Array): void {
    this.#bytes = concat([this.#bytes, bytes]);
    for (;;) {
      const size = this.#bytes.length < 8 ? 8 : u32(this.#bytes, 0);
      if (this.#bytes.length < size) return;
      this.#box(this.#bytes.slice(0, size));
      this.#bytes = this.#bytes.slice(size);
    }
  }

  #box(all: Uint8Array): void {
    const type = String.fromCharCode(...all.subarray(4, 8));
    if (type === "moov") this.#begin(all.subarray(8));
    if (type === "moof") {
      const runs = decodeFragment(all.subarray(8));
      if (isFault(runs)) throw new Error(String(runs));
      this.#runs = runs;
      this.#moofBytes = all.length;
    }
    if (type === "mdat") for (const run of this.#runs) this.#send(run, all);
  }

  #begin(moov: Uint8Array): void {
    const tracks = decodeMovie(moov);
    if (isFault(tracks)) throw new Error(String(tracks));
    for (const track of tracks) {
      this.#timescales.set(track.id, track);
      const codec: FrameCodec = track.video ? this.#video : this.#audio;
      const configuration = track.video
        ? contentsOf(track.descriptions, CONFIGURATION_BOX[this.#video])
        : codec === "aac"
          ? AUDIO_SPECIFIC_CONFIG
          : opusHead();
      const size = { width: track.width >> 16, height: track.height >> 16 };
      const sound = track.video
        ? { sampleRate: 0, channels: 0 }
        : { sampleRate: track.timescale, channels: 2 };
      const kind: FrameFormat["kind"] = track.video ? "video" : "audio";
      this.#muxer.setFormat({ kind, codec, codecString: "", configuration, ...size, ...sound });
    }
    for (const { type, body } of this.#muxer.headers()) {
      if (type === TagType.Video) this.#encoder.sendVideo(0, body);
      if (type === TagType.Audio) this.#encoder.sendAudio(0, body);
    }
  }

  #send(
    { trackId, baseTime, dataOffset, sizes, durations, keyframes }: DecodedRun,
    mdat: Uint8Array,
  ): void {
    const { video, timescale } = this.#timescales.get(trackId) ?? { video: false, timescale: 1 };
    let at = dataOffset - this.#moofBytes;
    let ticks = baseTime;
    for (const [i, size] of sizes.entries()) {
      const data = mdat.slice(at, at + size);
      const dts = (ticks * 1000) / timescale;
      const kind = video ? "video" : "audio";
      const tag = this.#muxer.frame({ kind, dts, pts: dts, keyframe: keyframes[i] === 1, data });
      if (tag === undefined) continue;
      if (video) this.#encoder.sendVideo(tag.timestamp, tag.body);
      else this.#encoder.sendAudio(tag.timestamp, tag.body);
      at += size;
      ticks += durations[i] ?? 0;
    }
  }
}

/** What a box somewhere in `bytes` holds. */
function contentsOf(bytes: Uint8Array, type: string): Uint8Array {
  const at = Buffer.from(bytes).indexOf(Buffer.from(latin1Bytes(type)));
  if (at < 4) throw new Error(`ffmpeg wrote no ${type}`);
  return bytes.slice(at + 4, at - 4 + u32(bytes, at - 4));
}

/** Two channels, no pre-skip, 48 kHz (RFC 7845 §5.1). */
function opusHead(): Uint8Array {
  return concat([latin1Bytes("OpusHead"), Uint8Array.of(1, 2, 0, 0, 0x80, 0xbb, 0, 0, 0, 0, 0)]);
}
