/** What the API tells of a stream, in the words of a person. @module */
import type { LiveStream } from "./api.ts";
import { rateInWords } from "./stats.ts";

type Pairs = readonly (readonly [name: string, value: string])[];

export function streamInWords(stream: LiveStream): Pairs {
  return [
    ["picture", pictureInWords(stream)],
    ["keyframes", keyframesInWords(stream)],
    ["sound", soundInWords(stream)],
    ["bitrate", rateInWords(stream.kbps.recv_30s)],
    ["comes by", wayInWords(stream)],
    ["viewers", viewersInWords(stream)],
  ];
}

function pictureInWords({ video }: LiveStream): string {
  if (video === null) return "none";
  const { codec, profile = "", level = "", width, height, fps = 0, layers = [] } = video;
  const sent = layers.filter(({ active }) => active).map(({ height: lines }) => `${lines}p`);
  return list([
    // VP8 and VP9 have numbers for profiles, which tell nobody anything.
    [codec, /^\d+$/.test(profile) ? "" : profile, level].filter((word) => word !== "").join(" "),
    width > 0 ? `${width}×${height}` : "",
    fps > 0 ? `${Math.round(fps)} /s` : "",
    sent.length > 1 ? `layers ${sent.join(", ")}` : "",
  ]);
}

function keyframesInWords({ video, publish: { by } }: LiveStream): string {
  const gop = video?.gop;
  if (video === null) return "";
  // By WebRTC they come when somebody needs one.
  const asked = by === "whip" || by === "pull";
  const length = gop ? `every ${(gop.ms / 1000).toFixed(1)} s, ${gop.frames} frames` : "";
  const every = asked ? "on request" : length;
  return list([every, video.b_frames === true ? "B-frames" : ""]);
}

function soundInWords({ audio }: LiveStream): string {
  if (audio === null) return "none";
  const { codec, profile = "", sample_rate: rate = 0, channel = 0, kbps = 0 } = audio;
  const channels = channel === 1 ? "mono" : channel === 2 ? "stereo" : `${channel} channels`;
  return list([
    [codec, profile].filter((word) => word !== "").join(" "),
    rate > 0 ? `${rate / 1000} kHz` : "",
    channel > 0 ? channels : "",
    rateInWords(kbps),
  ]);
}

const waysIn: Readonly<Record<string, string>> = {
  whip: "WHIP",
  rtmp: "RTMP",
  pull: "a pull from another server",
  demo: "this server itself",
};

function wayInWords({ publish: { by = "", transport = "" } }: LiveStream): string {
  const way = waysIn[by] ?? by;
  return by === "whip" && transport !== "" ? `${way} over ${transport.toUpperCase()}` : way;
}

const waysOut: readonly (readonly [key: string, word: string])[] = [
  ["whep_udp", "WebRTC UDP"],
  ["whep_tcp", "WebRTC TCP"],
  ["hls", "HLS"],
  ["flv", "FLV"],
  ["ts", "MPEG-TS"],
  ["aac", "AAC"],
  ["rtmp", "RTMP"],
  ["push", "pushed on"],
];

/** SRS counts the publisher as a client; the demo has none. */
export function viewersOf({ viewers = {}, clients }: LiveStream): number {
  const { whep, hls, flv, ts, aac, rtmp, push } = viewers;
  if (whep === undefined) return Math.max(0, clients - 1);
  return [whep, hls, flv, ts, aac, rtmp, push].reduce((sum: number, one) => sum + (one ?? 0), 0);
}

function viewersInWords(stream: LiveStream): string {
  const all = viewersOf(stream);
  const ways = waysOut.flatMap(([key, word]) => {
    const count = stream.viewers?.[key] ?? 0;
    return count === 0 ? [] : [`${count} ${word}`];
  });
  return ways.length === 0 ? String(all) : `${all}: ${ways.join(", ")}`;
}

function list(facts: readonly string[]): string {
  return facts.filter((fact) => fact !== "").join(" · ");
}

/** For how long it has been live, from the server's wall clock in ms. */
export function sinceInWords(liveMs: number, now: number): string {
  const minutes = Math.floor(Math.max(0, now - liveMs) / 60_000);
  if (liveMs === 0 || minutes === 0) return "";
  const [hours, days] = [Math.floor(minutes / 60), Math.floor(minutes / 1440)];
  if (days > 0) return `for ${days} d ${hours % 24} h`;
  return hours > 0 ? `for ${hours} h ${minutes % 60} min` : `for ${minutes} min`;
}
