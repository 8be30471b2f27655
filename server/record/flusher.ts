/** Files that are written brought to the disk now and then, so that a loss of power costs seconds. @module */
import type { Millis, OpenFile, Runtime } from "../../core/base/mod.ts";
import { codeOf } from "../file_error.ts";

/** Between two times that a file's bytes are brought to the disk. */
export const FLUSH_MILLIS: Millis = 5000;
/** What file systems say that cannot: nothing is wrong. */
const CANNOT: ReadonlySet<unknown> = new Set(["EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

/**
 * One file at a time: it may take long, and runtimes have few threads for files. Whoever finds another's turn
 * asks again with his next bytes.
 */
export class Flusher {
  readonly #runtime: Pick<Runtime, "now">;
  #busy = false;

  constructor(runtime: Pick<Runtime, "now">) {
    this.#runtime = runtime;
  }

  now(): Millis {
    return this.#runtime.now();
  }

  /**
   * Resolves to when the disk had all that was written: `last`, where that is not long ago, or another file
   * has its turn. Rejects when the disk fails.
   */
  async flush(file: Pick<OpenFile, "sync">, last: Millis): Promise<Millis> {
    const now = this.now();
    if (this.#busy || now - last < FLUSH_MILLIS) return last;
    this.#busy = true;
    try {
      await bringToDisk(file);
    } finally {
      this.#busy = false;
    }
    return now;
  }
}

/** Resolves when the disk has what was written, or the file system knows of no such thing. */
export async function bringToDisk(file: Pick<OpenFile, "sync">): Promise<void> {
  try {
    await file.sync();
  } catch (error) {
    if (!CANNOT.has(codeOf(error))) throw error;
  }
}
