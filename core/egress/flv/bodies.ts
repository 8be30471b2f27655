/**
 * Tag bodies. AVC, AAC, MP3 and G.711 in the legacy form, which every player knows (mpegts.js takes no
 * other for AVC and AAC); the rest by FourCC.
 *
 * ```
 *  AVC       |1 key, 2 inter (4)|7 (4)|  packet type (8): 0 record, 1 NAL units;  composition time (24)
 *  enhanced  |1|frame type (3)|packet type (4)|  FourCC (32);  composition time (24) of H.265 with type 1
 *  AAC       |10 (4)|3 (2)|1|1|  packet type (8): 0 AudioSpecificConfig, 1 frame
 *  enhanced  |9 (4)|packet type (4)|  FourCC (32)
 * ```
 *
 * FLV 10.1 §E.4.2, §E.4.3; Enhanced RTMP v2, ExVideoTagHeader and ExAudioTagHeader.
 *
 * @module
 */
import { concat, latin1Bytes, putU24, putU32 } from "../../bytes/mod.ts";
import type { Frame, FrameFormat } from "../../stream/mod.ts";
import type { Amf0Value } from "../../wire/amf0/mod.ts";
import { encodeAmf0, encodeEcmaArray } from "../../wire/amf0/mod.ts";

const VIDEO_FOUR_CC: Readonly<Record<string, Uint8Array>> = {
  h265: latin1Bytes("hvc1"),
  av1: latin1Bytes("av01"),
  vp9: latin1Bytes("vp09"),
  vp8: latin1Bytes("vp08"),
};
const OPUS_FOUR_CC = latin1Bytes("Opus");

const AVC = 7;
const KEY = 1;
const INTER = 2;
const START = 0;
const FRAMES = 1;
/** Coded frames whose composition time is 0. */
const FRAMES_X = 3;

/** SoundFormat, and the rest of the byte as far as it is fixed: AAC says 44 kHz stereo, whatever it is. */
const AAC = 0xaf;
const MP3 = 0x22;
const PCMA = 0x72;
const PCMU = 0x82;
const EX_AUDIO = 0x90;

/** Whether there is a form for frames of this codec. */
export function isCarried({ codec }: FrameFormat): boolean {
  return codec === "h264" || codec in VIDEO_FOUR_CC || audioByte(codec, 0, 0) !== undefined;
}

/** The configuration, before the first frame; `undefined` for codecs without one. */
export function configurationBody(format: FrameFormat): Uint8Array | undefined {
  const { codec, configuration } = format;
  if (codec === "h264") return concat([Uint8Array.of((KEY << 4) | AVC, 0, 0, 0, 0), configuration]);
  const fourCc = VIDEO_FOUR_CC[codec];
  if (fourCc !== undefined) {
    return concat([Uint8Array.of(0x80 | (KEY << 4) | START), fourCc, configuration]);
  }
  if (codec === "aac") return concat([Uint8Array.of(AAC, 0), configuration]);
  if (codec === "opus") {
    return concat([Uint8Array.of(EX_AUDIO | START), OPUS_FOUR_CC, configuration]);
  }
  return undefined;
}

/** One frame. `format` is that of its track. */
export function frameBody(frame: Frame, format: FrameFormat): Uint8Array {
  return frame.kind === "audio" ? audioBody(frame, format) : videoBody(frame, format);
}

function videoBody(frame: Frame, { codec }: FrameFormat): Uint8Array {
  const type = frame.keyframe ? KEY : INTER;
  const composition = Math.round(frame.pts) - Math.round(frame.dts);
  const fourCc = VIDEO_FOUR_CC[codec];
  if (fourCc === undefined) {
    const body = new Uint8Array(5 + frame.data.length);
    body[0] = (type << 4) | AVC;
    body[1] = 1;
    putU24(body, 2, composition & 0xffffff);
    body.set(frame.data, 5);
    return body;
  }
  const timed = codec === "h265" && composition !== 0;
  const at = timed ? 8 : 5;
  const body = new Uint8Array(at + frame.data.length);
  const packetType = codec === "h265" && !timed ? FRAMES_X : FRAMES;
  body[0] = 0x80 | (type << 4) | packetType;
  body.set(fourCc, 1);
  if (timed) putU24(body, 5, composition & 0xffffff);
  body.set(frame.data, at);
  return body;
}

function audioBody({ data }: Frame, { codec, sampleRate, channels }: FrameFormat): Uint8Array {
  const first = audioByte(codec, sampleRate, channels) ?? 0;
  const at = codec === "aac" ? 2 : codec === "opus" ? 5 : 1;
  const body = new Uint8Array(at + data.length);
  body[0] = first;
  if (codec === "aac") body[1] = 1;
  else if (codec === "opus") body.set(OPUS_FOUR_CC, 1);
  body.set(data, at);
  return body;
}

/** The first byte of a frame of sound. */
function audioByte(codec: string, sampleRate: number, channels: number): number | undefined {
  switch (codec) {
    case "aac":
      return AAC;
    case "mp3":
      return MP3 | (rateCode(sampleRate) << 2) | (channels > 1 ? 1 : 0);
    case "opus":
      return EX_AUDIO | FRAMES;
    case "pcma":
      return PCMA;
    case "pcmu":
      return PCMU;
    default:
      return undefined;
  }
}

/** SoundRate: 5.5, 11, 22 or 44 kHz, the next above. */
function rateCode(sampleRate: number): number {
  return sampleRate > 22_050 ? 3 : sampleRate > 11_025 ? 2 : sampleRate > 5512 ? 1 : 0;
}

/** `videocodecid` and `audiocodecid` of onMetaData: numbers of legacy codecs, FourCCs of others. */
const CODEC_ID: Readonly<Record<string, number>> = {
  h264: AVC,
  aac: 10,
  mp3: 2,
  pcma: 7,
  pcmu: 8,
};

/** `onMetaData` of what is there (FLV 10.1 §E.5). */
export function metadataBody(
  video: FrameFormat | undefined,
  audio: FrameFormat | undefined,
  server: string,
): Uint8Array {
  const members = new Map<string, Amf0Value>([
    ["server", server],
    ["hasVideo", video !== undefined],
    ["hasAudio", audio !== undefined],
  ]);
  if (video !== undefined) {
    members.set("width", video.width);
    members.set("height", video.height);
    members.set("videocodecid", codecId(video));
  }
  if (audio !== undefined) {
    members.set("audiosamplerate", audio.sampleRate);
    members.set("audiosamplesize", 16);
    members.set("stereo", audio.channels > 1);
    members.set("audiochannels", audio.channels);
    members.set("audiocodecid", codecId(audio));
  }
  return concat([encodeAmf0("onMetaData"), encodeEcmaArray(members)]);
}

function codecId({ codec }: FrameFormat): number {
  const known = CODEC_ID[codec];
  if (known !== undefined) return known;
  const fourCc = VIDEO_FOUR_CC[codec] ?? OPUS_FOUR_CC;
  return fourCc.reduce((id, byte) => id * 256 + byte, 0);
}

/** Writes the 11 bytes in front of a tag's body (FLV 10.1 §E.4.1). */
export function putTagHead(
  out: Uint8Array,
  at: number,
  type: number,
  size: number,
  timestamp: number,
): void {
  out[at] = type;
  putU24(out, at + 1, size);
  putU24(out, at + 4, timestamp & 0xffffff);
  out[at + 7] = timestamp >>> 24;
  putU24(out, at + 8, 0);
}

/** The size behind a tag: its head's and body's. */
export function putTagEnd(out: Uint8Array, at: number, size: number): void {
  putU32(out, at, size + 11);
}
