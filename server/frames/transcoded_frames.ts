import type { Frame, FrameSink, StreamName } from "../../core/stream/mod.ts";
import type { TargetCodec, Transcoders } from "../codecs/mod.ts";
import type { FrameSource, TapOptions } from "./mod.ts";
import { type SoundSink, TranscodedSound } from "./transcoded_sound.ts";

export interface TranscodedFramesOptions {
  /** Streams with the sound as it came. */
  readonly source: FrameSource;
  readonly transcoders: Transcoders;
  /** In bit/s. */
  readonly bitrates: Readonly<Record<TargetCodec, number>>;
}

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
    const { sound } = this.#demand(key, name, options.audio);
    const outlet = new Outlet(sink, sound);
    // Before the pictures: what comes meanwhile is sound that is no older than they.
    const pictures = source.tap(name, { ...options, audio: "source" }, outlet.pictures);
    outlet.begin();
    sound.add(outlet.sound);
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

  /** The sound alone, in `to`, from now on: nothing of what is kept. */
  tapSound(name: StreamName, to: TargetCodec, sink: SoundSink): Disposable {
    const key = `${to} ${name.key}`;
    const { sound } = this.#demand(key, name, to);
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

  #demand(key: string, name: StreamName, to: TargetCodec): Shared {
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const { source, transcoders, bitrates } = this.#options;
    const sound = new TranscodedSound(transcoders, to, bitrates[to]);
    const tap = source.tap(name, { audio: "source", fromKeyframe: true }, sound);
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

/** Joins the pictures of one tap and the sound that all taps share. */
class Outlet {
  readonly #sink: FrameSink;
  readonly #shared: TranscodedSound;
  /** Pictures since the last keyframe, until all that is older is told in order. */
  #first: Frame[] | undefined = [];

  constructor(sink: FrameSink, shared: TranscodedSound) {
    this.#sink = sink;
    this.#shared = shared;
  }

  readonly pictures: FrameSink = {
    handleFormat: (format) => {
      if (format.kind === "video") this.#sink.handleFormat(format);
    },
    handleFrame: (frame) => {
      if (frame.kind !== "video") return;
      if (this.#first === undefined) this.#sink.handleFrame(frame);
      else this.#first.push(frame);
    },
    handleEnd: () => this.#sink.handleEnd(),
  };

  readonly sound: SoundSink = {
    handleFormat: (format) => this.#sink.handleFormat(format),
    handleFrame: (frame) => this.#sink.handleFrame(frame),
  };

  /** Tells what there is: the sound's format, then both kinds in order of time. */
  begin(): void {
    const pictures = this.#first ?? [];
    this.#first = undefined;
    const { format, recent } = this.#shared;
    if (format !== undefined) this.#sink.handleFormat(format);
    const [start] = pictures;
    const sounds = start === undefined ? [] : recent.filter(({ dts }) => dts >= start.dts);
    for (const frame of merged(pictures, sounds)) this.#sink.handleFrame(frame);
  }
}

function merged(a: readonly Frame[], b: readonly Frame[]): Frame[] {
  return [...a, ...b].sort((one, other) => one.dts - other.dts);
}
