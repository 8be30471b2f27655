/** A stream of the hub, as the API knows it. @module */
import { isFault, type Millis } from "../../core/base/mod.ts";
import { decodeAudioSpecificConfig } from "../../core/media/aac/mod.ts";
import { type CodecName, encodingName, profileAndLevel } from "../../core/media/mod.ts";
import { opusSound } from "../../core/media/opus/mod.ts";
import {
  type GivenFigures,
  type LayerFigures,
  type Publisher,
  type Stream,
  type StreamStats,
  statsOf,
  type TrackFigures,
} from "../../core/stream/mod.ts";
import type {
  AudioFacts,
  LayerFacts,
  StreamFacts,
  VideoFacts,
  ViewersByWay,
  WayIn,
} from "../facts.ts";
import type { Client } from "./client.ts";
import type { Clients } from "./clients.ts";
import { streamWarnings } from "./stream_warnings.ts";

/** `wall` is the time of day that belongs to `now`, in ms since the Unix epoch. */
export function streamFacts(
  stream: Stream,
  clients: Pick<Clients, "publishing" | "watching">,
  now: Millis,
  wall: Millis,
): StreamFacts {
  const stats = statsOf(stream, now);
  const { publisher, live } = stream;
  const client = publisher && clients.publishing(publisher);
  return {
    id: streamId(stream.name.key),
    app: stream.name.app,
    name: stream.name.stream,
    liveSince: live ? wall - stats.liveMillis : 0,
    clients: stats.clients,
    frames: stats.frames,
    sentBytes: stats.sentBytes,
    receivedBytes: stats.receivedBytes,
    sentKbps: stats.sentKbps,
    receivedKbps: stats.receivedKbps,
    publisher: live ? (client?.id ?? "") : undefined,
    wayIn: live && publisher ? wayIn(publisher, client) : undefined,
    viewers: viewersOf(stream, clients),
    warnings: live ? streamWarnings(stream, stats) : [],
    video: videoOf(stats),
    layers: stats.layers.map(layerFacts),
    audio: audioOf(stats),
  };
}

/** SRS's form of an id, the same for the same name: FNV-1a of it. */
export function streamId(key: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193) >>> 0;
  return `vid-${hash.toString(36).padStart(7, "0")}`;
}

function wayIn({ way }: Publisher, client: Client | undefined): WayIn {
  return { by: way, transport: way === "rtmp" ? "tcp" : transportOf(client) };
}

function transportOf(client: Client | undefined): "tcp" | "udp" | "" {
  const { session } = client ?? {};
  return (session?.connected && session.selected?.transport) || "";
}

/** Those the hub sends packets to; who is no client is another server. */
function viewersOf(stream: Stream, clients: Pick<Clients, "watching">): ViewersByWay {
  const viewers = {
    ...{ whep: 0, whepUdp: 0, whepTcp: 0, push: 0 },
    ...{ flv: 0, ts: 0, aac: 0, rtmp: 0, hls: 0 },
  };
  for (const subscriber of stream.viewers) {
    const client = clients.watching(subscriber);
    if (client === undefined) {
      viewers.push++;
      continue;
    }
    viewers.whep++;
    const transport = transportOf(client);
    if (transport === "udp") viewers.whepUdp++;
    else if (transport === "tcp") viewers.whepTcp++;
  }
  return viewers;
}

/** Codecs that SRS's API names otherwise than SDP does. */
const NAMES: Partial<Record<string, string>> = { opus: "Opus", h265: "HEVC" };

function nameOf(codec: string): string {
  return NAMES[codec] ?? encodingName(codec as CodecName);
}

function videoOf({ given, video }: StreamStats): VideoFacts | undefined {
  if (given.video !== undefined) return givenVideo(given.video);
  return video && videoFacts(video);
}

function videoFacts(figures: TrackFigures): VideoFacts {
  const { format, description } = figures;
  return {
    codec: nameOf(format.codec),
    profile: description?.profile ?? "",
    level: description?.level ?? "",
    width: description?.width ?? 0,
    height: description?.height ?? 0,
    ...measured(figures),
  };
}

function givenVideo(figures: GivenFigures): VideoFacts {
  const { codec, width, height, codecString } = figures.format;
  const { profile, level } = profileAndLevel(codecString);
  return { codec: nameOf(codec), profile, level, width, height, ...measured(figures) };
}

function measured({
  framesPerSecond,
  bitsPerSecond,
  gop,
  bFrames,
}: TrackFigures | GivenFigures): Pick<VideoFacts, "frameRate" | "kbps" | "gop" | "bFrames"> {
  const frameRate = Math.round(framesPerSecond * 10) / 10;
  return { frameRate, kbps: Math.round(bitsPerSecond / 1000), gop, bFrames };
}

function layerFacts(layer: LayerFigures): LayerFacts {
  const { width, height, frameRate, kbps } = videoFacts(layer);
  const { rid, ssrc, alive } = layer;
  return { rid, ssrc, width, height, frameRate, kbps, active: alive };
}

function audioOf({ given, audio }: StreamStats): AudioFacts | undefined {
  if (given.audio !== undefined) return givenAudio(given.audio);
  if (audio === undefined) return undefined;
  const { format, soundByte, bitsPerSecond } = audio;
  // Opus is always announced with two channels (RFC 7587 §7): its packets tell.
  const opus = format.codec === "opus" && soundByte >= 0 ? opusSound(soundByte) : undefined;
  return {
    codec: nameOf(format.codec),
    sampleRate: format.clockRate,
    channels: opus?.channels ?? Math.max(1, format.channels),
    profile: opus?.profile ?? "",
    kbps: Math.round(bitsPerSecond / 1000),
  };
}

function givenAudio({ format, bitsPerSecond }: GivenFigures): AudioFacts {
  const { codec, sampleRate, channels, configuration } = format;
  const kbps = Math.round(bitsPerSecond / 1000);
  const profile = codec === "aac" ? aacProfile(configuration) : "";
  return { codec: nameOf(codec), sampleRate, channels, profile, kbps };
}

/** Names as SRS has them, by audio object type (ISO/IEC 14496-3 Table 1.17). */
const AAC_PROFILES: Readonly<Record<number, string>> = {
  1: "Main",
  2: "LC",
  3: "SSR",
  5: "HE",
  29: "HEv2",
};

function aacProfile(configuration: Uint8Array): string {
  const decoded = decodeAudioSpecificConfig(configuration);
  return isFault(decoded) ? "" : (AAC_PROFILES[decoded.objectType] ?? String(decoded.objectType));
}
