import type { FrameFormat } from "../../stream/mod.ts";

/** One way to play a stream. */
export interface Variant {
  /** Its media playlist, relative to the multivariant one. */
  readonly uri: string;
  /** What its segments hold. */
  readonly formats: readonly FrameFormat[];
  /** In bit/s: of the segment with the most, and of all that are there. */
  readonly peakBitrate: number;
  readonly averageBitrate: number;
  /** Pictures per second; 0 where there are none, or nobody knows. */
  readonly frameRate: number;
}

/** A multivariant playlist (RFC 8216bis §4.4.6.2), the best variant first: players begin with it. */
export function multivariantText(variants: readonly Variant[], version: number): string {
  let out = `#EXTM3U\n#EXT-X-VERSION:${version}\n`;
  for (const { uri, formats, peakBitrate, averageBitrate, frameRate } of variants) {
    const attributes = [
      `BANDWIDTH=${Math.max(1, Math.ceil(peakBitrate))}`,
      `AVERAGE-BANDWIDTH=${Math.max(1, Math.ceil(averageBitrate))}`,
    ];
    const codecs = formats.map(codecOf);
    if (codecs.every((codec) => codec !== "")) attributes.push(`CODECS="${codecs.join(",")}"`);
    const video = formats.find(({ kind }) => kind === "video");
    if (video !== undefined && video.width > 0 && video.height > 0)
      attributes.push(`RESOLUTION=${video.width}x${video.height}`);
    if (video !== undefined && frameRate > 0) attributes.push(`FRAME-RATE=${frameRate.toFixed(3)}`);
    out += `#EXT-X-STREAM-INF:${attributes.join(",")}\n${uri}\n`;
  }
  return out;
}

/** Opus in MP4 is `Opus` (Opus in ISOBMFF §4.3.1), `opus` in WebM; players compare without case, but Safari. */
function codecOf({ codec, codecString }: FrameFormat): string {
  return codec === "opus" ? "Opus" : codecString;
}
