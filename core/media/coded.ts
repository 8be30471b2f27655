/** A frame out of RTP payloads. @module */

/** What a decoder must know; told again with every keyframe that repeats it. */
export interface CodedFormat {
  /** The decoder configuration, as muxers store it; empty where a codec has none. */
  readonly configuration: Uint8Array;
  /** RFC 6381. */
  readonly codecString: string;
  /** In pixels, 0 for sound. */
  readonly width: number;
  readonly height: number;
}

export interface CodedFrame {
  /** Empty when only a format came. */
  readonly data: Uint8Array;
  readonly keyframe: boolean;
  /** When the payloads told one; the same object as before when it has not changed. */
  readonly format: CodedFormat | undefined;
}

/**
 * `push` takes the payloads of one frame (one RTP timestamp) in order, `take` gives the frame and
 * begins anew. Never throws, whatever the payloads are; linear in their bytes.
 */
export interface Depacketizer {
  /** The payload `bytes[from..to)`, which must not change before `take`. */
  push(bytes: Uint8Array, from: number, to: number): void;
  /** `undefined` when nothing whole came. */
  take(): CodedFrame | undefined;
}
