/** What the server and a thread that transcodes say to each other. @module */
import type { SoundFormat } from "./sound.ts";
import type { TranscodedPacket, TranscoderOptions } from "./transcoder.ts";

export type ToThread =
  /** First of all: codecs.wasm, packed. */
  | { readonly kind: "codecs"; readonly packed: Uint8Array<ArrayBuffer> }
  | { readonly kind: "open"; readonly id: number; readonly options: TranscoderOptions }
  | { readonly kind: "put"; readonly id: number; readonly data: Uint8Array; readonly pts: number }
  | { readonly kind: "close"; readonly id: number };

export type FromThread =
  | { readonly kind: "format"; readonly id: number; readonly format: SoundFormat }
  /** The source cannot be decoded. */
  | { readonly kind: "refused"; readonly id: number }
  /** One `put` is done. */
  | {
      readonly kind: "done";
      readonly id: number;
      readonly packets: readonly TranscodedPacket[];
      /** Whether it could not be decoded. */
      readonly bad: boolean;
    }
  /** The module trapped, and was started anew. */
  | { readonly kind: "trapped"; readonly words: string };
