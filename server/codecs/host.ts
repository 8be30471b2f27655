import { type Bundle, bundled, unbundled } from "./bundle.ts";
import type { FromThread, ToThread } from "./messages.ts";
import { type CodecExports, compileCodecs, startCodecs } from "./module.ts";
import { type TranscodedPacket, Transcoder, type TranscoderOptions } from "./transcoder.ts";

type Work = Exclude<ToThread, { kind: "module" | "packed" }>;

export type Post = (message: FromThread, transfer: ArrayBuffer[]) => void;

/** Traps of a track, one soon after the other, after which it is given up. */
export const TRAPS_MAX = 3;
/** Packets between two traps that make the earlier one forgotten: 20 s. */
export const TRAP_FORGOTTEN_PACKETS = 1000;

interface Held {
  readonly options: TranscoderOptions;
  traps: number;
  /** Packets since the last trap. */
  packets: number;
  /** `undefined` when its source cannot be decoded. */
  transcoder: Transcoder | undefined;
}

/**
 * Transcoders of many tracks over one instance of codecs.wasm, by messages: in a thread, or, where
 * none can be had, on the main one. A trap of the module costs each track what its codecs held.
 */
export class TranscodeHost {
  readonly #post: Post;
  readonly #held = new Map<number, Held>();
  /** What came before the module was there, bounded by who sends. */
  #early: Work[] | undefined = [];
  #module: WebAssembly.Module | undefined;
  #codecs: CodecExports | undefined;
  /** What the packets under way have given. */
  #packets: TranscodedPacket[] = [];

  constructor(post: Post) {
    this.#post = post;
  }

  async handle(message: ToThread): Promise<void> {
    if (message.kind === "module") this.#begin(message.module);
    else if (message.kind === "packed") this.#begin(await compileCodecs(message.packed));
    else if (this.#early !== undefined) this.#early.push(message);
    else this.#do(message);
  }

  #begin(module: WebAssembly.Module): void {
    this.#module = module;
    this.#codecs = startCodecs(module);
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const one of early) this.#do(one);
  }

  #do(message: Work): void {
    try {
      if (message.kind === "open") this.#open(message.id, message.options);
      else if (message.kind === "put") this.#put(message.id, message.packets);
      else this.#close(message.id);
    } catch (error) {
      this.#restart(error, message.id);
      if (message.kind === "put") this.#done(message.id, message.packets.sizes.length, 1);
    }
  }

  #open(id: number, options: TranscoderOptions): void {
    const held: Held = { options, traps: 0, packets: 0, transcoder: undefined };
    this.#held.set(id, held);
    held.transcoder = this.#start(options);
    if (held.transcoder === undefined) this.#post({ kind: "refused", id }, []);
    else this.#post({ kind: "format", id, format: held.transcoder.format }, []);
  }

  #put(id: number, bundle: Bundle): void {
    const held = this.#held.get(id);
    const transcoder = held?.transcoder;
    const bad = transcoder?.bad ?? 0;
    if (held !== undefined && transcoder !== undefined) {
      for (const { data, pts } of unbundled(bundle)) transcoder.put(data, pts);
      held.packets += bundle.sizes.length;
    }
    this.#done(id, bundle.sizes.length, (transcoder?.bad ?? 0) - bad);
  }

  #done(id: number, taken: number, bad: number): void {
    const packets = bundled(this.#packets);
    this.#packets = [];
    this.#post({ kind: "done", id, taken, bad, packets }, [packets.data.buffer]);
  }

  #close(id: number): void {
    this.#held.get(id)?.transcoder?.close();
    this.#held.delete(id);
  }

  #start(options: TranscoderOptions): Transcoder | undefined {
    if (this.#codecs === undefined) return undefined;
    return Transcoder.open(this.#codecs, options, (packet) => this.#packets.push(packet));
  }

  /** The instance's memory is not to be trusted any more. */
  #restart(error: unknown, by: number): void {
    if (this.#module === undefined) return;
    this.#codecs = startCodecs(this.#module);
    this.#packets = [];
    this.#post({ kind: "trapped", words: String(error) }, []);
    for (const [id, held] of this.#held) {
      if (id === by) {
        held.traps = held.packets > TRAP_FORGOTTEN_PACKETS ? 1 : held.traps + 1;
        held.packets = 0;
      }
      const before = held.transcoder;
      held.transcoder = held.traps < TRAPS_MAX ? this.#start(held.options) : undefined;
      if (held.transcoder === undefined && before !== undefined)
        this.#post({ kind: "refused", id }, []);
    }
  }
}
