/**
 * What a track carries, in the words of its RTP payload format, and when two ends mean the same.
 *
 * @module
 */

export type MediaKind = "audio" | "video";

/** Codecs Monoport forwards. */
export type CodecName = "h264" | "h265" | "vp8" | "vp9" | "av1" | "opus" | "pcmu" | "pcma";

/**
 * A codec with the parameters that decide whether one end's packets can be sent to another
 * unchanged.
 */
export interface Format {
  readonly codec: CodecName;
  /** Ticks of the RTP timestamp per second. */
  readonly clockRate: number;
  /** 0 for video. */
  readonly channels: number;
  /** Value of `a=fmtp`, empty when there is none. */
  readonly parameters: string;
}

export function kindOf(codec: CodecName): MediaKind {
  return codec === "opus" || codec === "pcmu" || codec === "pcma" ? "audio" : "video";
}

/** The name as SDP spells it (`a=rtpmap`). */
export function encodingName(codec: CodecName): string {
  return codec === "opus" ? "opus" : codec.toUpperCase();
}

/**
 * Whether packets of `a` can go to a receiver of `b`. H.264 is matched on packetization-mode only
 * (RFC 6184 §8.1; profiles differ by name more than in what decoders take), VP9 and AV1 on the
 * profile (RFC 9628 §6.1, AV1 RTP §7.2.1).
 */
export function sameFormat(a: Format, b: Format): boolean {
  if (a === b) return true;
  if (a.codec !== b.codec || a.clockRate !== b.clockRate) return false;
  switch (a.codec) {
    case "h264":
      return parameter(a, "packetization-mode", "0") === parameter(b, "packetization-mode", "0");
    case "vp9":
      return parameter(a, "profile-id", "0") === parameter(b, "profile-id", "0");
    case "av1":
      return parameter(a, "profile", "0") === parameter(b, "profile", "0");
    case "pcmu":
    case "pcma":
      return Math.max(1, a.channels) === Math.max(1, b.channels);
    default:
      return true;
  }
}

/** One parameter of the `a=fmtp` value, case-insensitive in its name. */
export function parameter(format: Format, name: string, absent: string): string {
  for (const pair of format.parameters.split(";")) {
    const equals = pair.indexOf("=");
    if (equals > 0 && pair.slice(0, equals).trim().toLowerCase() === name) {
      return pair.slice(equals + 1).trim();
    }
  }
  return absent;
}

/**
 * How well packets of `sent` suit a payload type of `offered`: 0 not at all, 3 best. H.264 profiles
 * that differ do not part two ends, but one that is the same is the surer choice.
 */
export function suitability(sent: Format, offered: Format): number {
  if (!sameFormat(sent, offered)) return 0;
  if (sent.codec === "h265")
    return profile(sent, "profile-id", "1") === profile(offered, "profile-id", "1") ? 3 : 1;
  if (sent.codec !== "h264") return 3;
  // profile_idc and profile-iop make the profile, the last two digits the level (RFC 6184 §8.1).
  const ours = profile(sent, "profile-level-id", "42000a");
  const theirs = profile(offered, "profile-level-id", "42000a");
  if (ours.slice(0, 4) === theirs.slice(0, 4)) return 3;
  return ours.slice(0, 2) === theirs.slice(0, 2) ? 2 : 1;
}

function profile(format: Format, name: string, absent: string): string {
  return parameter(format, name, absent).toLowerCase();
}
