import type { Millis } from "../../base/mod.ts";
import type { SegmentEntry, SegmentWindow } from "./window.ts";

/** What the names of a stream's resources are, relative to the playlist. */
export interface HlsNames {
  init(map: number): string;
  segment(number: number): string;
  part(number: number, part: number): string;
}

export interface PlaylistOptions {
  readonly names: HlsNames;
  /** In whole seconds. */
  readonly targetSeconds: number;
  readonly partMillis: Millis;
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
  { names, targetSeconds, partMillis }: PlaylistOptions,
  { skip, ended }: PlaylistRequest,
): string {
  const { listed } = window;
  const target = targetSeconds * 1000;
  const skipped = skip ? skippable(listed, SKIP_TARGETS * target) : 0;
  let out = "#EXTM3U\n";
  // EXT-X-SKIP needs 9 (§8); EXT-X-MAP, which all understand, 6.
  out += `#EXT-X-VERSION:${skipped > 0 ? 9 : 6}\n#EXT-X-TARGETDURATION:${targetSeconds}\n`;
  out += "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES";
  out += `,CAN-SKIP-UNTIL=${seconds(SKIP_TARGETS * target)}`;
  out += `,PART-HOLD-BACK=${seconds(HOLD_BACK_PARTS * partMillis)}\n`;
  out += `#EXT-X-PART-INF:PART-TARGET=${seconds(partMillis)}\n`;
  out += `#EXT-X-MEDIA-SEQUENCE:${listed[0]?.number ?? window.current}\n`;
  if (window.discontinuitySequence > 0)
    out += `#EXT-X-DISCONTINUITY-SEQUENCE:${window.discontinuitySequence}\n`;
  if (skipped > 0) out += `#EXT-X-SKIP:SKIPPED-SEGMENTS=${skipped}\n`;
  let left = 0;
  for (const { duration } of listed) left += duration;
  let map = skipped > 0 ? (listed[skipped - 1]?.map ?? -1) : -1;
  for (const [i, segment] of listed.entries()) {
    left -= segment.duration;
    const parts = left <= PARTS_TARGETS * target;
    if (i < skipped) continue;
    out += segmentText(segment, names, map !== segment.map, parts);
    map = segment.map;
  }
  if (ended) return `${out}#EXT-X-ENDLIST\n`;
  const hinted = names.part(window.current, window.currentParts);
  return `${out}#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${hinted}"\n`;
}

function segmentText(
  segment: SegmentEntry,
  names: HlsNames,
  newMap: boolean,
  withParts: boolean,
): string {
  const { number, parts, duration } = segment;
  if (parts.length === 0) return "";
  let out = segment.discontinuity ? "#EXT-X-DISCONTINUITY\n" : "";
  if (newMap) out += `#EXT-X-MAP:URI="${names.init(segment.map)}"\n`;
  out += `#EXT-X-PROGRAM-DATE-TIME:${dateText(segment.date)}\n`;
  if (withParts) {
    for (const [i, part] of parts.entries()) {
      out += `#EXT-X-PART:DURATION=${seconds(part.duration)},URI="${names.part(number, i)}"`;
      out += part.independent ? ",INDEPENDENT=YES\n" : "\n";
    }
  }
  if (!segment.complete) return out;
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
