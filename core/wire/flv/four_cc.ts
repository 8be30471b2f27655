/** Codecs by name, legacy numbers and FourCCs alike. */
export type FlvVideoCodec = "h264" | "h265" | "av1" | "vp9" | "vp8" | "unknown";
export type FlvAudioCodec = "aac" | "mp3" | "opus" | "pcma" | "pcmu" | "unknown";

/** Enhanced RTMP v2, `VideoFourCc`. */
export const VIDEO_FOUR_CC: Readonly<Record<string, FlvVideoCodec>> = {
  avc1: "h264",
  hvc1: "h265",
  av01: "av1",
  vp09: "vp9",
  vp08: "vp8",
};

/** Enhanced RTMP v2, `AudioFourCc`. */
export const AUDIO_FOUR_CC: Readonly<Record<string, FlvAudioCodec>> = {
  mp4a: "aac",
  ".mp3": "mp3",
  Opus: "opus",
};
