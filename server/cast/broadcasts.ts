import type { Cast, CastMade, CastOptions, Framing } from "../../core/egress/cast/mod.ts";
import type { StreamName } from "../../core/stream/mod.ts";
import { Broadcast, type BroadcastOptions } from "./broadcast.ts";
import type { Format, Source, Viewer } from "./viewer.ts";

type Sound = "aac" | "opus";

export interface BroadcastsOptions<Piece, Made extends CastMade<Made>>
  extends Omit<BroadcastOptions<Piece, Made>, "name" | "audio" | "cast"> {
  readonly format: Format;
  readonly cast: (audio: Sound, options: CastOptions) => Cast<Piece, Made>;
  /** Of viewers, before they lose frames. */
  readonly lagMillis: CastOptions["lagMillis"];
}

/** What is watched. */
export interface Watched {
  readonly name: StreamName;
  readonly audio: Sound;
}

/** All that is watched in one format. */
export class Broadcasts<Piece, Made extends CastMade<Made>> {
  readonly #options: BroadcastsOptions<Piece, Made>;
  readonly #broadcasts = new Map<string, Broadcast<Piece, Made>>();

  constructor(options: BroadcastsOptions<Piece, Made>) {
    this.#options = options;
  }

  get format(): Format {
    return this.#options.format;
  }

  get keptBytes(): number {
    let kept = 0;
    for (const broadcast of this.#broadcasts.values()) kept += broadcast.keptBytes;
    return kept;
  }

  /** How many wait for the stream's first picture. */
  waiting(name: StreamName): number {
    let waiting = 0;
    for (const audio of ["aac", "opus"] as const) {
      waiting += this.#broadcasts.get(keyOf({ name, audio }))?.waiting ?? 0;
    }
    return waiting;
  }

  /** The viewer that `make` makes. */
  add(what: Watched, framing: Framing<Made>, make: (source: Source) => Viewer): Viewer {
    const key = keyOf(what);
    let broadcast = this.#broadcasts.get(key);
    if (broadcast === undefined) {
      const { cast, lagMillis, format: _, ...more } = this.#options;
      const { gopCache } = more;
      const { name, audio } = what;
      broadcast = new Broadcast({
        ...more,
        name,
        audio,
        cast: (onPending) => cast(audio, { lagMillis, gopCache, onPending }),
      });
      this.#broadcasts.set(key, broadcast);
    }
    return broadcast.add(framing, make);
  }

  /** With the last viewer the broadcast ends. */
  remove(what: Watched, viewer: Viewer): void {
    const key = keyOf(what);
    const broadcast = this.#broadcasts.get(key);
    broadcast?.remove(viewer);
    if (broadcast?.size !== 0) return;
    this.#broadcasts.delete(key);
    broadcast.close();
  }
}

function keyOf({ name, audio }: Watched): string {
  return `${name.key} ${audio}`;
}
