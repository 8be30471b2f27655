import { bytesAt, type CodecExports, type Pointer } from "./module.ts";
import {
  CODEC_NUMBER,
  CONFIGURATION_MAX_BYTES,
  PACKET_MAX_BYTES,
  type SoundFormat,
} from "./sound.ts";

/** Samples in the module's memory: `frames` of every channel, interleaved floats at 48 kHz. */
export interface Samples {
  readonly at: Pointer;
  readonly frames: number;
}

/** Decodes one track to 48 kHz. Calls into a module that trapped throw; everything else is a value. */
export class AudioDecoder {
  readonly channels: number;
  readonly #codecs: CodecExports;
  readonly #decoder: Pointer;

  private constructor(codecs: CodecExports, decoder: Pointer, channels: number) {
    this.#codecs = codecs;
    this.#decoder = decoder;
    this.channels = channels;
  }

  /** Puts out `channels`, 1 or 2; `undefined` when the format cannot be decoded. */
  static open(
    codecs: CodecExports,
    format: SoundFormat,
    channels: number,
  ): AudioDecoder | undefined {
    const { codec, configuration, sampleRate } = format;
    if (configuration.length > CONFIGURATION_MAX_BYTES) return undefined;
    if (format.channels < 1 || format.channels > 8 || !(sampleRate >= 7350)) return undefined;
    if (sampleRate > 96_000) return undefined;
    // OpusHead is for muxers: what a decoder needs is in every packet.
    const bytes = codec === "aac" ? configuration.length : 0;
    const at = codecs.bytes_new(bytes + 1);
    if (at === 0) return undefined;
    bytesAt(codecs, at, bytes).set(configuration.subarray(0, bytes));
    const number = CODEC_NUMBER[codec];
    const decoder = codecs.decoder_new(number, at, bytes, format.channels, sampleRate, channels);
    codecs.bytes_free(at);
    return decoder === 0 ? undefined : new AudioDecoder(codecs, decoder, channels);
  }

  /** What the packet says, at 48 kHz; `undefined` when it cannot be decoded. */
  decode(packet: Uint8Array): Samples | undefined {
    if (packet.length === 0 || packet.length > PACKET_MAX_BYTES) return undefined;
    const at = this.#codecs.decoder_input(this.#decoder, packet.length);
    if (at === 0) return undefined;
    bytesAt(this.#codecs, at, packet.length).set(packet);
    return this.#converted(this.#codecs.decoder_decode(this.#decoder, packet.length));
  }

  /** In the place of `millis` that are missing, or a little less. */
  conceal(millis: number): Samples | undefined {
    const frames = Math.round((millis * this.#codecs.decoder_rate(this.#decoder)) / 1000);
    if (frames < 1) return undefined;
    return this.#converted(this.#codecs.decoder_conceal(this.#decoder, frames));
  }

  /** Frames that were taken and will come with the next ones. */
  get lag(): number {
    return this.#codecs.decoder_lag(this.#decoder);
  }

  /** Makes `delta` frames more of the next `distance`, or less: a change of pitch by that much. */
  stretch(delta: number, distance: number): void {
    this.#codecs.decoder_stretch(this.#decoder, delta, distance);
  }

  close(): void {
    this.#codecs.decoder_free(this.#decoder);
  }

  #converted(decoded: number): Samples | undefined {
    if (decoded < 0) return undefined;
    const frames = decoded === 0 ? 0 : this.#codecs.decoder_convert(this.#decoder);
    if (frames < 0) return undefined;
    return { at: this.#codecs.decoder_output(this.#decoder), frames };
  }
}
