/** Codecs by the names people use (`h264`), and what this browser can do. @module */

/** Names that `codec=` and SRS's API use for the same thing. */
const spellings: Readonly<Record<string, string>> = { hevc: "h265", avc: "h264" };

/** `H264`, `avc` or `video/H264` as `h264`. */
export function codecName(spelled: string): string {
  const name = spelled.toLowerCase().replace(/^(video|audio)\//, "");
  return spellings[name] ?? name;
}

/** Not codecs of a picture but of its repair. */
const repairs = new Set(["rtx", "red", "ulpfec", "flexfec-03"]);

/** What this browser can send or receive, in its own order of preference. */
export function videoCodecs(direction: "send" | "receive"): string[] {
  const side = direction === "send" ? RTCRtpSender : RTCRtpReceiver;
  const all = side.getCapabilities("video")?.codecs ?? [];
  const names = all.map(({ mimeType }) => codecName(mimeType));
  return [...new Set(names)].filter((name) => !repairs.has(name));
}

/**
 * Puts one codec first and keeps the others behind it, so that the server may still choose. H.264
 * comes with packetization-mode 1 and constrained baseline first, which everybody decodes.
 */
export function preferCodec(transceiver: RTCRtpTransceiver, codec: string): void {
  const side = transceiver.direction === "recvonly" ? RTCRtpReceiver : RTCRtpSender;
  const all = side.getCapabilities("video")?.codecs ?? [];
  const rank = ({ mimeType, sdpFmtpLine = "" }: RTCRtpCodec): number => {
    if (codecName(mimeType) !== codec) return 3;
    if (codec !== "h264") return 0;
    if (!sdpFmtpLine.includes("packetization-mode=1")) return 2;
    return /profile-level-id=42[0-9a-f]{4}/i.test(sdpFmtpLine) ? 0 : 1;
  };
  const ordered = [...all].sort((a, b) => rank(a) - rank(b));
  if (ordered.length > 0) transceiver.setCodecPreferences(ordered);
}
