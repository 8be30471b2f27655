import { Lane, type LaneOptions, type TranscodedSink, type Transcoding } from "./lane.ts";
import { compileCodecs } from "./module.ts";
import { packedCodecs } from "./packed.ts";
import type { TranscoderOptions } from "./transcoder.ts";

/** Tracks that one thread transcodes: at 2 to 3 % of a core each, half a core. */
export const TRACKS_PER_THREAD = 16;

export interface TranscodersOptions extends Pick<LaneOptions, "runtime" | "log" | "metrics"> {
  /** Tracks that may be transcoded at a time. */
  readonly max: number;
}

/** All transcoding of the server: threads that start with the first track and end after the last. */
export class Transcoders {
  readonly #options: TranscodersOptions;
  readonly #laneOptions: LaneOptions;
  readonly #lanes = new Set<Lane>();
  #nextId = 0;
  #module: Promise<WebAssembly.Module> | undefined;

  constructor(options: TranscodersOptions) {
    this.#options = options;
    const { runtime, log, metrics } = options;
    const module = (): Promise<WebAssembly.Module> => {
      // Kept from then on: what takes longest of a start is done once.
      this.#module ??= compileCodecs(packedCodecs());
      return this.#module;
    };
    this.#laneOptions = { runtime, log, metrics, module, packed: packedCodecs };
  }

  /** Tracks that are transcoded now. */
  get active(): number {
    let tracks = 0;
    for (const lane of this.#lanes) tracks += lane.size;
    return tracks;
  }

  get threads(): number {
    return this.#lanes.size;
  }

  /** `undefined` when there are too many. */
  open(options: TranscoderOptions, sink: TranscodedSink): Transcoding | undefined {
    const { log, max } = this.#options;
    if (this.active >= max) {
      log.limited("warn", "sound is not transcoded: there are too many tracks", {
        "limits.transcodes": max,
      });
      return undefined;
    }
    let lane = [...this.#lanes].find(({ size }) => size < TRACKS_PER_THREAD);
    if (lane === undefined) {
      lane = new Lane(this.#laneOptions, (idle) => this.#lanes.delete(idle));
      this.#lanes.add(lane);
    }
    return lane.open(this.#nextId++, options, sink);
  }

  /** Ends the threads. */
  close(): void {
    for (const lane of this.#lanes) lane.close();
    this.#lanes.clear();
  }
}
