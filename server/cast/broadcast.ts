import type { Millis, Runtime } from "../../core/base/mod.ts";
import type { Cast, CastMade, CastViewer, Framing } from "../../core/egress/cast/mod.ts";
import type { StreamName } from "../../core/stream/mod.ts";
import type { FrameSource } from "../frames/mod.ts";
import type { Source, Viewer } from "./viewer.ts";

/** How often it is looked who makes no progress. */
const LOOK_MILLIS: Millis = 1000;

export interface BroadcastOptions<Piece, Made extends CastMade<Made>> {
  readonly runtime: Pick<Runtime, "now" | "wakeAt">;
  readonly frames: FrameSource;
  readonly name: StreamName;
  readonly audio: "aac" | "opus";
  readonly mergeMillis: Millis;
  /** Whether viewers begin with the last keyframe. */
  readonly gopCache: boolean;
  readonly cast: (onPending: () => void) => Cast<Piece, Made>;
  readonly onEnded: (viewer: Viewer, reason: "no-media" | "no-progress") => void;
}

/** One stream in one format with one kind of sound, for all who watch that: made while there are any. */
export class Broadcast<Piece, Made extends CastMade<Made>> {
  readonly #options: BroadcastOptions<Piece, Made>;
  readonly #cast: Cast<Piece, Made>;
  readonly #viewers = new Map<Viewer, CastViewer<Made>>();
  readonly #tap: Disposable;
  #flushTimer: Disposable | undefined;
  #lookTimer: Disposable;

  constructor(options: BroadcastOptions<Piece, Made>) {
    this.#options = options;
    const { frames, name, audio, gopCache } = options;
    this.#cast = options.cast(() => this.#plan());
    this.#lookTimer = this.#lookLater();
    this.#tap = frames.tap(name, { audio, fromKeyframe: gopCache }, this.#cast);
  }

  get size(): number {
    return this.#viewers.size;
  }

  get waiting(): number {
    let waiting = 0;
    for (const viewer of this.#viewers.keys()) if (viewer.waits) waiting++;
    return waiting;
  }

  get keptBytes(): number {
    return this.#cast.keptBytes;
  }

  /** The viewer that `make` makes, who is to be fed at once. */
  add(framing: Framing<Made>, make: (source: Source) => Viewer): Viewer {
    const place = this.#cast.join(framing);
    const viewer = make(new Place(this.#cast, place));
    this.#viewers.set(viewer, place);
    return viewer;
  }

  remove(viewer: Viewer): void {
    this.#viewers.delete(viewer);
  }

  close(): void {
    this.#tap[Symbol.dispose]();
    this.#flushTimer?.[Symbol.dispose]();
    this.#lookTimer[Symbol.dispose]();
  }

  #plan(): void {
    if (this.#flushTimer !== undefined) return;
    const { runtime, mergeMillis } = this.#options;
    this.#flushTimer = runtime.wakeAt(runtime.now() + mergeMillis, () => this.#flush());
  }

  #flush(): void {
    this.#flushTimer = undefined;
    const now = this.#options.runtime.now();
    this.#cast.flush(now);
    for (const viewer of this.#viewers.keys()) viewer.feed(now);
    this.#cast.trim(this.#viewers.values(), now);
  }

  #lookLater(): Disposable {
    const { runtime } = this.#options;
    return runtime.wakeAt(runtime.now() + LOOK_MILLIS, () => {
      this.#lookTimer = this.#lookLater();
      const now = runtime.now();
      for (const viewer of this.#viewers.keys()) {
        const reason = viewer.check(now);
        if (reason === undefined) continue;
        this.#options.onEnded(viewer, reason);
        if (reason === "no-media") viewer.end();
        else viewer.destroy();
      }
    });
  }
}

/** Where a viewer is in a cast. */
class Place<Made extends CastMade<Made>> implements Source {
  readonly #cast: Pick<Cast<unknown, Made>, "poll">;
  readonly #viewer: CastViewer<Made>;

  constructor(cast: Pick<Cast<unknown, Made>, "poll">, viewer: CastViewer<Made>) {
    this.#cast = cast;
    this.#viewer = viewer;
  }

  get begun(): boolean {
    return this.#viewer.next >= 0;
  }

  get droppedFrames(): number {
    return this.#viewer.droppedFrames;
  }

  poll(now: Millis): Uint8Array | undefined {
    return this.#cast.poll(this.#viewer, now);
  }
}
