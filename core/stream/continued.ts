/**
 * Timestamps over a change of layer: each SSRC has its own offset (RFC 3550 §5.1), so what the
 * viewer saw of one has to be continued on another.
 *
 * @module
 */
import { difference32 } from "../wire/rtp/mod.ts";
import type { StreamPacket } from "./packet.ts";
import type { Track } from "./track.ts";

/** Sender reports that put a frame further from its arrival than this are not believed. */
const MAX_APART_MILLIS = 1000;

/**
 * What is to be added to the timestamps of `to` when `packet` is its first, after a run of `from`
 * whose timestamps had `offset` added and whose last one was sent as `last`. Sender reports of both
 * tell which moments are one, else arrival does. Time never goes back.
 */
export function continuedOffset(
  from: Track,
  offset: number,
  last: number,
  to: Track,
  packet: StreamPacket,
): number {
  const rate = to.format?.clockRate ?? 90_000;
  const byArrival = timestampAtArrival(from, packet.receivedAt, rate);
  const byReports = timestampByReports(from, to, packet.timestamp, rate);
  const apart = byReports === undefined ? 0 : Math.abs(difference32(byReports, byArrival));
  const believed = apart * 1000 > MAX_APART_MILLIS * rate ? byArrival : (byReports ?? byArrival);
  let next = (believed + offset) >>> 0;
  // Two frames of one timestamp would be one to a decoder.
  if (difference32(next, last) < 1) next = (last + 1) >>> 0;
  return (next - packet.timestamp) >>> 0;
}

/** What `from` would have sent at `now`. */
function timestampAtArrival({ timeline }: Track, now: number, rate: number): number {
  return (timeline.timestamp + Math.round(((now - timeline.at) * rate) / 1000)) >>> 0;
}

/** The timestamp of `from` for the moment that `timestamp` is of `to`; unknown without reports. */
function timestampByReports(
  from: Track,
  to: Track,
  timestamp: number,
  rate: number,
): number | undefined {
  if (from.clock.at === undefined || to.clock.at === undefined) return undefined;
  const passed = ((to.clock.at - from.clock.at) * rate) / 1000;
  const since = difference32(timestamp, to.clock.timestamp);
  return (from.clock.timestamp + Math.round(passed + since)) >>> 0;
}
