/** FLV tags of an RTMP publisher, put into the hub as RTP. @module */
import { type Fault, isFault, type Millis } from "../../core/base/mod.ts";
import { BitReader, u8 } from "../../core/bytes/mod.ts";
import {
  type DecoderConfiguration,
  decodeConfiguration,
  packetizeH264,
  splitSample,
} from "../../core/media/h264/mod.ts";
import type { Format } from "../../core/media/mod.ts";
import type { Publisher } from "../../core/stream/mod.ts";
import {
  decodeFlvAudio,
  decodeFlvVideo,
  type FlvAudio,
  type FlvVideo,
} from "../../core/wire/flv/mod.ts";
import { ntpFromUnix } from "../../core/wire/rtcp/mod.ts";
import { AudioFrames } from "./audio_frames.ts";
import { RtpWriter } from "./rtp_writer.ts";

export interface IngestOptions {
  readonly publisher: Publisher;
  readonly randomSsrc: () => number;
  /** Ms since the Unix epoch. */
  readonly wallClock: () => Millis;
  readonly onFault: (fault: Fault) => void;
  /** Something of the stream does not reach viewers; told once for each thing. */
  readonly onTrouble: (words: string) => void;
}

/** RTP payload that fits every path with SRTP, extensions and framing. */
const PAYLOAD_MAX = 1150;
/** Where both tracks' clocks are told to viewers anew. */
const REPORT_MILLIS = 2000;

const PARAMETER_SET_TYPES = [7, 8];
const DELIMITER = 9;
const IDR = 5;

const OPUS: Format = {
  codec: "opus",
  clockRate: 48_000,
  channels: 2,
  parameters: "minptime=10;useinbandfec=1",
};
const G711 = { clockRate: 8000, channels: 1, parameters: "" } as const;

export class Ingest {
  readonly #options: IngestOptions;
  readonly #told = new Set<string>();
  #configuration: DecoderConfiguration | undefined;
  #video: RtpWriter | undefined;
  #audio: RtpWriter | undefined;
  #reportAt: Millis = 0;
  /** A time of the publisher's, and when that was on the hub's wall clock. */
  #hub: { readonly timestamp: number; readonly at: Millis } | undefined;
  readonly #frames: AudioFrames;
  /** Wall clock less the publisher's time, of the first tag; follows slow drift by nothing. */
  #offset: number | undefined;

  constructor(options: IngestOptions) {
    this.#options = options;
    this.#frames = new AudioFrames(options.publisher, options.onFault);
  }

  /** `timestamp` is in ms, 32 bits. */
  handleVideo(tag: Uint8Array, timestamp: number, now: Millis): void {
    const video = decodeFlvVideo(tag);
    if (isFault(video)) this.#options.onFault(video);
    else if (video.track === 0) this.#takeVideo(video, timestamp, now);
    else this.#tell("further video tracks are passed over");
  }

  handleAudio(tag: Uint8Array, timestamp: number, now: Millis): void {
    const audio = decodeFlvAudio(tag);
    if (isFault(audio)) this.#options.onFault(audio);
    else if (audio.track === 0) this.#takeAudio(audio, timestamp, now);
    else this.#tell("further audio tracks are passed over");
  }

  #takeVideo(video: FlvVideo, timestamp: number, now: Millis): void {
    if (video.codec !== "h264") {
      this.#tell(`its video is ${video.codec}: RTMP brings H.264 here so far`);
    } else if (video.holds === "config") {
      const configuration = decodeConfiguration(video.data);
      if (isFault(configuration)) this.#options.onFault(configuration);
      else this.#configuration = configuration;
    } else if (video.holds === "frames") {
      this.#takePicture(video, timestamp, now);
    }
  }

  #takePicture(video: FlvVideo, timestamp: number, now: Millis): void {
    const configuration = this.#configuration;
    if (configuration === undefined) return; // nobody could decode it
    const units = splitSample(video.data, configuration.lengthBytes);
    if (isFault(units)) {
      this.#options.onFault(units);
      return;
    }
    if (isBPicture(units)) {
      this.#tell("WebRTC cannot show B-frames, and some are dropped: set bframes=0 in the encoder");
      if (units.every((unit) => (u8(unit, 0) & 0x60) === 0)) return; // no other refers to it
    }
    this.#video ??= this.#writer(h264(configuration));
    const writer = this.#video;
    const time = writer.timestamp((timestamp + video.compositionTime) >>> 0);
    packetizeH264(withParameterSets(units, configuration), PAYLOAD_MAX, (payload, last) =>
      writer.put(payload, time, last, now),
    );
    this.#report(timestamp, now);
  }

  #takeAudio(audio: FlvAudio, timestamp: number, now: Millis): void {
    const format = audioFormat(audio);
    if (format === undefined) {
      if (audio.codec === "unknown")
        this.#tell("its sound is of a codec that is not taken: use AAC");
      this.#frames.take(audio, this.#hubTime(timestamp), now);
      return;
    }
    if (audio.holds !== "frames" || audio.data.length === 0) return;
    this.#audio ??= this.#writer(format);
    this.#audio.put(audio.data, this.#audio.timestamp(timestamp), false, now);
    this.#report(timestamp, now);
  }

  #writer(format: Format): RtpWriter {
    this.#reportAt = 0;
    return new RtpWriter(this.#options.publisher, format, this.#options.randomSsrc());
  }

  /** Both tracks have one clock: say so, as a sender report would (RFC 3550 §6.4.1). */
  #report(timestamp: number, now: Millis): void {
    this.#offset ??= this.#options.wallClock() - timestamp;
    if (now < this.#reportAt) return;
    this.#reportAt = now + REPORT_MILLIS;
    const ntp = ntpFromUnix(this.#offset + timestamp);
    for (const writer of [this.#video, this.#audio]) {
      if (writer === undefined) continue;
      const time = writer.timestamp(timestamp);
      this.#options.publisher.handleSenderReport(writer.ssrc, ntp, time, now);
    }
    const { at } = this.#options.publisher.stream.video.clock;
    if (at !== undefined) this.#hub = { timestamp, at };
  }

  /** As the pictures' times are told, so that sound and picture are together. */
  #hubTime(timestamp: number): Millis {
    this.#hub ??= { timestamp, at: this.#options.wallClock() };
    return this.#hub.at + ((timestamp - this.#hub.timestamp) << 0);
  }

  #tell(words: string): void {
    if (this.#told.has(words)) return;
    this.#told.add(words);
    this.#options.onTrouble(words);
  }
}

function h264({ profileLevelId }: DecoderConfiguration): Format {
  return {
    codec: "h264",
    clockRate: 90_000,
    channels: 0,
    parameters: `level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=${profileLevelId}`,
  };
}

function audioFormat({ codec }: FlvAudio): Format | undefined {
  if (codec === "opus") return OPUS;
  return codec === "pcma" || codec === "pcmu" ? { codec, ...G711 } : undefined;
}

/** Delimiters go; before an IDR picture the parameter sets stand, whether the encoder repeats them or not. */
function withParameterSets(
  units: readonly Uint8Array[],
  { parameterSets }: DecoderConfiguration,
): Uint8Array[] {
  const typeOf = (unit: Uint8Array): number => u8(unit, 0) & 0x1f;
  const kept = units.filter((unit) => typeOf(unit) !== DELIMITER);
  if (!kept.some((unit) => typeOf(unit) === IDR)) return kept;
  const rest = kept.filter((unit) => !PARAMETER_SET_TYPES.includes(typeOf(unit)));
  const own = kept.filter((unit) => PARAMETER_SET_TYPES.includes(typeOf(unit)));
  return [...(own.length > 0 ? own : parameterSets), ...rest];
}

function isBPicture(units: readonly Uint8Array[]): boolean {
  return units.some((unit) => (u8(unit, 0) & 0x1f) === 1 && isBSlice(unit));
}

/** slice_type of a slice header: first_mb_in_slice, slice_type, both ue(v) (ITU-T H.264 §7.3.3). */
function isBSlice(unit: Uint8Array): boolean {
  const bits = new BitReader(unit.subarray(1, 12));
  bits.ue();
  return bits.ue() % 5 === 1;
}
