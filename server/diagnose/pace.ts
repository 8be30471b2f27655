/** Bodies that come and go no faster than a set rate, for so long and no longer. @module */
import type { Millis, Runtime } from "../../core/base/mod.ts";

type Clock = Pick<Runtime, "now" | "wakeAt">;

/** Most bytes of one upload; the page sends several, each larger than the one before. */
export const UPLOAD_MAX_BYTES: number = 1024 * 1024;
/** A transfer that is not over by then is cut off. */
export const TRANSFER_MAX_MILLIS: Millis = 10_000;
/** The longest download that may be asked for. */
export const DOWNLOAD_MAX_MILLIS: Millis = 4_000;

const CHUNK_BYTES = 8 * 1024;

/** When the bytes that have passed were allowed to have passed. */
class Pace {
  readonly #clock: Clock;
  readonly #bytesPerMilli: number;
  readonly started: Millis;
  #bytes = 0;

  constructor(clock: Clock, kbps: number) {
    this.#clock = clock;
    this.#bytesPerMilli = kbps / 8;
    this.started = clock.now();
  }

  get millis(): Millis {
    return this.#clock.now() - this.started;
  }

  /** Counts `bytes`, and resolves when they may have passed. */
  pass(bytes: number): Promise<void> | undefined {
    this.#bytes += bytes;
    const due = this.started + this.#bytes / this.#bytesPerMilli;
    if (due <= this.#clock.now()) return undefined;
    return new Promise((resolve) => {
      this.#clock.wakeAt(due, resolve);
    });
  }
}

/** `millis` worth of bytes at `kbps`. `done` is called once, however it ends. */
export function pacedBody(
  clock: Clock,
  kbps: number,
  millis: Millis,
  done: () => void,
): ReadableStream<Uint8Array> {
  const pace = new Pace(clock, kbps);
  let left = Math.round((kbps / 8) * Math.min(millis, DOWNLOAD_MAX_MILLIS));
  let body: ReadableStreamDefaultController<Uint8Array> | undefined;
  // A client that takes nothing asks for nothing: only a clock ends that.
  const deadline = clock.wakeAt(pace.started + TRANSFER_MAX_MILLIS, () => {
    done();
    body?.error(new Error("The test took too long"));
  });
  const end = (): void => {
    deadline[Symbol.dispose]();
    done();
  };
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        body = controller;
      },
      pull: async (controller) => {
        const size = Math.min(left, CHUNK_BYTES);
        left -= size;
        await pace.pass(size);
        if (size > 0) controller.enqueue(new Uint8Array(size));
        if (left > 0) return;
        end();
        controller.close();
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  );
}

export interface Taken {
  readonly bytes: number;
  readonly millis: Millis;
}

/** Reads a body at `kbps` at most and throws it away; why not, as an HTTP status, otherwise. */
export async function sink(
  clock: Clock,
  kbps: number,
  body: ReadableStream<Uint8Array>,
): Promise<Taken | 400 | 408 | 413> {
  const reader = body.getReader();
  const pace = new Pace(clock, kbps);
  let late = false;
  const deadline = clock.wakeAt(pace.started + TRANSFER_MAX_MILLIS, () => {
    late = true;
    reader.cancel().catch(() => {});
  });
  let bytes = 0;
  try {
    for (;;) {
      const read = await reader.read().catch(() => undefined);
      if (late) return 408;
      if (read === undefined) return 400; // the client went away
      if (read.done) return { bytes, millis: pace.millis };
      bytes += read.value.length;
      if (bytes > UPLOAD_MAX_BYTES) {
        await reader.cancel();
        return 413;
      }
      await pace.pass(read.value.length);
    }
  } finally {
    deadline[Symbol.dispose]();
  }
}
