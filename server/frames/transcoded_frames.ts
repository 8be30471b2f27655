import type { Millis } from "../../core/base/mod.ts";
import type { FrameSink, StreamName } from "../../core/stream/mod.ts";
import type { TargetCodec, Transcoders } from "../codecs/mod.ts";
import type { FrameSource, TapOptions } from "./mod.ts";
import { Outlet } from "./outlet.ts";
import { type SoundSink, TranscodedSound } from "./transcoded_sound.ts";

export interface TranscodedFramesOptions {
  /** Streams with the sound as it came. */
  readonly source: FrameSource;
  readonly transcoders: Pick<Transcoders, "open" | "close">;
  /** In bit/s. */
  readonly bitrates: Readonly<Record<TargetCodec, number>>;
}

/** How long pictures wait for sound that is being transcoded, where a tap does not say. */
const SOUND_WAIT_MILLIS: Millis = 2000;

interface Shared {
  readonly sound: TranscodedSound;
  readonly tap: Disposable;
}

/**
 * Streams as frames, with the sound in the codec that is asked for. It is transcoded once for all who
 * want it, from the first of them to the last.
 */
export class TranscodedFrames implements FrameSource {
  readonly #options: TranscodedFramesOptions;
  /** By stream and codec. */
  readonly #shared = new Map<string, Shared>();

  constructor(options: TranscodedFramesOptions) {
    this.#options = options;
  }

  tap(name: StreamName, options: TapOptions, sink: FrameSink): Disposable {
    const { source } = this.#options;
    if (options.audio === "source") return source.tap(name, options, sink);
    const key = `${options.audio} ${name.key}`;
    const { sound } = this.#demand(key, name, options.audio, true);
    const { soundWaitMillis = SOUND_WAIT_MILLIS } = options;
    const outlet = new Outlet({ sink, sound, soundWaitMillis });
    const pictures = source.tap(name, { ...options, audio: "source" }, outlet.pictures);
    outlet.begin();
    sound.add(outlet.sound, options.patient);
    let over = false;
    return {
      [Symbol.dispose]: () => {
        if (over) return;
        over = true;
        pictures[Symbol.dispose]();
        sound.remove(outlet.sound);
        if (!sound.used) this.#release(key);
      },
    };
  }

  /** The sound alone, in `to`, from now on: nothing of what is kept, which would keep it waiting. */
  tapSound(name: StreamName, to: TargetCodec, sink: SoundSink): Disposable {
    const key = `${to} ${name.key}`;
    const { sound } = this.#demand(key, name, to, false);
    let from = sound.latest;
    const fresh: SoundSink = {
      handleFormat: (format) => sink.handleFormat(format),
      handleFrame: (frame) => {
        if (frame.pts < from) return;
        from = Number.NEGATIVE_INFINITY;
        sink.handleFrame(frame);
      },
    };
    if (sound.format !== undefined) sink.handleFormat(sound.format);
    sound.add(fresh);
    return {
      [Symbol.dispose]: () => {
        sound.remove(fresh);
        if (!sound.used) this.#release(key);
      },
    };
  }

  /** Ends all transcoding. */
  close(): void {
    for (const key of [...this.#shared.keys()]) this.#release(key);
    this.#options.transcoders.close();
  }

  #demand(key: string, name: StreamName, to: TargetCodec, fromKeyframe: boolean): Shared {
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const { source, transcoders, bitrates } = this.#options;
    const sound = new TranscodedSound(transcoders, to, bitrates[to]);
    const tap = source.tap(name, { audio: "source", fromKeyframe }, sound);
    const shared = { sound, tap };
    this.#shared.set(key, shared);
    return shared;
  }

  #release(key: string): void {
    const shared = this.#shared.get(key);
    this.#shared.delete(key);
    shared?.tap[Symbol.dispose]();
    shared?.sound.handleEnd();
  }
}
