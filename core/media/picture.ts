/** Coded pictures as MP4 and FLV hold them, read once for muxers and for RTP. @module */
import type { Fault } from "../base/mod.ts";
import type { CodedFrame } from "./coded.ts";
import type { PayloadSink } from "./payload_sink.ts";

export interface Picture extends CodedFrame {
  readonly format: NonNullable<CodedFrame["format"]>;
  /** No other picture refers to it. */
  readonly disposable: boolean;
  /** It says so itself that it refers to later ones; others show it by their times alone. */
  readonly bidirectional: boolean;
}

/** Reads the pictures of one codec. */
export interface PictureReader {
  /** Takes the decoder configuration record. */
  configure(record: Uint8Array): Fault | undefined;
  /**
   * Reads a picture; `keyframe` is what the container says. `undefined` while nobody could decode it: no configuration,
   * or no keyframe yet.
   */
  read(data: Uint8Array, keyframe: boolean): Picture | Fault | undefined;
  /** The picture that was read last, as RTP payloads. */
  packetize(payloadMax: number, put: PayloadSink): void;
}
