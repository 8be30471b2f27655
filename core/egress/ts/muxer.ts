import { adtsHeader } from "../../media/aac/mod.ts";
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
import type { Mp4Run } from "../mp4/mod.ts";
import { adtsFrames, type PictureHeads, pictureHeads, putPicture } from "./access_unit.ts";

/** Samples of one track, timed as in MP4. */
export type TsRun = Mp4Run;

const PMT_PID = 0x1000;
const PIDS = { video: 0x100, audio: 0x101 } as const;
/** Of PTS and DTS. */
const CLOCK = 90_000;
/** PTS and DTS have 33 bits. */
const WRAP = 2 ** 33;
/** Time 0 (1.4 s, as of ffmpeg), and how far the PCR is behind the DTS: what decoders have to fetch and buffer. */
const BASE_TICKS = 126_000;
const PCR_DELAY_TICKS = 63_000;
/** Sound that is gathered to one PES packet; it also carries the PCR where there are no pictures. */
const SOUND_TICKS = 7200;
/** How far frames of sound may be from where the last one ended. */
const GAP_TICKS = 180;

/** Whether players take the format in a transport stream. */
export function fitsTs(format: FrameFormat): boolean {
  if (format.codec === "aac") return adtsHeader(format.configuration) !== undefined;
  const picture = format.codec === "h264" || format.codec === "h265";
  return picture && pictureHeads(format) !== undefined;
}

interface Unit {
  readonly dts: number;
  readonly payload: TsPayload;
}

interface Track {
  readonly format: FrameFormat;
  readonly heads: PictureHeads | undefined;
  readonly adts: Uint8Array | undefined;
}

/** Makes one stream's packets: its counters go on from run to run. */
export class TsMuxer {
  readonly #counters = new Map<number, number>();
  #tracks = new Map<FrameFormat["kind"], Track>();
  #version = -1;
  #tables: readonly TsPayload[] = [];

  /** The tracks from now on, each of which `fitsTs`. */
  setFormats(formats: readonly FrameFormat[]): void {
    this.#tracks = new Map(
      formats.map((format) => {
        const video = format.kind === "video";
        const heads = video ? pictureHeads(format) : undefined;
        const adts = video ? undefined : adtsHeader(format.configuration);
        return [format.kind, { format, heads, adts }];
      }),
    );
    this.#version = (this.#version + 1) % 32;
    const streams = formats.map(({ codec, kind }) => ({ type: typeOf(codec), pid: PIDS[kind] }));
    const pmt = encodePmt({ pcrPid: this.#pcrPid, streams, version: this.#version });
    this.#tables = [
      { pid: 0, payload: padded(encodePat(PMT_PID)), continuity: 0 },
      { pid: PMT_PID, payload: padded(pmt), continuity: 0 },
    ];
  }

  /** The packets of the runs' samples in order of decoding; with the tables first, if asked. */
  encode(runs: readonly TsRun[], withTables: boolean): Uint8Array<ArrayBuffer> {
    const units = runs.flatMap((run) => {
      const track = this.#tracks.get(run.track.format.kind);
      if (track === undefined) return [];
      return run.track.format.kind === "video" ? pictures(run, track) : this.#sound(run, track);
    });
    units.sort((a, b) => a.dts - b.dts);
    const all = [...(withTables ? this.#tables : []), ...units.map(({ payload }) => payload)];
    let packets = 0;
    for (const payload of all) packets += packetsOf(payload);
    const out = new Uint8Array(packets * PACKET_BYTES);
    let at = 0;
    for (const payload of all) {
      const continuity = this.#counters.get(payload.pid) ?? 0;
      const end = putPackets(out, at, { ...payload, continuity });
      this.#counters.set(payload.pid, (continuity + (end - at) / PACKET_BYTES) & 15);
      at = end;
    }
    return out;
  }

  get #pcrPid(): number {
    return this.#tracks.has("video") ? PIDS.video : PIDS.audio;
  }

  /** Frames that follow each other share a PES packet. */
  #sound({ track, baseTime, samples }: TsRun, { adts }: Track): Unit[] {
    if (adts === undefined) return [];
    const units: Unit[] = [];
    let gathered: Uint8Array[] = [];
    let [begun, ends, ticks] = [0, 0, baseTime];
    const flush = (): void => {
      if (gathered.length > 0) units.push(this.#soundUnit(begun, adtsFrames(adts, gathered)));
      gathered = [];
    };
    for (const { duration, data } of samples) {
      const dts = scaled(ticks, track.timescale);
      if (Math.abs(dts - ends) > GAP_TICKS || dts - begun >= SOUND_TICKS) flush();
      if (gathered.length === 0) begun = dts;
      gathered.push(data);
      ticks += duration;
      ends = scaled(ticks, track.timescale);
    }
    flush();
    return units;
  }

  #soundUnit(dts: number, frames: Uint8Array): Unit {
    const pid = PIDS.audio;
    const pts = (dts + BASE_TICKS) % WRAP;
    const header = encodePesHeader(PesStreamId.Audio, frames.length, { pts, dts: pts });
    const payload = new Uint8Array(header.length + frames.length);
    payload.set(header);
    payload.set(frames, header.length);
    const alone = this.#pcrPid === pid;
    const pcr = alone ? pcrAt(dts) : undefined;
    return { dts, payload: { pid, payload, continuity: 0, pcr, randomAccess: alone } };
  }
}

function pictures({ track, baseTime, samples }: TsRun, { heads }: Track): Unit[] {
  if (heads === undefined) return [];
  let ticks = baseTime;
  return samples.map(({ duration, compositionOffset, keyframe, data }) => {
    const dts = scaled(ticks, track.timescale);
    const pts = scaled(ticks + compositionOffset, track.timescale);
    ticks += duration;
    const head = keyframe ? heads.keyframe : heads.other;
    const bytes = head.length + data.length;
    const times = { dts: (dts + BASE_TICKS) % WRAP, pts: (pts + BASE_TICKS) % WRAP };
    const header = encodePesHeader(PesStreamId.Video, bytes, times);
    const payload = new Uint8Array(header.length + bytes);
    payload.set(header);
    putPicture(payload, header.length, head, data);
    const pid = PIDS.video;
    return {
      dts,
      payload: { pid, payload, continuity: 0, pcr: pcrAt(dts), randomAccess: keyframe },
    };
  });
}

function pcrAt(dts: number): number {
  return (dts + BASE_TICKS - PCR_DELAY_TICKS) % WRAP;
}

function scaled(ticks: number, timescale: number): number {
  return timescale === CLOCK ? ticks : Math.round((ticks * CLOCK) / timescale);
}

function typeOf(codec: FrameFormat["codec"]): number {
  if (codec === "h264") return StreamType.H264;
  return codec === "h265" ? StreamType.H265 : StreamType.AdtsAac;
}

/** A section fills its packet up with 0xff (§2.4.4). */
function padded(section: Uint8Array): Uint8Array {
  const out = new Uint8Array(PACKET_BYTES - 4).fill(0xff);
  out.set(section);
  return out;
}
