/**
 * Where recordings lie, in SRS's words: a folder, and names in it with what is known of the stream.
 *
 * ```
 *   ./recordings/[app]/[stream].[timestamp].mp4
 *   \____ root ____/\_______ name ___________/
 * ```
 *
 * @module
 */
import type { Millis } from "../../core/base/mod.ts";
import type { StreamName } from "../../core/stream/mod.ts";

export type RecordingFormat = "mp4" | "flv";

/** A template that was read; see `parsePathTemplate`. */
export interface PathTemplate {
  /** The folder that all names are under: what stands before the first folder with a placeholder. */
  readonly root: string;
  /** The format that the template's ending asks for. */
  readonly format: RecordingFormat;
  /** Pieces of a name below `root`, without its ending: text, or a placeholder as `[app]`. */
  readonly pieces: readonly string[];
}

/** One folder on the way from the root to a recording. */
export interface FolderLevel {
  /** Whether a recording's folder may be called so. */
  readonly fits: (name: string) => boolean;
  /** Whether it, or one it is in, is made anew for each stream or date. */
  readonly passing: boolean;
}

/** What a name tells of its recording; empty where the template does not say. */
export interface NameFacts {
  readonly app: string;
  readonly stream: string;
  readonly format: RecordingFormat;
}

/** SRS's own name for its only virtual host. */
const VHOST = "__defaultVhost__";
/**
 * What stands for a placeholder in a name that is read. Names of streams are `[A-Za-z0-9._-]`, and of
 * bounded length: where two stand together, any length would take its square to try.
 */
const PATTERNS: Readonly<Record<string, string>> = {
  "[vhost]": VHOST,
  "[app]": "(?<app>[A-Za-z0-9_-][A-Za-z0-9._-]{0,127})",
  "[stream]": "(?<stream>[A-Za-z0-9_-][A-Za-z0-9._-]{0,127})",
  "[timestamp]": "\\d{1,16}",
  "[2006]": "\\d{4}",
  "[01]": "\\d\\d",
  "[02]": "\\d\\d",
  "[15]": "\\d\\d",
  "[04]": "\\d\\d",
  "[05]": "\\d\\d",
  "[999]": "\\d{3}",
};
/** Folders between root and file. */
export const MAX_DEPTH = 8;
const ENDING = /\.(mp4|flv)$/;

/**
 * Reads a template, or tells in words what is wrong. Names cannot leave the root: a stream's name has
 * no slash and does not begin with a dot, and below the root neither does any folder of the template.
 */
export function parsePathTemplate(text: string): PathTemplate | string {
  const ending = ENDING.exec(text)?.[1];
  if (ending !== "mp4" && ending !== "flv") return "a path that ends in .mp4 or .flv";
  if (text.includes("\0")) return "a path without NUL";
  const body = text.slice(0, -4);
  const slash = body.lastIndexOf("/", body.includes("[") ? body.indexOf("[") : undefined);
  const root = slash < 0 ? "." : body.slice(0, slash) || "/";
  const pieces: readonly string[] = body.slice(slash + 1).match(/\[[^\]]*\]?|[^[]+/g) ?? [];
  for (const piece of pieces) {
    if (piece.startsWith("[")) {
      if (piece in PATTERNS) continue;
      return `placeholders ${Object.keys(PATTERNS).join(" ")}, not ${JSON.stringify(piece)}`;
    }
    if (!/^[A-Za-z0-9._/-]*$/.test(piece)) {
      return "letters, digits, dots, - and _ in names with placeholders";
    }
  }
  for (const once of ["[app]", "[stream]"]) {
    if (pieces.filter((piece) => piece === once).length > 1) return `${once} once only`;
  }
  if (!pieces.includes("[stream]")) return "a path with [stream] in it";
  const folders = body.slice(slash + 1).split("/");
  if (folders.some((folder) => folder === "" || folder.startsWith("."))) {
    return "folders with a name that does not begin with a dot";
  }
  if (folders.length > MAX_DEPTH) return `${MAX_DEPTH} folders at most`;
  return { root, format: ending, pieces };
}

/** The name below the root of a recording that begins at `at` (ms since the epoch), without ending. */
export function recordingName(template: PathTemplate, name: StreamName, at: Millis): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, "0");
  const values: Readonly<Record<string, string>> = {
    "[vhost]": VHOST,
    "[app]": name.app,
    "[stream]": name.stream,
    "[timestamp]": String(Math.floor(at)),
    "[2006]": String(date.getFullYear()),
    "[01]": two(date.getMonth() + 1),
    "[02]": two(date.getDate()),
    "[15]": two(date.getHours()),
    "[04]": two(date.getMinutes()),
    "[05]": two(date.getSeconds()),
    "[999]": String(date.getMilliseconds()).padStart(3, "0"),
  };
  return template.pieces.map((piece) => values[piece] ?? piece).join("");
}

/** The folders between the root and a recording, the outermost first. */
export function folderLevels({ pieces }: PathTemplate): readonly FolderLevel[] {
  const names = pieces.join("").split("/").slice(0, -1);
  const patterns = patternOf(pieces).split("/");
  const lasting = (name: string): boolean => !/\[(?!app\]|vhost\])/.test(name);
  return names.map((_, i) => {
    const pattern = new RegExp(`^${patterns[i]}$`);
    return {
      fits: (name) => pattern.test(name),
      passing: !names.slice(0, i + 1).every(lasting),
    };
  });
}

function patternOf(pieces: readonly string[]): string {
  return pieces.map((piece) => PATTERNS[piece] ?? piece.replaceAll(".", "\\.")).join("");
}

/** What a name below the root tells; `undefined` when no recording has such a name. */
export function nameReader(template: PathTemplate): (name: string) => NameFacts | undefined {
  const pattern = new RegExp(`^${patternOf(template.pieces)}(?:~\\d{1,4})?\\.(?<format>mp4|flv)$`);
  return (name) => {
    const groups = pattern.exec(name)?.groups;
    if (groups === undefined) return undefined;
    const format = groups["format"] === "flv" ? "flv" : "mp4";
    return { app: groups["app"] ?? "", stream: groups["stream"] ?? "", format };
  };
}
