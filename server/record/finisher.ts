/** What was written while a stream ran, made what players like best: one file after the other. @module */
import type { Files, Millis, OpenFile } from "../../core/base/mod.ts";
import { describeFileError } from "../file_error.ts";
import { scanFlv, writeFlv } from "./finish_flv.ts";
import { MAX_SAMPLES, scanMp4, writeMp4 } from "./finish_mp4.ts";
import { bringToDisk } from "./flusher.ts";
import type { RecordingFormat } from "./path_template.ts";
import { NEW_ENDING, type RecordingPlace } from "./store.ts";

/** A file that can be played. */
export interface FinishedFile {
  /** In ms. */
  readonly duration: Millis;
  /** In bytes. */
  readonly size: number;
  /** Why it stayed as it was written: players start later, and cannot seek as well. Else empty. */
  readonly trouble: string;
}

export interface FinisherOptions {
  readonly files: Files;
  /** Bytes that must stay free on the volume. */
  readonly minFreeBytes: number;
  /** Default `MAX_WAITING`. */
  readonly maxWaiting?: number;
}

/** Files that wait for their turn; further ones stay as they were written. */
export const MAX_WAITING = 1000;

/** Without a frame no recording is longer than its first part: what is may be damaged, or another program's. */
export const EMPTY_MAX_BYTES: number = 16 * 1024 * 1024;

/** A file read through: how to write it anew, and where it ends if it stays as it is. */
interface Scanned {
  readonly millis: Millis;
  readonly end: number;
  /** Why it cannot be written anew; empty when it can. */
  readonly plain: string;
  readonly write: (to: OpenFile) => Promise<number>;
}

export class Finisher {
  readonly #options: FinisherOptions;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #stopped = false;

  constructor(options: FinisherOptions) {
    this.#options = options;
  }

  /** Files that are being finished, or wait for it. */
  get waiting(): number {
    return this.#waiting;
  }

  /** What waits stays as it is, for the next start. */
  stop(): void {
    this.#stopped = true;
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    await this.#last;
  }

  /**
   * Gives the file its last form and its name; `undefined` when there is nothing to play in it (then it
   * is gone), or the server ends. Rejects when the disk fails, or the file is not there any more.
   */
  finish(place: RecordingPlace, format: RecordingFormat): Promise<FinishedFile | undefined> {
    const { maxWaiting = MAX_WAITING } = this.#options;
    const plain = this.#waiting >= maxWaiting ? `${maxWaiting} files wait to be finished` : "";
    this.#waiting++;
    const done = this.#last
      .then(() => (this.#stopped ? undefined : this.#finish(place, format, plain)))
      .finally(() => this.#waiting--);
    this.#last = done.catch(() => {});
    return done;
  }

  async #finish(
    { path, partPath }: RecordingPlace,
    format: RecordingFormat,
    plain: string,
  ): Promise<FinishedFile | undefined> {
    const { files } = this.#options;
    const from = await files.open(partPath, "update");
    let scanned: Scanned | undefined;
    let made: number | string;
    let size = 0;
    try {
      size = await from.size();
      scanned = await scan(from, format);
      const why = plain || scanned?.plain;
      made = scanned === undefined || why ? (why ?? "") : await this.#make(scanned, path);
      // What a killed server wrote in part is cut off.
      if (typeof made === "string" && scanned !== undefined) {
        await from.truncate(scanned.end);
        await bringToDisk(from);
      }
    } finally {
      await from.close();
    }
    if (scanned === undefined) {
      if (size > EMPTY_MAX_BYTES) throw new Error("nothing in it can be played: it stays as it is");
      await files.remove(partPath);
      return undefined;
    }
    // What is renamed is on the disk by then: after a loss of power one of both is there, and whole.
    if (typeof made === "number") {
      await files.rename(`${path}${NEW_ENDING}`, path);
      await files.remove(partPath);
      return { duration: scanned.millis, size: made, trouble: "" };
    }
    await files.rename(partPath, path);
    return { duration: scanned.millis, size: scanned.end, trouble: made };
  }

  /** Writes the file anew beside it, or says why not. */
  async #make(scanned: Scanned, path: string): Promise<number | string> {
    const { files, minFreeBytes } = this.#options;
    const anew = `${path}${NEW_ENDING}`;
    const folder = path.replace(/\/[^/]*$/, "");
    const free = await files.freeBytes(folder);
    if (free !== undefined && free - scanned.end < minFreeBytes) {
      return "there is no room to write it anew (vhost.dvr.dvr_min_free)";
    }
    try {
      await files.remove(anew).catch(() => {}); // of a server that was killed
      const to = await files.open(anew, "create");
      try {
        const size = await scanned.write(to);
        await bringToDisk(to);
        return size;
      } finally {
        await to.close();
      }
    } catch (error) {
      await files.remove(anew).catch(() => {});
      return describeFileError(error, "--allow-write");
    }
  }
}

async function scan(from: OpenFile, format: RecordingFormat): Promise<Scanned | undefined> {
  if (format === "mp4") {
    const found = await scanMp4(from);
    if (found === undefined) return undefined;
    const { tables, end, tooLong } = found;
    const plain = tooLong ? `it has more than ${MAX_SAMPLES} frames` : "";
    return { millis: tables.millis, end, plain, write: (to) => writeMp4(from, found, to) };
  }
  const found = await scanFlv(from);
  if (found === undefined) return undefined;
  const { millis, end } = found;
  return { millis, end, plain: "", write: (to) => writeFlv(from, found, to) };
}
