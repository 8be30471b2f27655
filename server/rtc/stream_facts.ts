/** A stream of the hub, as the API knows it. @module */
import type { Millis } from "../../core/base/mod.ts";
import { type CodecName, encodingName } from "../../core/media/mod.ts";
import {
  type LayerFigures,
  type Stream,
  statsOf,
  type TrackFigures,
} from "../../core/stream/mod.ts";
import type { AudioFacts, LayerFacts, StreamFacts, VideoFacts } from "../facts.ts";

/** `wall` is the time of day that belongs to `now`, in ms since the Unix epoch. */
export function streamFacts(
  stream: Stream,
  publisher: string | undefined,
  now: Millis,
  wall: Millis,
): StreamFacts {
  const stats = statsOf(stream, now);
  return {
    id: streamId(stream.name.key),
    app: stream.name.app,
    name: stream.name.stream,
    liveSince: stream.live ? wall - stats.liveMillis : 0,
    clients: stats.clients,
    frames: stats.frames,
    sentBytes: stats.sentBytes,
    receivedBytes: stats.receivedBytes,
    sentKbps: stats.sentKbps,
    receivedKbps: stats.receivedKbps,
    publisher: stream.live ? (publisher ?? "") : undefined,
    video: stats.video && videoFacts(stats.video),
    layers: stats.layers.map(layerFacts),
    audio: stats.audio && audioFacts(stats.audio),
  };
}

/** SRS's form of an id, the same for the same name: FNV-1a of it. */
export function streamId(key: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193) >>> 0;
  return `vid-${hash.toString(36).padStart(7, "0")}`;
}

/** Codecs that SRS's API names otherwise than SDP does. */
const NAMES: Partial<Record<CodecName, string>> = { opus: "Opus", h265: "HEVC" };

function videoFacts({ format, description, framesPerSecond }: TrackFigures): VideoFacts {
  return {
    codec: NAMES[format.codec] ?? encodingName(format.codec),
    profile: description?.profile ?? "",
    level: description?.level ?? "",
    width: description?.width ?? 0,
    height: description?.height ?? 0,
    frameRate: Math.round(framesPerSecond * 10) / 10,
  };
}

function layerFacts(layer: LayerFigures): LayerFacts {
  const { width, height, frameRate } = videoFacts(layer);
  const { rid, ssrc, alive } = layer;
  const kbps = Math.round(layer.bitsPerSecond / 1000);
  return { rid, ssrc, width, height, frameRate, kbps, active: alive };
}

function audioFacts({ format }: TrackFigures): AudioFacts {
  return {
    codec: NAMES[format.codec] ?? encodingName(format.codec),
    sampleRate: format.clockRate,
    channels: Math.max(1, format.channels),
  };
}
