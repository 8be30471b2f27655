import { codecsWasmBase64 } from "./module.gen.ts";

/** codecs.wasm by raw DEFLATE, as a thread takes it. */
export function packedCodecs(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(codecsWasmBase64.replaceAll("\n", "")), (char) => char.charCodeAt(0));
}
