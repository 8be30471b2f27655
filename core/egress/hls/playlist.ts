import type { Millis } from "../../base/mod.ts";
import type { SegmentEntry, SegmentWindow } from "./window.ts";

/** What the names of a stream's resources are, relative to the playlist. */
export interface HlsNames {
  /** Absent where segments bring all that players need. */
  init?(map: number): string;
  segment(number: number): string;
  part(number: number, part: number): string;
}

export interface PlaylistOptions {
  readonly names: HlsNames;
  /** In whole seconds. */
  readonly targetSeconds: number;
  /** PART-TARGET; `undefined` for a playlist of segments alone. */
  readonly partMillis: Millis | undefined;
  /** Of a rendition of sound alone: what has none is a gap. */
  readonly soundOnly?: boolean;
  /** Playlists of the other renditions, which have segments and parts of the same numbers. */
  readonly others?: readonly string[];
}

export interface PlaylistRequest {
  /** `_HLS_skip`: leave out what the player has (RFC 8216bis §6.2.5.1). */
  readonly skip: boolean;
  /** Nothing will be added any more. */
  readonly ended: boolean;
}

/** PART-HOLD-BACK is at least three parts (RFC 8216bis §4.4.3.8); a little more keeps hls.js from stalls. */
const HOLD_BACK_PARTS = 3;
/** CAN-SKIP-UNTIL is at least six target durations (§4.4.3.8). */
const SKIP_TARGETS = 6;
/** Parts are told within three target durations of the end (§4.4.4.9). */
const PARTS_TARGETS = 3;

/** A media playlist (RFC 8216bis), with parts for players of low latency and good for others. */
export function playlistText(
  window: SegmentWindow,
  options: PlaylistOptions,
  { skip, ended }: PlaylistRequest,
): string {
  const { targetSeconds, partMillis } = options;
  const { listed } = window;
  const target = targetSeconds * 1000;
  const skipped = skip && partMillis !== undefined ? skippable(listed, SKIP_TARGETS * target) : 0;
  let left = 0;
  for (const { duration } of listed) left += duration;
  let map = skipped > 0 ? (listed[skipped - 1]?.map ?? -1) : -1;
  let body = "";
  for (const [i, segment] of listed.entries()) {
    left -= segment.duration;
    // Of an ended playlist hls.js 1.7 loads parts over and over where sound ends a little before pictures.
    const parts = partMillis !== undefined && !ended && left <= PARTS_TARGETS * target;
    if (i < skipped) continue;
    body += segmentText(segment, options, map !== segment.map, parts);
    if (!isGap(segment, options)) map = segment.map;
  }
  return (
    head(window, options, skipped, body.includes("#EXT-X-GAP")) +
    body +
    tail(window, options, ended)
  );
}

function head(
  window: SegmentWindow,
  { targetSeconds, partMillis, names }: PlaylistOptions,
  skipped: number,
  gaps: boolean,
): string {
  // EXT-X-SKIP needs 9 (§8), EXT-X-GAP 8; EXT-X-MAP, which all understand, 6; what has neither 3.
  const least = names.init === undefined ? 3 : 6;
  const version = skipped > 0 ? 9 : gaps ? 8 : least;
  let out = `#EXTM3U\n#EXT-X-VERSION:${version}\n#EXT-X-TARGETDURATION:${targetSeconds}\n`;
  if (partMillis !== undefined) {
    out += "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES";
    out += `,CAN-SKIP-UNTIL=${seconds(SKIP_TARGETS * targetSeconds * 1000)}`;
    out += `,PART-HOLD-BACK=${seconds(HOLD_BACK_PARTS * partMillis)}\n`;
    out += `#EXT-X-PART-INF:PART-TARGET=${seconds(partMillis)}\n`;
  }
  out += `#EXT-X-MEDIA-SEQUENCE:${window.listed[0]?.number ?? window.current}\n`;
  if (window.discontinuitySequence > 0)
    out += `#EXT-X-DISCONTINUITY-SEQUENCE:${window.discontinuitySequence}\n`;
  return skipped > 0 ? `${out}#EXT-X-SKIP:SKIPPED-SEGMENTS=${skipped}\n` : out;
}

/** What is said behind the last segment. */
function tail(
  window: SegmentWindow,
  { names, partMillis, others = [] }: PlaylistOptions,
  ended: boolean,
): string {
  if (ended) return "#EXT-X-ENDLIST\n";
  if (partMillis === undefined) return "";
  let out = `#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${names.part(window.current, window.currentParts)}"\n`;
  const last = window.listed.findLast(({ parts }) => parts.length > 0);
  if (last === undefined) return out;
  for (const other of others) {
    out += `#EXT-X-RENDITION-REPORT:URI="${other}",LAST-MSN=${last.number}`;
    out += `,LAST-PART=${last.parts.length - 1}\n`;
  }
  return out;
}

function isGap({ parts }: SegmentEntry, { soundOnly = false }: PlaylistOptions): boolean {
  return soundOnly && !parts.some(({ sound }) => sound);
}

function segmentText(
  segment: SegmentEntry,
  options: PlaylistOptions,
  newMap: boolean,
  withParts: boolean,
): string {
  const { names, soundOnly = false } = options;
  const { number, parts, duration } = segment;
  if (parts.length === 0) return "";
  const gap = isGap(segment, options);
  let out = segment.discontinuity ? "#EXT-X-DISCONTINUITY\n" : "";
  if (newMap && !gap && names.init !== undefined)
    out += `#EXT-X-MAP:URI="${names.init(segment.map)}"\n`;
  out += `#EXT-X-PROGRAM-DATE-TIME:${dateText(segment.date)}\n`;
  if (withParts) {
    for (const [i, part] of parts.entries()) {
      out += `#EXT-X-PART:DURATION=${seconds(part.duration)},URI="${names.part(number, i)}"`;
      if (soundOnly && !part.sound) out += ",GAP=YES\n";
      else out += soundOnly || part.independent ? ",INDEPENDENT=YES\n" : "\n";
    }
  }
  if (!segment.complete) return out;
  if (gap) out += "#EXT-X-GAP\n";
  return `${out}#EXTINF:${seconds(duration)},\n${names.segment(number)}\n`;
}

/** How many of the oldest segments lie further from the end than `until`. */
function skippable(listed: readonly SegmentEntry[], until: Millis): number {
  let length = 0;
  for (const { duration } of listed) length += duration;
  let count = 0;
  for (const { duration, complete } of listed) {
    length -= duration;
    if (!complete || length < until) break;
    count++;
  }
  return count;
}

function seconds(millis: Millis): string {
  return (Math.round(millis) / 1000).toFixed(3);
}

/** ISO 8601 with milliseconds; core has no `Date`. The algorithm is Howard Hinnant's civil_from_days. */
export function dateText(millis: Millis): string {
  const whole = Math.max(0, Math.round(millis));
  const days = Math.floor(whole / 86_400_000) + 719_468;
  const era = Math.floor(days / 146_097);
  const ofEra = days - era * 146_097;
  const year = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) /
      365,
  );
  const ofYear = ofEra - (365 * year + Math.floor(year / 4) - Math.floor(year / 100));
  const shifted = Math.floor((5 * ofYear + 2) / 153);
  const day = ofYear - Math.floor((153 * shifted + 2) / 5) + 1;
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  const two = (n: number): string => String(n).padStart(2, "0");
  const time = whole % 86_400_000;
  const clock = [
    Math.floor(time / 3_600_000),
    Math.floor(time / 60_000) % 60,
    Math.floor(time / 1000) % 60,
  ];
  const ms = String(time % 1000).padStart(3, "0");
  const fullYear = year + era * 400 + (month <= 2 ? 1 : 0);
  return `${String(fullYear).padStart(4, "0")}-${two(month)}-${two(day)}T${clock.map(two).join(":")}.${ms}Z`;
}
