/** Files that a server has begun and not ended: it was killed, or had no time. @module */
import type { Millis, Runtime } from "../../core/base/mod.ts";
import type { RecordingFormat } from "./path_template.ts";
import type { RecordingPlace, RecordingStore } from "./store.ts";

export interface LeftOverOptions {
  readonly runtime: Pick<Runtime, "files" | "now" | "wakeAt">;
  readonly store: RecordingStore;
  /** Whether this very server writes it. */
  readonly isOwn: (place: RecordingPlace) => boolean;
  readonly onFound: (place: RecordingPlace, format: RecordingFormat) => void;
  readonly onFailed: (error: unknown) => void;
}

/** Another server may still write one, and then touches it: so it is looked at twice. */
export const LOOK_AGAIN_MILLIS: Millis = 3000;

export class LeftOver {
  readonly #options: LeftOverOptions;
  #timer: Disposable | undefined;
  #closed = false;

  constructor(options: LeftOverOptions) {
    this.#options = options;
  }

  /** Looks now, and again in a while; resolves when the first look is done. */
  async look(): Promise<void> {
    const { runtime } = this.#options;
    const first = await this.#states();
    if (first.size === 0 || this.#closed) return;
    this.#timer = runtime.wakeAt(runtime.now() + LOOK_AGAIN_MILLIS, () => {
      void this.#lookAgain(first);
    });
  }

  close(): void {
    this.#closed = true;
    this.#timer?.[Symbol.dispose]();
  }

  async #lookAgain(first: ReadonlyMap<string, string>): Promise<void> {
    const { store, onFound } = this.#options;
    for (const [name, state] of await this.#states()) {
      const format = store.factsOf(name)?.format;
      if (this.#closed || format === undefined || first.get(name) !== state) continue;
      onFound(store.placeOf(name), format);
    }
  }

  /** Size and time of each, by name; none when the folder cannot be read. */
  async #states(): Promise<Map<string, string>> {
    const { runtime, store, isOwn, onFailed } = this.#options;
    const states = new Map<string, string>();
    try {
      for (const place of await store.leftOver()) {
        const found = isOwn(place) ? undefined : await runtime.files.stat(place.partPath);
        if (found !== undefined) states.set(place.name, `${found.size} ${found.modified}`);
      }
    } catch (error) {
      onFailed(error);
    }
    return states;
  }
}
