/** codecs.wasm, inflated, compiled and instantiated. @module */
/** A C pointer; 0 is none. */
export type Pointer = number;

/** What codecs/bridge.c exports, with its comments. */
export interface CodecExports {
  readonly memory: WebAssembly.Memory;
  _initialize(): void;
  bytes_new(bytes: number): Pointer;
  bytes_free(at: Pointer): void;
  decoder_new(
    codec: number,
    configuration: Pointer,
    bytes: number,
    channels: number,
    rate: number,
    outChannels: number,
  ): Pointer;
  decoder_free(decoder: Pointer): void;
  decoder_input(decoder: Pointer, bytes: number): Pointer;
  decoder_decode(decoder: Pointer, bytes: number): number;
  decoder_conceal(decoder: Pointer, frames: number): number;
  decoder_rate(decoder: Pointer): number;
  decoder_convert(decoder: Pointer): number;
  decoder_output(decoder: Pointer): Pointer;
  decoder_lag(decoder: Pointer): number;
  decoder_stretch(decoder: Pointer, delta: number, distance: number): number;
  encoder_new(codec: number, channels: number, bitrate: number, complexity: number): Pointer;
  encoder_free(encoder: Pointer): void;
  encoder_put(encoder: Pointer, samples: Pointer, frames: number): number;
  encoder_next(encoder: Pointer): number;
  encoder_data(encoder: Pointer): Pointer;
  encoder_time(encoder: Pointer): number;
  encoder_lookahead(encoder: Pointer): number;
  encoder_config(encoder: Pointer): Pointer;
  encoder_config_bytes(encoder: Pointer): number;
}

/** `packed` is codecs.wasm by raw DEFLATE. Takes 50 to 150 ms. */
export async function compileCodecs(packed: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return await WebAssembly.compile(await new Response(stream).arrayBuffer());
}

/** An instance with memory of its own, at most 256 MB; one holds many decoders and encoders. */
export function startCodecs(module: WebAssembly.Module): CodecExports {
  const instance = new WebAssembly.Instance(module, imports(module));
  const exports = instance.exports as unknown as CodecExports;
  exports._initialize();
  return exports;
}

/** Bytes of the module's memory; the view is good until the next call. */
export function bytesAt(codecs: CodecExports, at: Pointer, bytes: number): Uint8Array {
  return new Uint8Array(codecs.memory.buffer, at, bytes);
}

/** WASI's EBADF: the module has no files. */
const NO_FILE = 8;

/** What the C library names of the system: no files, no environment, no clock. */
function imports(module: WebAssembly.Module): WebAssembly.Imports {
  const wasi: Record<string, WebAssembly.ImportValue> = {};
  for (const { name } of WebAssembly.Module.imports(module)) {
    wasi[name] = name.startsWith("environ") || name === "clock_time_get" ? () => 0 : () => NO_FILE;
  }
  wasi["proc_exit"] = (code: number): never => {
    throw new Error(`codecs.wasm ended with ${code}`);
  };
  return { wasi_snapshot_preview1: wasi };
}
