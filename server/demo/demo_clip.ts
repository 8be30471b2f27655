/**
 * The clip of the stream live/demo: H.264 constrained baseline 640x360 at 30 frames per second
 * with a keyframe every second and no B-frames, Opus 48 kHz stereo in packets of 20 ms.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +---------------------------------------------------------------+
 *     |                         "MPC1"                                |
 *     |              length of the loop, in 1/90000 s                 |
 *     +===============================================================+  entries, in order of time,
 *     |     flags     |   timestamp, in 1/90000 s ... (32 bits)       |  to the end of the file
 *     |               |   length of the data ... (32 bits)            |
 *     |               |   data ...                                    |
 *     +---------------------------------------------------------------+
 *
 * Flags: 1 audio (absent: video), 2 keyframe. Audio data is one Opus packet. Video data is one
 * access unit: its NAL units in order, each after its length in 32 bits; a keyframe has its SPS and
 * PPS with it. Made by scripts/demo_clip.ts, embedded in assets.gen.ts.
 *
 * @module
 */
import { MonoportError } from "../../core/base/mod.ts";
import { u8, u32 } from "../../core/bytes/mod.ts";

export interface DemoVideo {
  /** From the beginning of the loop; not a whole number. */
  readonly timestampMillis: number;
  readonly keyframe: boolean;
  /** NAL units without start code or length, views into the clip. */
  readonly nalUnits: readonly Uint8Array[];
}

export interface DemoAudio {
  readonly timestampMillis: number;
  /** One Opus packet of 20 ms, a view into the clip. */
  readonly packet: Uint8Array;
}

export interface DemoClip {
  /** Length of the loop: what to add to the timestamps each time round. */
  readonly durationMillis: number;
  readonly video: readonly DemoVideo[];
  readonly audio: readonly DemoAudio[];
}

const MAGIC = 0x4d50_4331;
const HEADER = 8;
const ENTRY_HEADER = 9;
const FLAG_AUDIO = 1;
const FLAG_KEYFRAME = 2;
const TICKS_PER_MILLI = 90;

/** Takes the clip apart; throws when it is damaged, for it is ours. */
export function decodeDemoClip(bytes: Uint8Array): DemoClip {
  if (bytes.length < HEADER || u32(bytes, 0) !== MAGIC) throw damaged(0);
  const video: DemoVideo[] = [];
  const audio: DemoAudio[] = [];
  for (let at = HEADER; at < bytes.length; ) {
    if (at + ENTRY_HEADER > bytes.length) throw damaged(at);
    const flags = u8(bytes, at);
    const timestampMillis = u32(bytes, at + 1) / TICKS_PER_MILLI;
    const end = at + ENTRY_HEADER + u32(bytes, at + 5);
    if (end > bytes.length) throw damaged(at);
    const data = bytes.subarray(at + ENTRY_HEADER, end);
    if ((flags & FLAG_AUDIO) !== 0) audio.push({ timestampMillis, packet: data });
    else {
      const keyframe = (flags & FLAG_KEYFRAME) !== 0;
      video.push({ timestampMillis, keyframe, nalUnits: splitNalUnits(data) });
    }
    at = end;
  }
  return { durationMillis: u32(bytes, 4) / TICKS_PER_MILLI, video, audio };
}

function splitNalUnits(accessUnit: Uint8Array): Uint8Array[] {
  const nalUnits: Uint8Array[] = [];
  for (let at = 0; at < accessUnit.length; ) {
    const start = at + 4;
    const end = start > accessUnit.length ? Number.POSITIVE_INFINITY : start + u32(accessUnit, at);
    if (end > accessUnit.length) throw damaged(at);
    nalUnits.push(accessUnit.subarray(start, end));
    at = end;
  }
  return nalUnits;
}

function damaged(at: number): MonoportError {
  return new MonoportError("api-misuse", `Not a demo clip: damaged at byte ${at}`);
}
