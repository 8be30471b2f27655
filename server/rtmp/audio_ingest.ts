/** Sound of an RTMP publisher, into the hub. @module */
import { isFault, type Millis } from "../../core/base/mod.ts";
import { decodeAudioSpecificConfig } from "../../core/media/aac/mod.ts";
import type { Format } from "../../core/media/mod.ts";
import { decodeMpegAudioHeader } from "../../core/media/mp3/mod.ts";
import type { FrameFormat } from "../../core/stream/mod.ts";
import type { FlvAudio } from "../../core/wire/flv/mod.ts";
import type { IngestOptions } from "./ingest.ts";
import { RtpWriter } from "./rtp_writer.ts";

type SoundFormat = Omit<FrameFormat, "kind" | "width" | "height">;

const NOTHING = new Uint8Array(0);
const OPUS_RTP: Format = {
  codec: "opus",
  clockRate: 48_000,
  channels: 2,
  parameters: "minptime=10;useinbandfec=1",
};
const OPUS_HEAD_BYTES = 19;
const G711 = { clockRate: 8000, channels: 1, parameters: "" } as const;

/** Frames for muxers, and RTP of what WebRTC can play. */
export class AudioIngest {
  readonly #options: IngestOptions;
  #format: FrameFormat | undefined;
  #writer: RtpWriter | undefined;
  #lastDts: Millis = Number.NEGATIVE_INFINITY;
  /** Opus of more than two channels: several streams in a packet, which neither RTP nor our decoder takes. */
  #surround = false;

  constructor(options: IngestOptions) {
    this.#options = options;
  }

  /** The track of RTP, when there is one. */
  get writer(): RtpWriter | undefined {
    return this.#writer;
  }

  /** What is no sound: the decoder configuration. */
  configure({ codec, holds, data }: FlvAudio): void {
    if (holds !== "config") return;
    if (codec === "opus") this.#setOpus(data);
    if (codec !== "aac") return;
    const decoded = decodeAudioSpecificConfig(data);
    if (isFault(decoded)) {
      this.#options.onFault(decoded);
      return;
    }
    const { objectType, sampleRate, channels } = decoded;
    const codecString = `mp4a.40.${objectType}`;
    this.#set({ codec: "aac", codecString, configuration: data, sampleRate, channels });
  }

  /** `at` is when it is heard, on the hub's wall clock, in whole ms. */
  take(audio: FlvAudio, at: Millis, now: Millis): void {
    const { codec, data } = audio;
    if (data.length === 0) return;
    this.#prepare(audio);
    if (this.#format?.codec !== codec) return; // nobody could decode it
    const dts = Math.max(at, this.#lastDts);
    this.#lastDts = dts;
    const { publisher, toRtc } = this.#options;
    publisher.putFrame({ kind: "audio", dts, pts: dts, keyframe: true, data }, now);
    const format = toRtc ? rtpFormat(codec) : undefined;
    if (format === undefined) return;
    this.#writer ??= new RtpWriter(publisher, format, this.#options.randomSsrc());
    this.#writer.setFormat(format);
    this.#writer.put(data, this.#writer.timestamp(dts), false, now);
  }

  /** Codecs whose frames tell their format, or need none. */
  #prepare({ codec, data }: FlvAudio): void {
    if (codec === "mp3") {
      const decoded = decodeMpegAudioHeader(data);
      if (isFault(decoded)) this.#options.onFault(decoded);
      else this.#set({ codec: "mp3", codecString: "mp3", configuration: NOTHING, ...decoded });
    } else if (codec === "pcma" || codec === "pcmu") {
      const codecString = codec === "pcma" ? "alaw" : "ulaw";
      const rate = { sampleRate: 8000, channels: 1 };
      this.#set({ codec, codecString, configuration: NOTHING, ...rate });
    } else if (codec === "opus" && !this.#surround && this.#format?.codec !== "opus") {
      this.#setOpus(NOTHING);
    }
  }

  /**
   * Times of RTMP are those of what a decoder makes of a packet, its pre-skip included: none is left to take off, as
   * it is with WebRTC, where they are those of capture. So OpusHead (RFC 7845 §5.1) says 0.
   */
  #setOpus(head: Uint8Array): void {
    const configuration = new Uint8Array(OPUS_HEAD_BYTES);
    configuration.set([0x4f, 0x70, 0x75, 0x73, 0x48, 0x65, 0x61, 0x64, 1, 2]);
    configuration.set([0x80, 0xbb], 12); // 48,000 Hz, little endian
    const channels = head[9] ?? 2;
    this.#surround = channels > 2;
    if (this.#surround) {
      this.#options.tell("its sound is Opus of more than 2 channels: use stereo");
      this.#format = undefined;
      return;
    }
    configuration[9] = Math.max(1, channels);
    this.#set({
      codec: "opus",
      codecString: "opus",
      configuration,
      sampleRate: 48_000,
      channels: configuration[9],
    });
  }

  #set(format: SoundFormat): void {
    const before = this.#format;
    if (before !== undefined && sameSound(before, format)) return;
    this.#format = { kind: "audio", width: 0, height: 0, ...format };
    this.#options.publisher.putFormat(this.#format);
  }
}

function rtpFormat(codec: FlvAudio["codec"]): Format | undefined {
  if (codec === "opus") return OPUS_RTP;
  return codec === "pcma" || codec === "pcmu" ? { codec, ...G711 } : undefined;
}

function sameSound(a: FrameFormat, b: SoundFormat): boolean {
  return (
    a.codec === b.codec &&
    a.sampleRate === b.sampleRate &&
    a.channels === b.channels &&
    a.configuration.length === b.configuration.length &&
    a.configuration.every((byte, i) => byte === b.configuration[i])
  );
}
