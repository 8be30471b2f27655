import { codecsWasmBase64 } from "./module.gen.ts";

/** codecs.wasm by raw DEFLATE, as a thread takes it. */
export function packedCodecs(): Uint8Array<ArrayBuffer> {
  const text = atob(codecsWasmBase64); // which passes over line ends
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
