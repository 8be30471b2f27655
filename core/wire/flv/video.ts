/**
 * VIDEODATA.
 *
 * ```
 *  legacy    |frame type (4)|codec (4)|  AVC (7) and HEVC (12): packet type (8), composition time (24)
 *            packet type 0: configuration record, 1: NAL units, 2: end of sequence
 *  enhanced  |1|frame type (3)|packet type (4)|  FourCC (32), and for the coded frames of H.264 and H.265
 *            composition time (24); packet type 0 start, 1 frames, 2 end, 3 frames with time 0, 4 metadata
 * ```
 *
 * @module
 */
import { type Fault, isFault } from "../../base/mod.ts";
import { u8, u24 } from "../../bytes/mod.ts";
import { decodeEnhancedHead } from "./enhanced_head.ts";
import { TAG_TRUNCATED } from "./faults.ts";
import { type FlvVideoCodec, VIDEO_FOUR_CC } from "./four_cc.ts";

export interface FlvVideo {
  readonly codec: FlvVideoCodec;
  /** `config`: the decoder configuration record; `frames`: one picture; `end`; `other`. */
  readonly holds: "config" | "frames" | "end" | "other";
  readonly keyframe: boolean;
  /** Presentation time less decoding time, in ms; signed. */
  readonly compositionTime: number;
  /** Track 0 is the one there is; others come by multitrack. */
  readonly track: number;
  /** A view of the tag. */
  readonly data: Uint8Array;
}

const KEY_FRAME = 1;
const COMMAND_FRAME = 5;
const AVC = 7;
const HEVC = 12;
const HOLDS = ["config", "frames", "end", "frames"] as const;
const MULTITRACK = 6;

export function decodeFlvVideo(tag: Uint8Array): FlvVideo | Fault {
  if (tag.length < 1) return TAG_TRUNCATED;
  const first = u8(tag, 0);
  return first >= 0x80 ? decodeEnhanced(tag, first) : decodeLegacy(tag, first);
}

function decodeLegacy(tag: Uint8Array, first: number): FlvVideo | Fault {
  const frameType = first >> 4;
  const number = first & 0x0f;
  const codec = number === AVC ? "h264" : number === HEVC ? "h265" : "unknown";
  const keyframe = frameType === KEY_FRAME;
  if (codec === "unknown" || frameType === COMMAND_FRAME) {
    return made(codec, "other", keyframe, 0, 0, tag.subarray(1));
  }
  if (tag.length < 5) return TAG_TRUNCATED;
  const holds = HOLDS[u8(tag, 1)];
  if (holds === undefined || u8(tag, 1) > 2) {
    return made(codec, "other", keyframe, 0, 0, tag.subarray(5));
  }
  return made(codec, holds, keyframe, signed24(tag, 2), 0, tag.subarray(5));
}

function decodeEnhanced(tag: Uint8Array, first: number): FlvVideo | Fault {
  const head = decodeEnhancedHead(tag, MULTITRACK);
  if (isFault(head)) return head;
  const { packetType, track, from, to } = head;
  const keyframe = ((first >> 4) & 7) === KEY_FRAME;
  const codec = VIDEO_FOUR_CC[head.fourCc] ?? "unknown";
  const command = ((first >> 4) & 7) === COMMAND_FRAME;
  const holds = command ? "other" : (HOLDS[packetType] ?? "other");
  const timed = packetType === 1 && (codec === "h264" || codec === "h265");
  if (!timed) return made(codec, holds, keyframe, 0, track, tag.subarray(from, to));
  if (to < from + 3) return TAG_TRUNCATED;
  return made(codec, holds, keyframe, signed24(tag, from), track, tag.subarray(from + 3, to));
}

function signed24(bytes: Uint8Array, at: number): number {
  return (u24(bytes, at) << 8) >> 8;
}

function made(
  codec: FlvVideoCodec,
  holds: FlvVideo["holds"],
  keyframe: boolean,
  compositionTime: number,
  track: number,
  data: Uint8Array,
): FlvVideo {
  return { codec, holds, keyframe, compositionTime, track, data };
}
