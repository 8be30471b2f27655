import type { Samples } from "./decoder.ts";
import { bytesAt, type CodecExports, type Pointer } from "./module.ts";
import { CODEC_NUMBER, SAMPLE_RATE, type SoundFormat, type TargetCodec } from "./sound.ts";

/** A packet that was encoded. */
export interface Packet {
  readonly data: Uint8Array<ArrayBuffer>;
  /**
   * When a decoder's first frame of it is to be heard, counted in frames since the first that was
   * put: priming and lookahead make it less than 0 at first.
   */
  readonly time: number;
}

/**
 * Of 0 to 10. Below 7 libopus 1.3 looks for no tones, and makes some of them 0.3 dB softer at 96 kbit/s; 10 costs a
 * quarter more and is not heard at these rates.
 */
const OPUS_COMPLEXITY = 7;

/** Encodes 48 kHz. */
export class AudioEncoder {
  readonly format: SoundFormat;
  readonly #codecs: CodecExports;
  readonly #encoder: Pointer;

  private constructor(codecs: CodecExports, encoder: Pointer, format: SoundFormat) {
    this.#codecs = codecs;
    this.#encoder = encoder;
    this.format = format;
  }

  /** Takes `channels`, 1 or 2; `bitrate` in bit/s. */
  static open(
    codecs: CodecExports,
    codec: TargetCodec,
    channels: number,
    bitrate: number,
  ): AudioEncoder | undefined {
    const encoder = codecs.encoder_new(CODEC_NUMBER[codec], channels, bitrate, OPUS_COMPLEXITY);
    if (encoder === 0) return undefined;
    const configuration =
      codec === "opus"
        ? opusHead(channels, codecs.encoder_lookahead(encoder))
        : bytesAt(
            codecs,
            codecs.encoder_config(encoder),
            codecs.encoder_config_bytes(encoder),
          ).slice();
    const format = { codec, configuration, sampleRate: SAMPLE_RATE, channels };
    return new AudioEncoder(codecs, encoder, format);
  }

  /** Calls `take` with each packet that is done. */
  encode(samples: Samples, take: (packet: Packet) => void): void {
    const codecs = this.#codecs;
    if (codecs.encoder_put(this.#encoder, samples.at, samples.frames) < 0) return;
    for (;;) {
      const bytes = codecs.encoder_next(this.#encoder);
      if (bytes <= 0) return;
      const data = bytesAt(codecs, codecs.encoder_data(this.#encoder), bytes);
      take({ data: new Uint8Array(data), time: codecs.encoder_time(this.#encoder) });
    }
  }

  close(): void {
    this.#codecs.encoder_free(this.#encoder);
  }
}

/** RFC 7845 §5.1: 48 kHz, mapping family 0. */
function opusHead(channels: number, preSkip: number): Uint8Array {
  const head = new Uint8Array(19);
  head.set([0x4f, 0x70, 0x75, 0x73, 0x48, 0x65, 0x61, 0x64, 1, channels]);
  head.set([preSkip & 0xff, preSkip >> 8, SAMPLE_RATE & 0xff, SAMPLE_RATE >> 8], 10);
  return head;
}
