import type { Files, Millis, Runtime } from "../../core/base/mod.ts";
import { HlsViewers } from "../hls/mod.ts";
import type { Entered, Visitor, Visits } from "../hooks/mod.ts";
import { addressKey } from "../limits/address_key.ts";
import { Quota } from "../limits/quota.ts";
import type { Metrics } from "../metrics.ts";
import type { RecordedFile, RecordingStore } from "../record/mod.ts";
import { fileBody } from "./file_body.ts";

export interface VodOptions {
  readonly runtime: Pick<Runtime, "now" | "wakeAt" | "crypto">;
  readonly files: Pick<Files, "open">;
  readonly store: Pick<RecordingStore, "list" | "find" | "again" | "remove">;
  readonly hooks: Visits | undefined;
  readonly metrics: Metrics;
}

/** Bodies at a time, in all and of one address: each keeps a file open and one chunk of it. */
export const DOWNLOADS_MAX = 1000;
export const DOWNLOADS_PER_ADDRESS = 100;
/** A listing looks at the whole folder: it is told again for so long. */
const LISTING_MILLIS: Millis = 2000;
/** A name that was found is not looked for in its folder for so long: players ask for one piece after the other. */
export const FOUND_MILLIS: Millis = 10_000;
const FOUND_MAX = 1000;
const SWEEP_MILLIS: Millis = 1000;

export type Part = { readonly first: number; readonly length: number };

/** Finished recordings, for who lists, plays and deletes them. */
export class Vod {
  readonly #options: VodOptions;
  readonly #downloads = new Quota({ total: DOWNLOADS_MAX, perAddress: DOWNLOADS_PER_ADDRESS });
  /** Who plays, told apart as with HLS: a player makes many requests. */
  readonly #viewers: HlsViewers;
  #listing: { until: Millis; readonly all: Promise<readonly RecordedFile[]> } | undefined;
  /** Names, and until when they count as found. */
  readonly #found = new Map<string, Millis>();
  #timer: Disposable | undefined;

  constructor(options: VodOptions) {
    this.#options = options;
    this.#viewers = new HlsViewers(options.runtime.crypto, options.hooks);
    options.metrics.gauge(
      "monoport_downloads",
      "Recordings that are being sent",
      () => this.#downloads.used,
    );
  }

  /** All of them, the newest first. */
  list(): Promise<readonly RecordedFile[]> {
    const { runtime, store } = this.#options;
    if (this.#listing !== undefined && runtime.now() < this.#listing.until)
      return this.#listing.all;
    const listing = { until: Number.POSITIVE_INFINITY, all: store.list() };
    const done = (): void => {
      listing.until = runtime.now() + LISTING_MILLIS;
    };
    listing.all.then(done, done);
    this.#listing = listing;
    return listing.all;
  }

  async find(name: string): Promise<RecordedFile | undefined> {
    const { runtime, store } = this.#options;
    if (runtime.now() < (this.#found.get(name) ?? 0)) return await store.again(name);
    this.#found.delete(name);
    const file = await store.find(name);
    if (file === undefined) return undefined;
    this.#found.set(name, runtime.now() + FOUND_MILLIS);
    const [oldest = ""] = this.#found.keys();
    if (this.#found.size > FOUND_MAX) this.#found.delete(oldest);
    return file;
  }

  /** False when there is none of that name. Who is getting it gets the rest. */
  async remove(name: string): Promise<boolean> {
    const found = await this.#options.store.find(name);
    if (found === undefined) return false;
    this.#listing = undefined;
    return await this.#options.store.remove(found);
  }

  /** Asks the hooks for a viewer who was not there a moment ago. */
  async enter(file: RecordedFile, agent: string, visitor: Visitor): Promise<Entered> {
    const { app, stream, name } = file;
    const { runtime, hooks } = this.#options;
    const watched = { app, stream, key: name };
    const entered = await this.#viewers.enter(watched, agent, visitor, runtime.now());
    if (entered.admitted && hooks !== undefined) {
      this.#viewers.see(watched, agent, visitor, runtime.now());
      this.#timer ??= this.#sweepLater();
    }
    return entered;
  }

  /** A part of a recording; a text says why not now. */
  async body(
    { path }: RecordedFile,
    part: Part,
    address: string,
  ): Promise<ReadableStream<Uint8Array<ArrayBuffer>> | "too-many" | "too-many-of-address"> {
    const key = addressKey(address);
    const exceeded = this.#downloads.take(key);
    if (exceeded !== undefined) return exceeded === "total" ? "too-many" : "too-many-of-address";
    const { files, metrics } = this.#options;
    try {
      return await fileBody(files, path, part, {
        sent: (bytes) => metrics.count("monoport_downloaded_bytes_total", "", bytes),
        ended: () => this.#downloads.give(key),
      });
    } catch (error) {
      this.#downloads.give(key);
      throw error;
    }
  }

  close(): void {
    this.#timer?.[Symbol.dispose]();
    this.#viewers.close();
  }

  #sweepLater(): Disposable {
    const { runtime } = this.#options;
    return runtime.wakeAt(runtime.now() + SWEEP_MILLIS, () => {
      this.#viewers.forgetIdle(runtime.now());
      this.#timer = this.#viewers.size > 0 ? this.#sweepLater() : undefined;
    });
  }
}
