/**
 * Which way in is played by which way out: what docs/protocols.md shows and ways.test.ts tries.
 *
 * A cell says which codecs arrive and are played, sound alone where no picture does, or `no`; a number
 * refers to the note that says why.
 *
 * @module
 */

export type ViewerName =
  | "WHEP over TCP"
  | "WHEP over UDP"
  | "WHEP over TCP by GStreamer"
  | "WHEP over UDP by GStreamer"
  | "WHEP by Firefox"
  | "LL-HLS by Firefox"
  | "HTTP-FLV by mpegts.js"
  | "WS-FLV by mpegts.js"
  | "LL-HLS by hls.js"
  | "HTTP-FLV by ffmpeg"
  | "RTMP by ffmpeg"
  | "RTMPS by ffmpeg"
  | "HLS by ffmpeg"
  | "HTTP-TS by mpegts.js"
  | "HTTP-TS by ffmpeg"
  | "MPEG-TS by hls.js"
  | "MPEG-TS by ffmpeg"
  | "Recording by ffmpeg"
  | "RTMP by GStreamer";

/** What is published; the sound is Opus, AAC or MP3. */
export type Content = "H.264" | "H.265" | "AV1" | "VP9" | "VP8" | "sound alone";

export interface WayOut {
  readonly heading: string;
  /** All of them show what the cells say. */
  readonly viewers: readonly ViewerName[];
  readonly cells: Readonly<Record<Content, string>>;
}

export const WAYS_OUT: readonly WayOut[] = [
  {
    heading: "WHEP: Chromium, TCP and UDP",
    viewers: ["WHEP over TCP", "WHEP over UDP"],
    cells: {
      "H.264": "H.264, Opus",
      "H.265": "no (5)",
      AV1: "AV1, Opus",
      VP9: "VP9, Opus",
      VP8: "VP8, Opus",
      "sound alone": "Opus",
    },
  },
  {
    heading: "WHEP: GStreamer, TCP and UDP",
    viewers: ["WHEP over TCP by GStreamer", "WHEP over UDP by GStreamer"],
    cells: {
      "H.264": "H.264, Opus",
      "H.265": "H.265, Opus",
      AV1: "no (6)",
      VP9: "VP9, Opus",
      VP8: "VP8, Opus",
      "sound alone": "Opus",
    },
  },
  {
    heading: "WHEP: Firefox, TCP",
    viewers: ["WHEP by Firefox"],
    cells: {
      "H.264": "no (7)",
      "H.265": "no (7)",
      AV1: "AV1, Opus",
      VP9: "VP9, Opus",
      VP8: "VP8, Opus",
      "sound alone": "Opus",
    },
  },
  {
    heading: "LL-HLS: hls.js in Firefox",
    viewers: ["LL-HLS by Firefox"],
    cells: {
      "H.264": "H.264, AAC",
      "H.265": "H.265, AAC",
      AV1: "AV1, AAC",
      VP9: "VP9, AAC",
      VP8: "AAC (2)",
      "sound alone": "AAC",
    },
  },
  {
    heading: "HTTP-FLV, WS-FLV: mpegts.js",
    viewers: ["HTTP-FLV by mpegts.js", "WS-FLV by mpegts.js"],
    cells: {
      "H.264": "H.264, AAC",
      "H.265": "no (5)",
      AV1: "AV1, AAC",
      VP9: "no (1)",
      VP8: "no (1)",
      "sound alone": "AAC",
    },
  },
  {
    heading: "LL-HLS: hls.js",
    viewers: ["LL-HLS by hls.js"],
    cells: {
      "H.264": "H.264, AAC",
      "H.265": "AAC (5)",
      AV1: "AV1, AAC",
      VP9: "VP9, AAC",
      VP8: "AAC (2)",
      "sound alone": "AAC",
    },
  },
  {
    heading: "HTTP-FLV, RTMP, RTMPS: ffmpeg",
    viewers: ["HTTP-FLV by ffmpeg", "RTMP by ffmpeg", "RTMPS by ffmpeg"],
    cells: {
      "H.264": "H.264, AAC",
      "H.265": "no (3)",
      AV1: "AAC (3)",
      VP9: "AAC (3)",
      VP8: "AAC (3)",
      "sound alone": "AAC",
    },
  },
  {
    heading: "HLS: ffmpeg",
    viewers: ["HLS by ffmpeg"],
    cells: {
      "H.264": "H.264, AAC",
      "H.265": "H.265, AAC",
      AV1: "AV1, AAC",
      VP9: "VP9, AAC",
      VP8: "AAC (2)",
      "sound alone": "AAC",
    },
  },
  {
    heading: "MPEG-TS over HTTP: mpegts.js",
    viewers: ["HTTP-TS by mpegts.js"],
    cells: {
      "H.264": "H.264, AAC",
      "H.265": "no (5)",
      AV1: "AAC (4)",
      VP9: "AAC (4)",
      VP8: "AAC (4)",
      "sound alone": "AAC",
    },
  },
  {
    heading: "MPEG-TS over HTTP: ffmpeg",
    viewers: ["HTTP-TS by ffmpeg"],
    cells: {
      "H.264": "H.264, AAC",
      "H.265": "H.265, AAC",
      AV1: "AAC (4)",
      VP9: "AAC (4)",
      VP8: "AAC (4)",
      "sound alone": "AAC",
    },
  },
  {
    heading: "HLS with MPEG-TS: hls.js",
    viewers: ["MPEG-TS by hls.js"],
    cells: {
      "H.264": "H.264, AAC",
      "H.265": "AAC (5)",
      AV1: "AAC (4)",
      VP9: "AAC (4)",
      VP8: "AAC (4)",
      "sound alone": "AAC",
    },
  },
  {
    heading: "HLS with MPEG-TS: ffmpeg",
    viewers: ["MPEG-TS by ffmpeg"],
    cells: {
      "H.264": "H.264, AAC",
      "H.265": "H.265, AAC",
      AV1: "AAC (4)",
      VP9: "AAC (4)",
      VP8: "AAC (4)",
      "sound alone": "AAC",
    },
  },
  {
    heading: "RTMP: GStreamer",
    viewers: ["RTMP by GStreamer"],
    cells: {
      "H.264": "H.264, AAC",
      "H.265": "no (3)",
      AV1: "no (3)",
      VP9: "no (3)",
      VP8: "no (3)",
      "sound alone": "AAC",
    },
  },
  {
    heading: "Recording, MP4 by HTTP: ffmpeg",
    viewers: ["Recording by ffmpeg"],
    cells: {
      "H.264": "H.264, AAC",
      "H.265": "H.265, AAC",
      AV1: "AV1, AAC",
      VP9: "VP9, AAC",
      VP8: "AAC (2)",
      "sound alone": "AAC",
    },
  },
];

export type PublisherName =
  | "Chromium, WHIP over TCP: H.264, Opus"
  | "Chromium, WHIP over TCP: VP8, Opus"
  | "Chromium, WHIP over TCP: VP9, Opus"
  | "Chromium, WHIP over TCP: AV1, Opus"
  | "Chromium, WHIP over UDP: H.264, Opus"
  | "Firefox, WHIP over TCP: VP8, Opus"
  | "GStreamer, WHIP over TCP: H.264, Opus"
  | "GStreamer, WHIP over UDP: VP8, Opus"
  | "libdatachannel, WHIP over TCP: H.265, Opus"
  | "ffmpeg, RTMP: H.264, AAC"
  | "ffmpeg, RTMPS: H.264, MP3"
  | "ffmpeg, RTMP: AAC alone"
  | "Enhanced RTMP: H.265, AAC"
  | "Enhanced RTMP: AV1, Opus"
  | "GStreamer, RTMP: H.264, AAC"
  | "Pull from another Monoport: H.264, Opus";

export interface WayIn {
  readonly publisher: PublisherName;
  readonly content: Content;
}

export const WAYS_IN: readonly WayIn[] = [
  { publisher: "Chromium, WHIP over TCP: H.264, Opus", content: "H.264" },
  { publisher: "Chromium, WHIP over UDP: H.264, Opus", content: "H.264" },
  { publisher: "Chromium, WHIP over TCP: VP8, Opus", content: "VP8" },
  { publisher: "Chromium, WHIP over TCP: VP9, Opus", content: "VP9" },
  { publisher: "Chromium, WHIP over TCP: AV1, Opus", content: "AV1" },
  { publisher: "Firefox, WHIP over TCP: VP8, Opus", content: "VP8" },
  { publisher: "GStreamer, WHIP over TCP: H.264, Opus", content: "H.264" },
  { publisher: "GStreamer, WHIP over UDP: VP8, Opus", content: "VP8" },
  { publisher: "libdatachannel, WHIP over TCP: H.265, Opus", content: "H.265" },
  { publisher: "ffmpeg, RTMP: H.264, AAC", content: "H.264" },
  { publisher: "ffmpeg, RTMPS: H.264, MP3", content: "H.264" },
  { publisher: "ffmpeg, RTMP: AAC alone", content: "sound alone" },
  { publisher: "Enhanced RTMP: H.265, AAC", content: "H.265" },
  { publisher: "Enhanced RTMP: AV1, Opus", content: "AV1" },
  { publisher: "GStreamer, RTMP: H.264, AAC", content: "H.264" },
  { publisher: "Pull from another Monoport: H.264, Opus", content: "H.264" },
];

/** One for each of `WAYS_OUT`. */
export function cellsOf({ content }: WayIn): string[] {
  return WAYS_OUT.map(({ cells }) => cells[content]);
}

export interface Note {
  readonly text: string;
  /** What a player that fails says, or the program that ran it. */
  readonly says?: RegExp;
}

/** By number, from 1: why something does not go. */
export const NOTES: readonly Note[] = [
  {
    text: "mpegts.js 1.8 knows neither VP8 nor VP9 in FLV, and stops: `CodecUnsupported`.",
    says: /CodecUnsupported/,
  },
  {
    text: "There is no VP8 in fragmented MP4 that browsers play: it is left out.",
  },
  {
    text: "H.265, AV1, VP9 and VP8 are sent as enhanced FLV: FFmpeg reads the first three from 6.1 on; GStreamer 1.22 and ffmpeg 5.1 know none of them. ffmpeg plays the sound when it is told to leave out the picture (`-vn`), but not beside H.265, which 5.1 takes for Screen video.",
    says: /ended with/,
  },
  {
    text: "Transport streams carry H.264 and H.265 alone here; other pictures are left out.",
  },
  {
    text: "Debian's Chromium has no H.265: WHEP answers 406 and says so, MSE refuses it, and hls.js takes the rendition of the sound alone.",
    says: /406.*H265|is unsupported/s,
  },
  {
    text: "GStreamer 1.22 has no AV1 in RTP: WHEP answers 406 and says so.",
    says: /406.*AV1/s,
  },
  {
    text: "Debian's Firefox has neither H.264 (no OpenH264) nor H.265 in WebRTC: WHEP answers 406 and says so.",
    says: /406.*H26[45]/s,
  },
];

/** What a cell says: names of codecs, and why there are not more. */
export interface Cell {
  readonly video: string | undefined;
  readonly audio: string | undefined;
  /** Of a note, 0 for none. */
  readonly note: number;
}

const VIDEO_NAMES = ["H.264", "H.265", "AV1", "VP9", "VP8"];

export function cellOf(text: string): Cell {
  const [, what = "", note = "0"] = /^(.*?)(?: \((\d+)\))?$/.exec(text) ?? [];
  const names = what.split(", ");
  const audio = names.find((name) => name !== "no" && !VIDEO_NAMES.includes(name));
  return { video: names.find((name) => VIDEO_NAMES.includes(name)), audio, note: Number(note) };
}

/** The table and its notes, as the documentation has them. */
export function waysInMarkdown(): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const headings = ["", ...WAYS_OUT.map(({ heading }) => heading)];
  return [
    line(headings),
    `|${"---|".repeat(headings.length)}`,
    ...WAYS_IN.map((way) => line([way.publisher, ...cellsOf(way)])),
    "",
    ...NOTES.map(({ text }, i) => `${i + 1}. ${text}`),
  ].join("\n");
}
