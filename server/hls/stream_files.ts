import type { Files, Millis } from "../../core/base/mod.ts";
import { playlistText, type SegmentEntry, SegmentWindow } from "../../core/egress/hls/mod.ts";
import type { StreamName } from "../../core/stream/mod.ts";
import { codeOf, describeFileError, isMissing } from "../file_error.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { playlistFile, relativeUri, segmentFile } from "./file_names.ts";
import type { CompleteSegment } from "./muxer.ts";

export interface StreamFilesOptions {
  readonly files: Pick<Files, "write" | "makeDir" | "remove" | "read" | "stat">;
  readonly log: Pick<Log, "limited">;
  readonly metrics: Pick<Metrics, "count">;
  /** The folder that all names are below. */
  readonly root: string;
  /** Names below it, as `vhost.hls.hls_m3u8_file` and `vhost.hls.hls_ts_file`. */
  readonly playlist: string;
  readonly segment: string;
  readonly extension: "m4s" | "ts";
  /** Whether what has left the playlist is removed. */
  readonly cleanup: boolean;
  readonly windowMillis: Millis;
  /** Ms since the epoch. */
  readonly wallClock: () => Millis;
  /** A segment and the playlist with it are written; paths below the root. */
  readonly onWritten?: (segment: CompleteSegment, written: WrittenSegment) => void;
}

export interface WrittenSegment {
  readonly file: string;
  readonly playlist: string;
  readonly seq: number;
}

/** Of segments that wait for the disk; one more is left out of the files. */
export const MAX_QUEUED_BYTES: number = 32 * 1024 * 1024;
/** A playlist of ours is no longer, by far. */
const MAX_PLAYLIST_BYTES = 1024 * 1024;
const encoder = new TextEncoder();

/**
 * One stream's segments and playlist in a folder, for another web server to serve. What the disk does
 * holds up nobody: a segment it has no time for is left out, and an error ends the writing.
 */
export class StreamFiles {
  readonly #options: StreamFilesOptions;
  readonly #name: StreamName;
  readonly #playlist: string;
  readonly #targetSeconds: number;
  readonly #window: SegmentWindow;
  /** Names below the root, by number of segment and of init segment. */
  readonly #segments = new Map<number, string>();
  readonly #inits = new Map<number, string>();
  readonly #folders = new Set<string>();
  #map: number | undefined;
  /** What a server before this one has left there. */
  #left: readonly string[] = [];
  #begun = false;
  #lost = false;
  #queuedBytes = 0;
  #work: Promise<void> = Promise.resolve();
  #ended = true;
  stopped = false;

  constructor(name: StreamName, targetSeconds: number, options: StreamFilesOptions) {
    this.#options = options;
    this.#name = name;
    this.#targetSeconds = targetSeconds;
    this.#playlist = playlistFile(options.playlist, name);
    const target = targetSeconds * 1000;
    this.#window = new SegmentWindow({
      windowMillis: Math.max(options.windowMillis, 3 * target),
      graceMillis: 3 * target,
      firstNumber: Math.floor(options.wallClock() / 1000),
    });
  }

  /** Whether the playlist says that nothing comes any more, or soon does. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Writes a segment when those before it are written. */
  put(segment: CompleteSegment): void {
    if (this.stopped) return;
    const bytes = segment.bytes.length;
    if (this.#queuedBytes > 0 && this.#queuedBytes + bytes > MAX_QUEUED_BYTES) {
      const { log, metrics } = this.#options;
      this.#lost = true;
      metrics.count("monoport_hls_files_dropped_total");
      const fields = { stream: this.#name.key, waiting: this.#queuedBytes };
      log.limited("warn", "A segment is left out of the HLS files: the disk is too slow", fields);
      return;
    }
    this.#ended = false;
    const lost = this.#lost;
    this.#lost = false;
    this.#queuedBytes += bytes;
    this.#do(async () => {
      await this.#write(segment, lost);
      this.#queuedBytes -= bytes;
    });
  }

  /** Says that nothing comes any more. */
  end(): void {
    if (this.#ended || this.stopped) return;
    this.#ended = true;
    this.#do(() => this.#writePlaylist(true));
  }

  /** Takes away all it has written. Resolves when that is done. */
  async remove(): Promise<void> {
    this.#do(async () => {
      const all = [this.#playlist, ...this.#segments.values(), ...this.#inits.values()];
      for (const one of this.#begun ? all : []) await this.#removed(one);
    });
    await this.#work;
    this.stopped = true;
  }

  /** Resolves when what was asked for so far is done. */
  async idle(): Promise<void> {
    await this.#work;
  }

  /** One after the other; after an error nothing is done any more. */
  #do(work: () => Promise<void>): void {
    this.#work = this.#work.then(async () => {
      if (this.stopped) return;
      try {
        await work();
      } catch (error) {
        this.#stop(error);
      }
    });
  }

  #stop(error: unknown): void {
    this.stopped = true;
    const { log, metrics, root } = this.#options;
    metrics.count("monoport_hls_files_failed_total", String(codeOf(error) ?? "other"));
    log.limited(
      "error",
      "HLS files of a stream are not written any more, until it is published anew",
      { stream: this.#name.key, error: describeFileError(error, `--allow-write=${root}`) },
      10,
    );
  }

  async #write(segment: CompleteSegment, lost: boolean): Promise<void> {
    const { segment: template, extension, metrics, onWritten } = this.#options;
    const { entry, bytes, init } = segment;
    if (!this.#begun) await this.#begin();
    const newTracks = this.#map !== entry.map;
    this.#map = entry.map;
    const loss = lost || entry.discontinuity ? "loss" : "one";
    const { number, map } = this.#window.start(entry.date, newTracks, loss);
    const words = { seq: number, timestamp: entry.date, duration: entry.duration };
    const file = segmentFile(template, this.#name, words, extension);
    if (newTracks && init !== undefined) {
      const initFile = `${this.#playlist.replace(/\.m3u8$/, "")}-init${number}.mp4`;
      this.#inits.set(map, initFile);
      await this.#put(initFile, init);
    }
    this.#segments.set(number, file);
    await this.#put(file, bytes);
    this.#window.addPart({ duration: entry.duration, independent: true, sound: false });
    const gone = this.#window.end();
    await this.#writePlaylist(false);
    metrics.count("monoport_hls_files_segments_total");
    onWritten?.(segment, { file, playlist: this.#playlist, seq: number });
    await this.#forget(gone);
  }

  async #writePlaylist(ended: boolean): Promise<void> {
    const uri = (file: string | undefined): string => relativeUri(this.#playlist, file ?? "");
    const names = {
      ...(this.#options.extension === "m4s"
        ? { init: (map: number) => uri(this.#inits.get(map)) }
        : {}),
      segment: (number: number) => uri(this.#segments.get(number)),
      part: () => "",
    };
    const options = { names, targetSeconds: this.#targetSeconds, partMillis: undefined };
    const text = playlistText(this.#window, options, { skip: false, ended });
    await this.#put(this.#playlist, encoder.encode(text));
  }

  /** What is not told any more, for as long as players with an older playlist may want it. */
  async #forget(gone: readonly SegmentEntry[]): Promise<void> {
    for (const { number } of gone) {
      const file = this.#segments.get(number);
      this.#segments.delete(number);
      if (this.#options.cleanup && file !== undefined) await this.#removed(file);
    }
    const least = gone.at(-1)?.map ?? 0;
    for (const [map, file] of this.#inits) {
      if (map >= least) continue;
      this.#inits.delete(map);
      if (this.#options.cleanup) await this.#removed(file);
    }
    const left = this.#left;
    this.#left = [];
    const ours = new Set([...this.#segments.values(), ...this.#inits.values()]);
    for (const file of left) if (!ours.has(file)) await this.#removed(file);
  }

  /** Notes what the last server has left: its playlist is about to be replaced. */
  async #begin(): Promise<void> {
    this.#begun = true;
    const { files, root, cleanup } = this.#options;
    const path = `${root}/${this.#playlist}`;
    const found = cleanup ? await files.stat(path) : undefined;
    if (found === undefined || found.size > MAX_PLAYLIST_BYTES) return;
    this.#left = filesOf(new TextDecoder().decode(await files.read(path)), this.#playlist);
  }

  async #put(file: string, bytes: Uint8Array): Promise<void> {
    const { files, root } = this.#options;
    const path = `${root}/${file}`;
    const folder = path.slice(0, path.lastIndexOf("/"));
    if (!this.#folders.has(folder)) await files.makeDir(folder);
    this.#folders.add(folder);
    await files.write(path, bytes);
  }

  async #removed(file: string): Promise<void> {
    try {
      await this.#options.files.remove(`${this.#options.root}/${file}`);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
}

/** Files of ours that a playlist names, in its own folder. */
function filesOf(text: string, playlist: string): string[] {
  const folder = playlist.slice(0, playlist.lastIndexOf("/") + 1);
  const uris = text.matchAll(/^(?:#EXT-X-MAP:URI="([^"]*)"|([^#].*))$/gm);
  return [...uris]
    .map(([, init, segment]) => init ?? segment ?? "")
    .filter((uri) => /^[A-Za-z0-9_-][A-Za-z0-9._-]*\.(?:ts|m4s|mp4)$/.test(uri))
    .map((uri) => `${folder}${uri}`);
}
