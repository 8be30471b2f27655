/**
 * Where segments and playlists lie, in SRS's words, below `hls_path`.
 *
 * ```
 *   [app]/[stream].m3u8    [app]/[stream]-[seq].ts
 * ```
 *
 * @module
 */
import type { Millis } from "../../core/base/mod.ts";
import type { StreamName } from "../../core/stream/mod.ts";

/** What stands in a name of a segment, but `[app]`, `[stream]` and `[vhost]`. */
export interface SegmentWords {
  readonly seq: number;
  /** When it begins, in ms since the epoch. */
  readonly timestamp: Millis;
  readonly duration: Millis;
}

const VHOST = "__defaultVhost__";
const OF_STREAM: readonly string[] = ["[vhost]", "[app]", "[stream]"];
const OF_SEGMENT: readonly string[] = [...OF_STREAM, "[seq]", "[timestamp]", "[duration]"];

/**
 * What is wrong with a template, in words; empty when nothing is. Names cannot leave the folder: a
 * stream's name has no slash and does not begin with a dot, and neither does any folder of a template.
 */
export function wrongTemplate(text: string, ending: ".m3u8" | ".ts"): string {
  const allowed = ending === ".ts" ? OF_SEGMENT : OF_STREAM;
  if (!text.endsWith(ending)) return `a path that ends in ${ending}`;
  const words: readonly string[] = text.match(/\[[^\]]*\]?/g) ?? [];
  const wrong = words.find((word) => !allowed.includes(word));
  if (wrong !== undefined) return `placeholders ${allowed.join(" ")}, not ${JSON.stringify(wrong)}`;
  if (!/^[A-Za-z0-9._/[\]-]*$/.test(text)) return "letters, digits, dots, - and _";
  if (text.split("/").some((folder) => folder === "" || folder.startsWith(".")))
    return "a path below hls_path, without folders that begin with a dot";
  for (const needed of ["[app]", "[stream]"])
    if (!words.includes(needed)) return `a path with ${needed} in it`;
  if (ending === ".ts" && !words.includes("[seq]") && !words.includes("[timestamp]"))
    return "a path with [seq] or [timestamp] in it";
  return "";
}

/** Of a playlist. */
export function playlistFile(template: string, name: StreamName): string {
  return template
    .replaceAll("[vhost]", VHOST)
    .replaceAll("[app]", name.app)
    .replaceAll("[stream]", name.stream);
}

/** Of a segment; `extension` stands in the place of `ts`. */
export function segmentFile(
  template: string,
  name: StreamName,
  { seq, timestamp, duration }: SegmentWords,
  extension: string,
): string {
  const plain = template.replace(/ts$/, extension);
  return playlistFile(plain, name)
    .replaceAll("[seq]", String(seq))
    .replaceAll("[timestamp]", String(Math.round(timestamp)))
    .replaceAll("[duration]", String(Math.round(duration)));
}

/** How a playlist names a file; both lie below the same folder. */
export function relativeUri(playlist: string, file: string): string {
  const from = playlist.split("/").slice(0, -1);
  const to = file.split("/");
  let same = 0;
  while (same < from.length && same < to.length - 1 && from[same] === to[same]) same++;
  return [...from.slice(same).map(() => ".."), ...to.slice(same)].join("/");
}
