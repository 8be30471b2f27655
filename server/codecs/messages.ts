/** What the server and a thread that transcodes say to each other. @module */
import type { Bundle } from "./bundle.ts";
import type { SoundFormat } from "./sound.ts";
import type { TranscoderOptions } from "./transcoder.ts";

export type ToThread =
  /** What all else waits for: codecs.wasm, compiled, or packed where that cannot be sent. */
  | { readonly kind: "module"; readonly module: WebAssembly.Module }
  | { readonly kind: "packed"; readonly packed: Uint8Array<ArrayBuffer> }
  | { readonly kind: "open"; readonly id: number; readonly options: TranscoderOptions }
  | { readonly kind: "put"; readonly id: number; readonly packets: Bundle }
  | { readonly kind: "close"; readonly id: number };

export type FromThread =
  | { readonly kind: "format"; readonly id: number; readonly format: SoundFormat }
  /** The source cannot be decoded. */
  | { readonly kind: "refused"; readonly id: number }
  /** One `put` is done. */
  | {
      readonly kind: "done";
      readonly id: number;
      /** Packets that were put, and those of them that could not be decoded. */
      readonly taken: number;
      readonly bad: number;
      /** What was made of them. */
      readonly packets: Bundle;
    }
  /** The module trapped, and was started anew. */
  | { readonly kind: "trapped"; readonly words: string };
