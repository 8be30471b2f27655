import { adtsHeader } from "../../media/aac/mod.ts";
import type { MediaKind } from "../../media/mod.ts";
import type { FrameFormat } from "../../stream/mod.ts";
import {
  encodePat,
  encodePesHeader,
  encodePmt,
  PACKET_BYTES,
  PesStreamId,
  packetsOf,
  putPackets,
  StreamType,
  type TsPayload,
} from "../../wire/mpegts/mod.ts";
import { adtsFrames, type PictureHeads, pictureHeads, putPicture } from "./access_unit.ts";

/** Of PTS, DTS and the base of the PCR, in Hz. */
export const CLOCK = 90_000;
/** They have 33 bits. */
const WRAP = 2 ** 33;
/** Time 0 (1.4 s, as of ffmpeg), and how far the PCR is behind the DTS: what decoders have to fetch and buffer. */
const BASE_TICKS = 126_000;
const PCR_DELAY_TICKS = 63_000;

const PMT_PID = 0x1000;
const PIDS: Readonly<Record<MediaKind, number>> = { video: 0x100, audio: 0x101 };
const NOTHING = new Uint8Array(0);

/** Whether players take the format in a transport stream. */
export function fitsTs(format: FrameFormat): boolean {
  if (format.codec === "aac") return adtsHeader(format.configuration) !== undefined;
  const picture = format.codec === "h264" || format.codec === "h265";
  return picture && pictureHeads(format) !== undefined;
}

/** Times in ticks of `CLOCK`. */
export interface TsPicture {
  readonly dts: number;
  readonly pts: number;
  readonly keyframe: boolean;
  /** As in `Frame`. */
  readonly data: Uint8Array;
}

interface Track {
  readonly type: number;
  readonly heads: PictureHeads | undefined;
  readonly adts: Uint8Array | undefined;
}

/** One program: its tables, its PIDs and their counters. Times are ticks of `CLOCK` since the stream's beginning. */
export class Program {
  readonly #counters = new Map<number, number>();
  #tracks = new Map<MediaKind, Track>();
  #version = -1;
  #streams = "";
  /** PAT and PMT. */
  tables: readonly TsPayload[] = [];

  /** The tracks from now on, each of which `fitsTs`. */
  setFormats(formats: readonly FrameFormat[]): void {
    this.#tracks = new Map(formats.map((format) => [format.kind, trackOf(format)]));
    const streams = [...this.#tracks].map(([kind, { type }]) => ({ type, pid: PIDS[kind] }));
    const told = streams.map(({ type, pid }) => `${type} ${pid}`).join();
    // Another version_number says that the rest has changed.
    if (this.tables.length > 0 && told === this.#streams) return;
    this.#streams = told;
    this.#version = (this.#version + 1) % 32;
    const pmt = encodePmt({ pcrPid: PIDS[this.#clock], streams, version: this.#version });
    this.tables = [
      { pid: 0, payload: padded(encodePat(PMT_PID)), continuity: 0 },
      { pid: PMT_PID, payload: padded(pmt), continuity: 0 },
    ];
  }

  has(kind: MediaKind): boolean {
    return this.#tracks.has(kind);
  }

  /** A picture, with the PCR of its time unless that was told. */
  picture({ dts, pts, keyframe, data }: TsPicture, clock = true): TsPayload | undefined {
    const heads = this.#tracks.get("video")?.heads;
    if (heads === undefined) return undefined;
    const head = keyframe ? heads.keyframe : heads.other;
    const bytes = head.length + data.length;
    const times = { dts: wrapped(dts + BASE_TICKS), pts: wrapped(pts + BASE_TICKS) };
    const header = encodePesHeader(PesStreamId.Video, bytes, times);
    const payload = new Uint8Array(header.length + bytes);
    payload.set(header);
    putPicture(payload, header.length, head, data);
    const pid = PIDS.video;
    const pcr = clock ? pcrAt(dts) : undefined;
    return { pid, payload, continuity: 0, pcr, randomAccess: keyframe };
  }

  /** Frames of AAC that follow each other, the first one at `dts`. */
  sound(dts: number, frames: readonly Uint8Array[]): TsPayload | undefined {
    const adts = this.#tracks.get("audio")?.adts;
    if (adts === undefined) return undefined;
    const body = adtsFrames(adts, frames);
    const pts = wrapped(dts + BASE_TICKS);
    const header = encodePesHeader(PesStreamId.Audio, body.length, { pts, dts: pts });
    const payload = new Uint8Array(header.length + body.length);
    payload.set(header);
    payload.set(body, header.length);
    const alone = this.#clock === "audio";
    const pcr = alone ? pcrAt(dts) : undefined;
    return { pid: PIDS.audio, payload, continuity: 0, pcr, randomAccess: alone };
  }

  /** The PCR of that time, alone. */
  clock(dts: number): TsPayload {
    return { pid: PIDS[this.#clock], payload: NOTHING, continuity: 0, pcr: pcrAt(dts) };
  }

  /**
   * For who goes on with what is encoded next, without what came before: discontinuity_indicator on every
   * PID, with the counters that are counted on and, as that of its PID asks for it, the PCR (§2.4.3.5).
   */
  resumption(dts: number): readonly TsPayload[] {
    const clock = PIDS[this.#clock];
    return [0, PMT_PID, ...[...this.#tracks.keys()].map((kind) => PIDS[kind])].map((pid) =>
      this.#gap(pid, pid === clock ? pcrAt(dts) : undefined),
    );
  }

  /** For who is not sent the sound that was encoded last. */
  soundLeftOut(): TsPayload {
    return this.#gap(PIDS.audio, undefined);
  }

  /** The packets of all of them, counted on. */
  encode(payloads: readonly TsPayload[]): Uint8Array<ArrayBuffer> {
    return encodePayloads(
      payloads.map((one) => {
        const next = this.#counters.get(one.pid) ?? 0;
        // Packets without a payload are not counted (§2.4.3.3).
        if (one.payload.length === 0) return { ...one, continuity: next + 15 };
        this.#counters.set(one.pid, (next + packetsOf(one)) & 15);
        return { ...one, continuity: next };
      }),
    );
  }

  #gap(pid: number, pcr: number | undefined): TsPayload {
    const continuity = (this.#counters.get(pid) ?? 0) + 15;
    return { pid, payload: NOTHING, continuity, pcr, discontinuity: true };
  }

  /** Which track carries the PCR. */
  get #clock(): MediaKind {
    return this.#tracks.has("video") ? "video" : "audio";
  }
}

/** Their packets, with the counters that they have. */
export function encodePayloads(payloads: readonly TsPayload[]): Uint8Array<ArrayBuffer> {
  let packets = 0;
  for (const payload of payloads) packets += packetsOf(payload);
  const out = new Uint8Array(packets * PACKET_BYTES);
  let at = 0;
  for (const payload of payloads) at = putPackets(out, at, payload);
  return out;
}

function trackOf(format: FrameFormat): Track {
  const { codec, configuration, kind } = format;
  const video = kind === "video";
  return {
    type:
      codec === "h264" ? StreamType.H264 : codec === "h265" ? StreamType.H265 : StreamType.AdtsAac,
    heads: video ? pictureHeads(format) : undefined,
    adts: video ? undefined : adtsHeader(configuration),
  };
}

function pcrAt(dts: number): number {
  return wrapped(dts + BASE_TICKS - PCR_DELAY_TICKS);
}

function wrapped(ticks: number): number {
  const rest = ticks % WRAP;
  return rest < 0 ? rest + WRAP : rest;
}

/** A section fills its packet up with 0xff (§2.4.4). */
function padded(section: Uint8Array): Uint8Array {
  const out = new Uint8Array(PACKET_BYTES - 4).fill(0xff);
  out.set(section);
  return out;
}
