/** Rules of RFC 8216bis for media playlists of low latency: what a playlist breaks, in words. @module */

export interface ReadPart {
  readonly duration: number;
  readonly uri: string;
  readonly independent: boolean;
}

export interface ReadSegment {
  readonly number: number;
  readonly uri: string;
  readonly duration: number;
  readonly parts: readonly ReadPart[];
  readonly discontinuity: boolean;
  readonly map: string;
  readonly date: number;
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
  let [parts, map, discontinuity, duration, date]: [ReadPart[], string, boolean, number, number] = [
    [],
    "",
    false,
    0,
    0,
  ];
  for (const line of lines) {
    const [, name = "", value = ""] = /^#(EXT[A-Z-]*):?(.*)$/.exec(line) ?? [];
    if (name === "EXT-X-DISCONTINUITY") discontinuity = true;
    if (name === "EXT-X-MAP") map = attributes(value)["URI"] ?? "";
    if (name === "EXT-X-PROGRAM-DATE-TIME") date = Date.parse(value);
    if (name === "EXTINF") duration = Number.parseFloat(value);
    if (name === "EXT-X-PART") {
      const { DURATION = "", URI: uri = "", INDEPENDENT } = attributes(value);
      parts.push({ duration: Number(DURATION), uri, independent: INDEPENDENT === "YES" });
    }
    if (line.startsWith("#")) continue;
    const number = sequence + skipped + segments.length;
    segments.push({ number, uri: line, duration, parts, discontinuity, map, date });
    [parts, discontinuity] = [[], false];
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
    ended: lines.includes("#EXT-X-ENDLIST"),
  };
}

/** What one playlist breaks. Durations may be off by 1 ms, as they are written. */
export function brokenRules(text: string): string[] {
  const broken: string[] = [];
  const rule = (kept: boolean, words: string): void => {
    if (!kept) broken.push(words);
  };
  const list = readPlaylist(text);
  const { target, partTarget, control, segments, open } = list;
  rule(text.startsWith("#EXTM3U\n"), "§4.4.1.1 begins with EXTM3U");
  rule(Number.isInteger(target) && target > 0, "§4.4.3.1 TARGETDURATION is a whole number");
  rule(list.version >= (list.skipped > 0 ? 9 : 6), "§8 version");
  rule(control["CAN-BLOCK-RELOAD"] === "YES", "§B.1 CAN-BLOCK-RELOAD");
  rule(Number(control["PART-HOLD-BACK"]) >= 3 * partTarget - 1e-9, "§4.4.3.8 PART-HOLD-BACK");
  rule(Number(control["CAN-SKIP-UNTIL"]) >= 6 * target, "§4.4.3.8 CAN-SKIP-UNTIL");
  rule(segments[0] === undefined || list.skipped > 0 || segments[0].map !== "", "§4.4.4.5 MAP");
  let after = open.reduce((sum, { duration }) => sum + duration, 0);
  for (const segment of [...segments].reverse()) {
    const { number, duration, parts } = segment;
    rule(Math.round(duration) <= target, `§4.4.3.1 segment ${number} lasts ${duration}`);
    if (parts.length > 0) {
      const sum = parts.reduce((all, part) => all + part.duration, 0);
      rule(
        Math.abs(sum - duration) < 0.001 * (parts.length + 1),
        `segment ${number}: sum of parts`,
      );
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
  return broken;
}

/** What a later playlist of the same stream breaks (§6.2.1, §6.2.2). */
export function brokenBetween(before: string, now: string): string[] {
  const broken: string[] = [];
  const [old, next] = [readPlaylist(before), readPlaylist(now)];
  if (old.target !== next.target) broken.push("§6.2.1 TARGETDURATION changed");
  if (old.partTarget !== next.partTarget) broken.push("§6.2.1 PART-TARGET changed");
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
