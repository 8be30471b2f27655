/** Sound that RTP has no place for here, given to the stream as frames. @module */
import { type Fault, isFault, type Millis } from "../../core/base/mod.ts";
import { decodeAudioSpecificConfig } from "../../core/media/aac/mod.ts";
import { decodeMpegAudioHeader } from "../../core/media/mp3/mod.ts";
import type { FrameFormat, Publisher } from "../../core/stream/mod.ts";
import type { FlvAudio } from "../../core/wire/flv/mod.ts";

const NOTHING = new Uint8Array(0);

/** AAC and MP3 of one publisher. */
export class AudioFrames {
  readonly #publisher: Publisher;
  readonly #onFault: (fault: Fault) => void;
  #format: FrameFormat | undefined;
  #lastDts: Millis = Number.NEGATIVE_INFINITY;

  constructor(publisher: Publisher, onFault: (fault: Fault) => void) {
    this.#publisher = publisher;
    this.#onFault = onFault;
  }

  /** `at` is the frame's time on the hub's wall clock. */
  take({ codec, holds, data }: FlvAudio, at: Millis, now: Millis): void {
    if (this.#publisher.ended) return;
    if (codec === "aac" && holds === "config") this.#setAac(data);
    if (holds !== "frames" || data.length === 0) return;
    if (codec === "mp3") this.#setMp3(data);
    if (this.#format?.codec !== codec) return; // nobody could decode it
    const dts = Math.max(at, this.#lastDts);
    this.#lastDts = dts;
    // Pictures before it first.
    this.#publisher.flush(now);
    const frame = { kind: "audio", dts, pts: dts, keyframe: true, data } as const;
    this.#publisher.stream.frames.putFrame(frame, now);
  }

  #setAac(configuration: Uint8Array): void {
    const decoded = decodeAudioSpecificConfig(configuration);
    if (isFault(decoded)) {
      this.#onFault(decoded);
      return;
    }
    const { objectType, sampleRate, channels } = decoded;
    const codecString = `mp4a.40.${objectType}`;
    this.#set({ codec: "aac", codecString, configuration, sampleRate, channels });
  }

  #setMp3(frame: Uint8Array): void {
    const decoded = decodeMpegAudioHeader(frame);
    if (isFault(decoded)) this.#onFault(decoded);
    else this.#set({ codec: "mp3", codecString: "mp3", configuration: NOTHING, ...decoded });
  }

  #set(format: Omit<FrameFormat, "kind" | "width" | "height">): void {
    const before = this.#format;
    if (before !== undefined && sameSound(before, format)) return;
    this.#format = { kind: "audio", width: 0, height: 0, ...format };
    this.#publisher.stream.frames.putFormat(this.#format);
  }
}

function sameSound(a: FrameFormat, b: Omit<FrameFormat, "kind" | "width" | "height">): boolean {
  return (
    a.codec === b.codec &&
    a.sampleRate === b.sampleRate &&
    a.channels === b.channels &&
    a.configuration.length === b.configuration.length &&
    a.configuration.every((byte, i) => byte === b.configuration[i])
  );
}
