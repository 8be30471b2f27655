import type { Runtime } from "../../core/base/mod.ts";
import type { FrameSink, Hub, StreamName } from "../../core/stream/mod.ts";
import type { FrameSource, TapOptions } from "./mod.ts";

/** The hub's streams as frames, with the sound as it came. */
export class HubFrames implements FrameSource {
  readonly #hub: Hub;
  readonly #runtime: Pick<Runtime, "now">;
  readonly #drain: () => void;

  /** `drain` is called after anything that may have changed the hub. */
  constructor(hub: Hub, runtime: Pick<Runtime, "now">, drain: () => void) {
    this.#hub = hub;
    this.#runtime = runtime;
    this.#drain = drain;
  }

  tap(name: StreamName, options: TapOptions, sink: FrameSink): Disposable {
    const stream = this.#hub.tap(name, sink, options.fromKeyframe, this.#runtime.now());
    this.#drain();
    return {
      [Symbol.dispose]: () => {
        if (stream === undefined) return;
        this.#hub.untap(stream, sink);
        this.#drain();
      },
    };
  }
}
