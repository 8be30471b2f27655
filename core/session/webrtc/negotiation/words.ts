/** Sentences for refusals. @module */
import type { Format } from "../../../media/mod.ts";
import { encodingName, parameter } from "../../../media/mod.ts";
import type { MediaDescription, SdpFault } from "../../../wire/sdp/mod.ts";
import { formatOf } from "./codecs.ts";
import { Refusal } from "./types.ts";

/** Codec names in one message; an offer may hold 128. */
const MAX_NAMED = 24;

/** `m-line 2 (video, mid 1)`. */
export function lineName(media: MediaDescription, index: number): string {
  const mid = media.mid === undefined ? "" : `, mid ${media.mid}`;
  return `m-line ${index + 1} (${media.kind}${mid})`;
}

/** `H264 packetization-mode=1`, `VP9 profile-id=2`, `opus`: what decides whether two ends match. */
export function formatName(format: Format): string {
  const name = encodingName(format.codec);
  switch (format.codec) {
    case "h264":
      return `${name} packetization-mode=${parameter(format, "packetization-mode", "0")}`;
    case "vp9": {
      const profile = parameter(format, "profile-id", "0");
      return profile === "0" ? name : `${name} profile-id=${profile}`;
    }
    case "av1": {
      const profile = parameter(format, "profile", "0");
      return profile === "0" ? name : `${name} profile=${profile}`;
    }
    default:
      return name;
  }
}

export function formatNames(formats: readonly Format[]): string {
  return [...new Set(formats.map(formatName))].join(", ");
}

/** The codecs of one m-line, those we do not take too, without RTX. */
export function codecNames(media: MediaDescription): string {
  const names = new Set<string>();
  for (const codec of media.codecs) {
    if (codec.name.toLowerCase() === "rtx") continue;
    const format = formatOf(codec, media.kind);
    names.add(format === undefined ? codec.name : formatName(format));
  }
  if (names.size === 0) return "no codec";
  const shown = [...names].slice(0, MAX_NAMED).join(", ");
  return names.size > MAX_NAMED ? `${shown}, ...` : shown;
}

/** The refusal of a description that cannot be read. */
export function refusalOf(fault: SdpFault): Refusal {
  return new Refusal(400, fault.fault.code, `The SDP is wrong: ${fault.message}`, fault.line);
}
