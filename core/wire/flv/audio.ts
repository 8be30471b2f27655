/**
 * AUDIODATA.
 *
 * ```
 *  legacy    |format (4)|rate (2)|size (1)|channels (1)|  AAC (10): packet type (8), 0 AudioSpecificConfig, 1 frame
 *            format 2 MP3, 7 A-law, 8 mu-law
 *  enhanced  |1001|packet type (4)|  FourCC (32); packet type 0 start, 1 frames, 2 end, 4 channels
 * ```
 *
 * @module
 */
import { type Fault, isFault } from "../../base/mod.ts";
import { u8 } from "../../bytes/mod.ts";
import { decodeEnhancedHead } from "./enhanced_head.ts";
import { TAG_TRUNCATED } from "./faults.ts";
import { AUDIO_FOUR_CC, type FlvAudioCodec } from "./four_cc.ts";

export interface FlvAudio {
  readonly codec: FlvAudioCodec;
  readonly holds: "config" | "frames" | "end" | "other";
  /** As the tag says; AAC and Opus say it better in their configuration. */
  readonly channels: number;
  readonly track: number;
  /** A view of the tag. */
  readonly data: Uint8Array;
}

const LEGACY: Readonly<Record<number, FlvAudioCodec>> = {
  2: "mp3",
  7: "pcma",
  8: "pcmu",
  10: "aac",
  14: "mp3",
};
const ENHANCED = 9;
const HOLDS = ["config", "frames", "end"] as const;
const MULTITRACK = 5;

export function decodeFlvAudio(tag: Uint8Array): FlvAudio | Fault {
  if (tag.length < 1) return TAG_TRUNCATED;
  const first = u8(tag, 0);
  const format = first >> 4;
  if (format === ENHANCED) return decodeEnhanced(tag);
  const codec = LEGACY[format] ?? "unknown";
  const channels = (first & 1) + 1;
  if (codec !== "aac") {
    const holds = codec === "unknown" ? "other" : "frames";
    return { codec, holds, channels, track: 0, data: tag.subarray(1) };
  }
  if (tag.length < 2) return TAG_TRUNCATED;
  const holds = u8(tag, 1) === 0 ? "config" : "frames";
  return { codec, holds, channels, track: 0, data: tag.subarray(2) };
}

function decodeEnhanced(tag: Uint8Array): FlvAudio | Fault {
  const head = decodeEnhancedHead(tag, MULTITRACK);
  if (isFault(head)) return head;
  const { packetType, track, from, to } = head;
  return {
    codec: AUDIO_FOUR_CC[head.fourCc] ?? "unknown",
    holds: HOLDS[packetType] ?? "other",
    channels: 2,
    track,
    data: tag.subarray(from, to),
  };
}
