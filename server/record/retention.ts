/** Old recordings deleted: those beyond an age, and the oldest beyond a size of all. @module */
import type { Millis, Runtime } from "../../core/base/mod.ts";
import { codeOf } from "../file_error.ts";
import { Oldest } from "./oldest.ts";
import type { EmptyFolder, RecordedFile, RecordingStore } from "./store.ts";

export interface RetentionOptions {
  readonly runtime: Pick<Runtime, "now" | "wallClock" | "wakeAt">;
  readonly store: Pick<RecordingStore, "walk" | "remove" | "removeEmpty" | "root">;
  /** What is older goes, in ms; 0: nothing. */
  readonly maxAge: Millis;
  /** Of all finished recordings; 0: any. */
  readonly maxBytes: number;
  readonly onDeleted: (file: RecordedFile, why: DeletedFor) => void;
  /** `told` when the same was said of the same path before. */
  readonly onFailed: (path: string, error: unknown, told: boolean) => void;
}

export type DeletedFor = "age" | "size";

/** Before the first look: a machine that starts may set its clock, and has other things to do. */
export const START_MILLIS: Millis = 60_000;
/** Between two looks, at least; and so many times as long as the last one took. */
export const ROUND_MILLIS: Millis = 60_000;
const REST = 50;
/** Who is told of a recording has that long to fetch it, whatever the bounds are. */
export const FRESH_MILLIS: Millis = 60_000;
/** Files, and empty folders, that one round deletes. */
export const ROUND_MAX = 1000;
/** Files and folders that one round looks at. */
export const LOOKED_MAX = 1_000_000;
/** Paths that could not be deleted, and are not tried again for a while; with so many of them nothing is. */
export const FAILED_MAX = 1000;
export const RETRY_MILLIS: Millis = 3_600_000;
/** Folders are left alone for so long after their last file went. */
export const EMPTY_MILLIS: Millis = 600_000;
/** Files of whose end this server knows itself. */
export const OWN_MAX = 20_000;
/** What seems older was written by a clock that was not set: 2020-01-01. */
const CLOCK_SET_MILLIS: Millis = 1_577_836_800_000;
/** The clocks of other machines, whose files may be here, differ a little. */
const SKEW_MILLIS: Millis = 60_000;

/**
 * Looks at all finished recordings now and then. Time is the wall clock's when the server started, and from there
 * on that of a clock that does not jump: what was finished since then is as old as it is. Files from
 * before are as old as they say; those that say they are from the future, or from before 2020, count as
 * finished when the server started.
 */
export class Retention {
  readonly #options: RetentionOptions;
  /** What the wall clock was ahead of the other at the start. */
  readonly #offset: Millis;
  readonly #startedAt: Millis;
  /** Names of files that were finished here, and when. */
  readonly #own = new Map<string, Millis>();
  readonly #failed = new Map<string, { readonly reason: string; readonly until: Millis }>();
  #timer: Disposable | undefined;
  #round: Promise<void> | undefined;
  #closed = false;
  /** Of all finished recordings when they were looked at last. */
  bytes = 0;

  constructor(options: RetentionOptions) {
    this.#options = options;
    const { runtime } = options;
    this.#startedAt = runtime.wallClock();
    this.#offset = this.#startedAt - runtime.now();
  }

  /** Begins, if anything is ever to be deleted. */
  start(): void {
    const { maxAge, maxBytes } = this.#options;
    if (maxAge > 0 || maxBytes > 0) this.#wakeIn(START_MILLIS);
  }

  /** A file was finished just now. */
  noteFinished(name: string): void {
    this.#own.delete(name);
    this.#own.set(name, this.#now);
    const [first = ""] = this.#own.keys();
    if (this.#own.size > OWN_MAX) this.#own.delete(first);
  }

  /** One round, or the rest of the one that runs. */
  look(): Promise<void> {
    this.#round ??= this.#look().finally(() => {
      this.#round = undefined;
    });
    return this.#round;
  }

  /** Resolves when nothing is deleted any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.[Symbol.dispose]();
    await this.#round;
  }

  /** In ms since the epoch, without jumps. */
  get #now(): Millis {
    return this.#options.runtime.now() + this.#offset;
  }

  #wakeIn(millis: Millis): void {
    const { runtime } = this.#options;
    this.#timer = runtime.wakeAt(runtime.now() + millis, () => void this.#wake());
  }

  async #wake(): Promise<void> {
    const { runtime } = this.#options;
    const begun = runtime.now();
    await this.look();
    const took = runtime.now() - begun;
    if (!this.#closed) this.#wakeIn(Math.max(ROUND_MILLIS, REST * took));
  }

  async #look(): Promise<void> {
    const { store } = this.#options;
    this.#forgetFailures();
    try {
      const oldest = new Oldest<RecordedFile>(ROUND_MAX, (file) => this.#finishedAt(file));
      const empty: EmptyFolder[] = [];
      this.bytes = await this.#see(oldest, empty);
      for (const file of oldest.sorted()) {
        if (this.#closed || this.#failed.size >= FAILED_MAX) return;
        const why = this.#why(file);
        if (why !== undefined) await this.#delete(file, why);
      }
      const before = this.#now - EMPTY_MILLIS;
      for (const one of empty) {
        if (this.#closed || this.#failed.size >= FAILED_MAX) return;
        await this.#try(`${store.root}/${one.folder}`, () => store.removeEmpty(one, before));
      }
    } catch (error) {
      this.#fail(store.root, error);
    }
  }

  /** Resolves to the bytes of all that can be deleted. */
  async #see(oldest: Oldest<RecordedFile>, empty: EmptyFolder[]): Promise<number> {
    let bytes = 0;
    for await (const found of this.#options.store.walk(LOOKED_MAX)) {
      if (this.#closed) break;
      if ("folder" in found) {
        if (empty.length < ROUND_MAX) empty.push(found);
      } else if (!this.#rests(found.path)) {
        bytes += found.size;
        oldest.add(found);
      }
    }
    return bytes;
  }

  #finishedAt({ name, modified }: RecordedFile): Millis {
    const own = this.#own.get(name);
    if (own !== undefined) return own;
    const known = modified >= CLOCK_SET_MILLIS && modified <= this.#now + SKEW_MILLIS;
    return known ? modified : this.#startedAt;
  }

  #why(file: RecordedFile): DeletedFor | undefined {
    const { runtime, maxAge, maxBytes } = this.#options;
    const own = this.#own.has(file.name);
    // A clock that was ahead at the start, and was set right since.
    const now = own ? this.#now : Math.min(this.#now, runtime.wallClock());
    const age = now - this.#finishedAt(file);
    if (this.#now - this.#finishedAt(file) < FRESH_MILLIS) return undefined;
    if (maxAge > 0 && age > maxAge) return "age";
    return maxBytes > 0 && this.bytes > maxBytes ? "size" : undefined;
  }

  async #delete(file: RecordedFile, why: DeletedFor): Promise<void> {
    const { store, onDeleted } = this.#options;
    const gone = await this.#try(file.path, () => store.remove(file));
    // What cannot be deleted is not made up for by what is newer.
    this.bytes -= file.size;
    if (gone === undefined) return;
    this.#own.delete(file.name);
    if (gone) onDeleted(file, why);
  }

  /** `undefined` when it failed, which was told. */
  async #try(path: string, remove: () => Promise<boolean>): Promise<boolean | undefined> {
    if (this.#rests(path)) return undefined;
    try {
      const done = await remove();
      this.#failed.delete(path);
      return done;
    } catch (error) {
      this.#fail(path, error);
      return undefined;
    }
  }

  /** Whether it could not be deleted a while ago. */
  #rests(path: string): boolean {
    return this.#now < (this.#failed.get(path)?.until ?? 0);
  }

  #fail(path: string, error: unknown): void {
    const reason = String(codeOf(error) ?? error);
    const told = this.#failed.get(path)?.reason === reason;
    this.#failed.set(path, { reason, until: this.#now + RETRY_MILLIS });
    this.#options.onFailed(path, error, told);
  }

  /** What is not there any more was deleted by others. */
  #forgetFailures(): void {
    for (const [path, { until }] of this.#failed) {
      if (this.#now > until + RETRY_MILLIS) this.#failed.delete(path);
    }
  }
}
