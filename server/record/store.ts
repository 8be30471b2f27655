/** The folder that recordings lie in, and what is there. @module */
import type { Files, FolderEntry, Millis, OpenFile } from "../../core/base/mod.ts";
import type { StreamName } from "../../core/stream/mod.ts";
import { codeOf, isMissing } from "../file_error.ts";
import {
  type FolderLevel,
  folderLevels,
  MAX_DEPTH,
  type NameFacts,
  nameReader,
  type PathTemplate,
  parsePathTemplate,
  type RecordingFormat,
  recordingName,
} from "./path_template.ts";

/** A finished recording. */
export interface RecordedFile extends NameFacts {
  /** Below the root, with `/`: what the API calls it. */
  readonly name: string;
  /** Where it is, for the system. */
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** When it was finished, in ms since the epoch. */
  readonly modified: Millis;
}

/** Where a recording is written, and where it will be. */
export interface RecordingPlace {
  readonly name: string;
  readonly path: string;
  /** While it is written; nothing else is called so, since finished ones end in `.mp4` or `.flv`. */
  readonly partPath: string;
}

/** A folder below the root, for recordings and nothing else, in which nothing is. */
export interface EmptyFolder {
  readonly folder: string;
}

/** Behind the name of a file that is written, and of one that is made out of it. */
export const PART_ENDING = ".part";
export const NEW_ENDING = ".new";
/** Files and folders that are looked at for a listing. */
export const MAX_ENTRIES = 50_000;
/** Recordings of one name that may begin in the same millisecond, or second, or day. */
const MAX_SAME_NAME = 1000;
const FOLDER_TRIES = 3;

export class RecordingStore {
  readonly root: string;
  readonly format: RecordingFormat;
  readonly #files: Files;
  readonly #template: PathTemplate;
  readonly #read: (name: string) => NameFacts | undefined;
  readonly #levels: readonly FolderLevel[];

  /** `template` as `vhost.dvr.dvr_path`, which was checked. */
  constructor(files: Files, template: string) {
    const parsed = parsePathTemplate(template);
    if (typeof parsed === "string") throw new Error(`Cannot use ${template}: ${parsed}`);
    this.#files = files;
    this.#template = parsed;
    this.#read = nameReader(parsed);
    this.#levels = folderLevels(parsed);
    this.root = parsed.root;
    this.format = parsed.format;
  }

  /** A new file for a recording that begins at `at`, in ms since the epoch; its folder is made. */
  async create(
    name: StreamName,
    format: RecordingFormat,
    at: Millis,
  ): Promise<{ place: RecordingPlace; file: OpenFile }> {
    const plain = recordingName(this.#template, name, at);
    for (let i = 1; i <= MAX_SAME_NAME; i++) {
      const place = this.placeOf(`${plain}${i === 1 ? "" : `~${i}`}.${format}`);
      if ((await this.#files.stat(place.path)) !== undefined) continue;
      const file = await this.#created(place.partPath);
      if (file !== undefined) return { place, file };
    }
    throw new Error(`${MAX_SAME_NAME} recordings are called ${plain}: dvr_path needs [timestamp]`);
  }

  /** Rejects with `ENOSPC` when less than `least` bytes are left on the volume. */
  async checkRoom(least: number): Promise<void> {
    await this.#files.makeDir(this.root);
    const free = await this.#files.freeBytes(this.root);
    if (free !== undefined && free < least) throw new NoRoom(free, least);
  }

  /** Finished recordings, the newest first; none when there is no folder yet. */
  async list(): Promise<RecordedFile[]> {
    const found: RecordedFile[] = [];
    for (const name of await this.#names((one) => this.#read(one) !== undefined)) {
      const file = await this.#fileOf(name);
      if (file !== undefined) found.push(file);
    }
    return found.sort((a, b) => b.modified - a.modified);
  }

  /**
   * The finished recording of a name, as `list` told it. Names that no recording has are not looked
   * for, and links are not followed: not out of the root, nor to anything in it.
   */
  async find(name: string): Promise<RecordedFile | undefined> {
    const folders = name.split("/");
    const last = folders.pop() ?? "";
    if ([...folders, last].some((one) => !/^[A-Za-z0-9_-][A-Za-z0-9._~-]{0,254}$/.test(one))) {
      return undefined;
    }
    if (folders.length >= MAX_DEPTH || this.#read(name) === undefined) return undefined;
    // Whoever guesses names does not have folders listed.
    const guessed = this.#files.stat(this.#pathOf(name)).catch(noFolder);
    if ((await guessed) === undefined) return undefined;
    let folder = this.root;
    for (const [i, one] of [...folders, last].entries()) {
      const kind = i < folders.length ? "folder" : "file";
      const entries = await this.#entries(folder);
      if (!entries.some((entry) => entry.name === one && entry.kind === kind)) return undefined;
      folder = join(folder, one);
    }
    return await this.#fileOf(name);
  }

  /** The same of a name that was found a moment ago: its folders are not looked through again. */
  again(name: string): Promise<RecordedFile | undefined> {
    return this.#fileOf(name);
  }

  /**
   * All finished recordings, and folders of streams and dates that nothing is in; `most` files and folders
   * are looked at, one folder after the other. Folders that may not be read are left out.
   */
  async *walk(most: number): AsyncGenerator<RecordedFile | EmptyFolder> {
    for await (const { name, level } of this.#walk(most)) {
      if (level !== undefined) {
        if (this.#levels[level]?.passing) yield { folder: name };
      } else if (this.#read(name) !== undefined) {
        const file = await this.#fileOf(name);
        if (file !== undefined) yield file;
      }
    }
  }

  /** False when it was gone already, or is not a file in folders any more: links are not followed. */
  async remove({ name, path }: Pick<RecordedFile, "name" | "path">): Promise<boolean> {
    if (!(await this.#isPlain(name, "file"))) return false;
    try {
      await this.#files.remove(path);
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
    return true;
  }

  /** Removes one that has been empty since `before`, in ms since the epoch; false when there is none. */
  async removeEmpty({ folder }: EmptyFolder, before: Millis): Promise<boolean> {
    const path = this.#pathOf(folder);
    const found = await this.#files.stat(path);
    if (found === undefined || found.modified > before) return false;
    if (!(await this.#isPlain(folder, "folder"))) return false;
    try {
      await this.#files.removeDir(path);
    } catch (error) {
      if (isMissing(error) || codeOf(error) === "ENOTEMPTY") return false;
      throw error;
    }
    return true;
  }

  /** What was begun and is not finished, by this server or another. */
  async leftOver(): Promise<RecordingPlace[]> {
    const plain = (name: string): string => name.slice(0, -PART_ENDING.length);
    const names = await this.#names(
      (name) => name.endsWith(PART_ENDING) && this.#read(plain(name)) !== undefined,
    );
    return names.map((name) => this.placeOf(plain(name)));
  }

  /** What a name below the root tells. */
  factsOf(name: string): NameFacts | undefined {
    return this.#read(name);
  }

  /** Where the recording of a name lies; the name must be one of ours. */
  placeOf(name: string): RecordingPlace {
    const path = this.#pathOf(name);
    return { name, path, partPath: `${path}${PART_ENDING}` };
  }

  /** `undefined` when somebody has that name. */
  async #created(path: string): Promise<OpenFile | undefined> {
    // Who removes empty folders may come between.
    for (let left = FOLDER_TRIES; ; left--) {
      await this.#files.makeDir(path.replace(/\/[^/]*$/, ""));
      try {
        return await this.#files.open(path, "create");
      } catch (error) {
        if (codeOf(error) === "EEXIST") return undefined;
        if (!isMissing(error) || left === 1) throw error;
      }
    }
  }

  /** Whether a name below the root is that, and what it is in are folders. */
  async #isPlain(name: string, kind: FolderEntry["kind"]): Promise<boolean> {
    const folders = name.split("/");
    for (let i = 1; i <= folders.length; i++) {
      const is = await this.#files.kindOf(this.#pathOf(folders.slice(0, i).join("/")));
      if (is !== (i < folders.length ? "folder" : kind)) return false;
    }
    return true;
  }

  #pathOf(name: string): string {
    return join(this.root, name);
  }

  async #fileOf(name: string): Promise<RecordedFile | undefined> {
    const facts = this.#read(name);
    const path = this.#pathOf(name);
    const found = facts && (await this.#files.stat(path));
    return found && facts && { ...facts, name, path, ...found };
  }

  async #names(wanted: (name: string) => boolean): Promise<string[]> {
    const names: string[] = [];
    for await (const { name, level } of this.#walk(MAX_ENTRIES)) {
      if (level === undefined && wanted(name)) names.push(name);
    }
    return names;
  }

  /** Names of files below the root, as deep as the template goes, and of folders (by `level`) that are empty. */
  async *#walk(most: number): AsyncGenerator<{ readonly name: string; readonly level?: number }> {
    let looked = 0;
    const levels = this.#levels;
    const entries = (below: string): Promise<readonly FolderEntry[]> =>
      this.#entries(join(this.root, below));
    async function* inside(
      below: string,
      level: number,
      found: readonly FolderEntry[],
    ): AsyncGenerator<{ readonly name: string; readonly level?: number }> {
      for (const { name, kind } of found) {
        if (++looked > most) return;
        const inner = below === "" ? name : `${below}/${name}`;
        if (kind === "file") yield { name: inner };
        if (kind !== "folder" || !levels[level]?.fits(name)) continue;
        const more = await entries(inner).catch(unreadable);
        if (more?.length === 0) yield { name: inner, level };
        else yield* inside(inner, level + 1, more ?? []);
      }
    }
    yield* inside("", 0, await entries(""));
  }

  async #entries(folder: string): Promise<readonly FolderEntry[]> {
    try {
      return await this.#files.list(folder);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }
}

/** The volume has less free than must be kept so. */
export class NoRoom extends Error {
  readonly code = "ENOSPC";

  constructor(free: number, least: number) {
    const [is, must] = [free, least].map((bytes) => Math.floor(bytes / 2 ** 20));
    super(`${is} MiB are free, ${must} must be kept so (vhost.dvr.dvr_min_free)`);
  }
}

/** A folder that is not ours: `lost+found`, say. */
function unreadable(error: unknown): undefined {
  if (codeOf(error) !== "EACCES" && codeOf(error) !== "EPERM") throw error;
  return undefined;
}

/** A file stands where a folder is asked for. */
function noFolder(error: unknown): undefined {
  if (codeOf(error) !== "ENOTDIR") throw error;
  return undefined;
}

function join(folder: string, name: string): string {
  if (name === "") return folder;
  return folder.endsWith("/") ? `${folder}${name}` : `${folder}/${name}`;
}
