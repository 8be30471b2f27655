/** Rules of RFC 8216bis, of low latency too: what a playlist breaks, in words. @module */

export interface ReadPart {
  readonly duration: number;
  readonly uri: string;
  readonly independent: boolean;
  readonly gap: boolean;
}

export interface ReadSegment {
  readonly number: number;
  readonly uri: string;
  readonly duration: number;
  readonly parts: readonly ReadPart[];
  readonly discontinuity: boolean;
  readonly map: string;
  readonly date: number;
  readonly gap: boolean;
}

export interface ReadPlaylist {
  readonly target: number;
  readonly partTarget: number;
  readonly control: Readonly<Record<string, string>>;
  readonly sequence: number;
  readonly discontinuities: number;
  readonly skipped: number;
  readonly version: number;
  readonly segments: readonly ReadSegment[];
  /** Of the segment that is not complete yet. */
  readonly open: readonly ReadPart[];
  readonly hint: string;
  readonly reports: readonly Readonly<Record<string, string>>[];
  readonly ended: boolean;
}

export function attributes(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, name = "", value = ""] of text.matchAll(/([A-Z-]+)=("[^"]*"|[^,]*)/g))
    found[name] = value.replaceAll('"', "");
  return found;
}

export function readPlaylist(text: string): ReadPlaylist {
  const lines = text.trimEnd().split("\n");
  const tag = (name: string): string =>
    lines.find((line) => line.startsWith(`#${name}:`))?.slice(name.length + 2) ?? "";
  const sequence = Number(tag("EXT-X-MEDIA-SEQUENCE"));
  const skipped = Number(attributes(tag("EXT-X-SKIP"))["SKIPPED-SEGMENTS"] ?? 0);
  const segments: ReadSegment[] = [];
  let parts: ReadPart[] = [];
  let [map, discontinuity, gap, duration, date] = ["", false, false, 0, 0];
  for (const line of lines) {
    const [, name = "", value = ""] = /^#(EXT[A-Z-]*):?(.*)$/.exec(line) ?? [];
    if (name === "EXT-X-DISCONTINUITY") discontinuity = true;
    if (name === "EXT-X-MAP") map = attributes(value)["URI"] ?? "";
    if (name === "EXT-X-PROGRAM-DATE-TIME") date = Date.parse(value);
    if (name === "EXT-X-GAP") gap = true;
    if (name === "EXTINF") duration = Number.parseFloat(value);
    if (name === "EXT-X-PART") {
      const { DURATION = "", URI: uri = "", INDEPENDENT, GAP } = attributes(value);
      const independent = INDEPENDENT === "YES";
      parts.push({ duration: Number(DURATION), uri, independent, gap: GAP === "YES" });
    }
    if (line.startsWith("#")) continue;
    const number = sequence + skipped + segments.length;
    segments.push({ number, uri: line, duration, parts, discontinuity, map, date, gap });
    [parts, discontinuity, gap] = [[], false, false];
  }
  return {
    target: Number(tag("EXT-X-TARGETDURATION")),
    partTarget: Number(attributes(tag("EXT-X-PART-INF"))["PART-TARGET"] ?? Number.NaN),
    control: attributes(tag("EXT-X-SERVER-CONTROL")),
    sequence,
    discontinuities: Number(tag("EXT-X-DISCONTINUITY-SEQUENCE")),
    skipped,
    version: Number(tag("EXT-X-VERSION")),
    segments,
    open: parts,
    hint: attributes(tag("EXT-X-PRELOAD-HINT"))["URI"] ?? "",
    reports: lines
      .filter((line) => line.startsWith("#EXT-X-RENDITION-REPORT:"))
      .map((line) => attributes(line)),
    ended: lines.includes("#EXT-X-ENDLIST"),
  };
}

type Rule = (kept: boolean, words: string) => void;

/** What one media playlist breaks. Durations may be off by 1 ms, as they are written. */
export function brokenRules(text: string): string[] {
  const broken: string[] = [];
  const rule: Rule = (kept, words) => {
    if (!kept) broken.push(words);
  };
  const list = readPlaylist(text);
  const { target, segments, version } = list;
  rule(text.startsWith("#EXTM3U\n"), "§4.4.1.1 begins with EXTM3U");
  rule(!text.includes("#EXT-X-STREAM-INF"), "§4.1 a media playlist has no variants");
  rule(Number.isInteger(target) && target > 0, "§4.4.3.1 TARGETDURATION is a whole number");
  const gaps = segments.some(({ gap }) => gap);
  const mapped = segments.some(({ map }) => map !== "");
  rule(version >= (list.skipped > 0 ? 9 : gaps ? 8 : mapped ? 6 : 3), "§8 version");
  for (const { number, duration, uri, map, gap } of segments) {
    rule(Math.round(duration) <= target, `§4.4.3.1 segment ${number} lasts ${duration}`);
    const self = uri.endsWith(".ts");
    rule(self === (map === "") || gap || list.skipped > 0, `§4.4.4.5 MAP of segment ${number}`);
  }
  if (!Number.isNaN(list.partTarget)) lowLatency(list, rule);
  else rule(!text.includes("#EXT-X-PART"), "§4.4.4.9 EXT-X-PART needs EXT-X-PART-INF");
  return broken;
}

function lowLatency(list: ReadPlaylist, rule: Rule): void {
  const { target, partTarget, control, segments, open } = list;
  rule(control["CAN-BLOCK-RELOAD"] === "YES", "§B.1 CAN-BLOCK-RELOAD");
  rule(Number(control["PART-HOLD-BACK"]) >= 3 * partTarget - 1e-9, "§4.4.3.8 PART-HOLD-BACK");
  rule(Number(control["CAN-SKIP-UNTIL"]) >= 6 * target, "§4.4.3.8 CAN-SKIP-UNTIL");
  let after = open.reduce((sum, { duration }) => sum + duration, 0);
  for (const segment of [...segments].reverse()) {
    const { number, duration, parts } = segment;
    if (parts.length > 0) {
      const sum = parts.reduce((all, part) => all + part.duration, 0);
      rule(
        Math.abs(sum - duration) < 0.001 * (parts.length + 1),
        `segment ${number}: sum of parts`,
      );
      rule(!segment.gap || parts.every(({ gap }) => gap), `§4.4.4.7 parts of gap ${number}`);
    }
    rule(
      after > 3 * target - 0.01 || parts.length > 0 || list.ended,
      `§B.1 parts of segment ${number}`,
    );
    after += duration;
  }
  const all = [
    ...segments.map(({ parts }) => ({ parts, whole: true })),
    { parts: open, whole: false },
  ];
  for (const { parts, whole } of all) {
    for (const [i, { duration, uri }] of parts.entries()) {
      rule(duration <= partTarget + 0.001, `§4.4.3.7 part ${uri} lasts ${duration}`);
      const last = whole && i === parts.length - 1;
      rule(
        last || duration >= 0.85 * partTarget - 0.001,
        `§4.4.3.7 part ${uri} lasts only ${duration}`,
      );
    }
  }
  rule(list.ended || list.hint !== "", "§B.1 PRELOAD-HINT");
  const uris = all.flatMap(({ parts }) => parts.map(({ uri }) => uri));
  rule(!uris.includes(list.hint), "§4.4.5.3 the hint is of what is not there yet");
  for (const report of list.reports)
    rule(report["URI"] !== undefined && report["LAST-MSN"] !== undefined, "§4.4.5.4 report");
}

export interface ReadVariant {
  readonly uri: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export function readMultivariant(text: string): ReadVariant[] {
  const lines = text.trimEnd().split("\n");
  return lines.flatMap((line, i) =>
    line.startsWith("#EXT-X-STREAM-INF:")
      ? [{ uri: lines[i + 1] ?? "", attributes: attributes(line) }]
      : [],
  );
}

/** What a multivariant playlist breaks, with the media playlists it names, by URI. */
export function brokenVariants(
  text: string,
  playlists: Readonly<Record<string, string>>,
): string[] {
  const broken: string[] = [];
  const rule: Rule = (kept, words) => {
    if (!kept) broken.push(words);
  };
  const variants = readMultivariant(text);
  rule(text.startsWith("#EXTM3U\n"), "§4.4.1.1 begins with EXTM3U");
  rule(variants.length > 0, "§4.4.6.2 at least one variant");
  rule(!/#EXT(INF|-X-(TARGETDURATION|PART|MEDIA-SEQUENCE))/.test(text), "§4.1 no media tags");
  const lists = variants.map(({ uri }) => readPlaylist(playlists[uri] ?? ""));
  for (const [i, { uri, attributes: told }] of variants.entries()) {
    rule(/^[1-9]\d*$/.test(told["BANDWIDTH"] ?? ""), `§4.4.6.2 BANDWIDTH of ${uri}`);
    rule(
      Number(told["AVERAGE-BANDWIDTH"]) <= Number(told["BANDWIDTH"]),
      `§4.4.6.2 AVERAGE-BANDWIDTH of ${uri}`,
    );
    rule((told["CODECS"] ?? "") !== "", `§4.4.6.2 CODECS of ${uri}`);
    const video = /avc1|hvc1|av01|vp09/.test(told["CODECS"] ?? "");
    rule(video === /^\d+x\d+$/.test(told["RESOLUTION"] ?? ""), `§4.4.6.2 RESOLUTION of ${uri}`);
    rule(video === /^\d+\.\d{3}$/.test(told["FRAME-RATE"] ?? ""), `§4.4.6.2 FRAME-RATE of ${uri}`);
    const [list, first] = [lists[i], lists[0]];
    rule(playlists[uri]?.startsWith("#EXTM3U\n") === true, `${uri} is there`);
    rule(list?.target === first?.target, `§6.2.4 TARGETDURATION of ${uri}`);
    rule(list?.discontinuities === first?.discontinuities, `§6.2.4 discontinuities of ${uri}`);
    for (const segment of list?.segments ?? []) {
      const same = first?.segments.find(({ date }) => date === segment.date);
      if (same === undefined) continue;
      rule(same.discontinuity === segment.discontinuity, `§6.2.4 discontinuity in ${uri}`);
      rule(same.duration === segment.duration, `§6.2.4 boundaries in ${uri}`);
    }
  }
  return broken;
}

/** What a later playlist of the same stream breaks (§6.2.1, §6.2.2). */
export function brokenBetween(before: string, now: string): string[] {
  const broken: string[] = [];
  const [old, next] = [readPlaylist(before), readPlaylist(now)];
  if (old.target !== next.target) broken.push("§6.2.1 TARGETDURATION changed");
  if (!Object.is(old.partTarget, next.partTarget)) broken.push("§6.2.1 PART-TARGET changed");
  if (next.sequence < old.sequence) broken.push("§6.2.2 MEDIA-SEQUENCE went back");
  let gone = 0;
  for (const segment of old.segments) {
    if (segment.number < next.sequence && segment.discontinuity) gone++;
    const same = next.segments.find(({ number }) => number === segment.number);
    if (same === undefined) continue;
    for (const key of ["uri", "duration", "discontinuity", "date"] as const)
      if (same[key] !== segment[key]) broken.push(`§6.2.1 ${key} of ${segment.number} changed`);
  }
  const newest = next.segments.at(-1);
  const oldest = old.segments[0];
  if (
    newest &&
    oldest &&
    old.sequence + old.segments.length > next.sequence + next.skipped + next.segments.length
  )
    broken.push("§6.2.1 segments were taken from the end");
  if (next.discontinuities !== old.discontinuities + gone)
    broken.push(
      `§6.2.2 DISCONTINUITY-SEQUENCE ${next.discontinuities} after ${old.discontinuities}, ${gone} gone`,
    );
  return broken;
}
