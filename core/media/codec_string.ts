/** Profile and level out of what `codecs=` says (RFC 6381). @module */
import { av1Level, av1Profile } from "./av1/mod.ts";
import { h264Level, h264Profile } from "./h264/mod.ts";
import { h265Level, h265Profile } from "./h265/mod.ts";

export interface ProfileAndLevel {
  /** Empty where it is not told. */
  readonly profile: string;
  readonly level: string;
}

/** Named as `describe` names them. */
export function profileAndLevel(codecString: string): ProfileAndLevel {
  const [, name, ...numbers] = PATTERNS.flatMap((one) => one.exec(codecString) ?? []);
  switch (name) {
    case "avc":
      return avc(numbers.map((text) => Number.parseInt(text, 16)));
    case "hvc":
    case "hev": {
      const [profile = 0, level = 0] = numbers.map(Number);
      return { profile: h265Profile(profile), level: h265Level(level) };
    }
    case "av01": {
      const [profile = 0, level = 0] = numbers.map(Number);
      return { profile: av1Profile(profile), level: av1Level(level) ?? "" };
    }
    case "vp":
      return { profile: String(Number(numbers[0])), level: "" };
    default:
      return { profile: "", level: "" };
  }
}

/** At most one of them fits; the numbers are profile, constraints, level as each has them. */
const PATTERNS = [
  /^(avc)[13]\.([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i,
  /^(hvc|hev)1\.[ABC]?(\d{1,2})\.[0-9a-f]{1,8}\.[LH](\d{1,3})(?:\.|$)/i,
  /^(av01)\.(\d)\.(\d{2})[MH](?:\.|$)/,
  /^(vp)0[89]\.(\d{2})(?:\.|$)/,
];

function avc([profile = 0, constraints = 0, level = 0]: readonly number[]): ProfileAndLevel {
  return {
    profile: h264Profile(profile, constraints),
    level: h264Level(profile, constraints, level),
  };
}
