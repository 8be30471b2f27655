import type { Millis, OpenFile } from "../../core/base/mod.ts";
import type { Flusher } from "./flusher.ts";

export interface AppenderOptions {
  /** Opens the file; asked once, at the first bytes. */
  readonly open: () => Promise<OpenFile>;
  /** Asked now and then whether there is still room; rejects when there is not. */
  readonly check: () => Promise<void>;
  /** Asked with all that was written. */
  readonly flusher: Pick<Flusher, "now" | "flush">;
  /** Once: nothing is written any more. */
  readonly onFailed: (error: unknown) => void;
}

/** Bytes between two questions whether there is room. */
export const CHECK_EVERY_BYTES: number = 4 * 1024 * 1024;

/** Writes pieces to the end of a file, one after the other, and knows how many wait. */
export class Appender {
  readonly #options: AppenderOptions;
  #waiting: Uint8Array[] = [];
  #queued = 0;
  #written = 0;
  #checkedAt = 0;
  /** Of the last piece. */
  #lastByte: Uint8Array = new Uint8Array(0);
  #file: OpenFile | undefined;
  /** When the disk had all of it. */
  #flushedAt: Millis = 0;
  #failed = false;
  #closed = false;
  #work: Promise<void> | undefined;

  constructor(options: AppenderOptions) {
    this.#options = options;
  }

  /** Bytes that are not written yet. Whoever appends holds them to a bound. */
  get queued(): number {
    return this.#queued;
  }

  /** Bytes that are in the file. */
  get written(): number {
    return this.#written;
  }

  /** `bytes` must not be changed afterwards. */
  append(bytes: Uint8Array): void {
    if (this.#failed || this.#closed || bytes.length === 0) return;
    this.#waiting.push(bytes);
    this.#queued += bytes.length;
    this.#work ??= this.#run();
  }

  /** Shows others that the file is still written, though nothing comes: writes its last byte again. */
  touch(): void {
    if (this.#work !== undefined || this.#file === undefined || this.#closed) return;
    this.#work = this.#run(this.#lastByte);
  }

  /** Resolves when all is written, or the attempt failed, and the file is closed. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#work;
    await this.#closeFile();
  }

  async #run(again?: Uint8Array): Promise<void> {
    try {
      if (again !== undefined) await this.#file?.write(again, this.#written - again.length);
      do {
        for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
          await this.#write(next);
          this.#waiting.shift();
          this.#queued -= next.length;
        }
        await this.#flush();
      } while (this.#waiting.length > 0);
    } catch (error) {
      this.#failed = true;
      this.#waiting = [];
      this.#queued = 0;
      await this.#closeFile();
      this.#options.onFailed(error);
    }
    this.#work = undefined;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const { open, check } = this.#options;
    if (this.#file === undefined) {
      await check();
      this.#file = await open();
      this.#flushedAt = this.#options.flusher.now();
    } else if (this.#written - this.#checkedAt >= CHECK_EVERY_BYTES) {
      this.#checkedAt = this.#written;
      await check();
    }
    await this.#file.write(bytes, this.#written);
    this.#written += bytes.length;
    this.#lastByte = bytes.slice(-1);
  }

  async #flush(): Promise<void> {
    const file = this.#file;
    // Who finishes a file brings it to the disk.
    if (file === undefined || this.#closed) return;
    this.#flushedAt = await this.#options.flusher.flush(file, this.#flushedAt);
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    // What it may say was said by the writing.
    await file?.close().catch(() => {});
  }
}
