/**
 * Boxes of MP4 (ISO/IEC 14496-12) by mp4box, which nothing else here knows. Only its box classes are
 * used: its own fragmenting keeps every sample, and writes whole buffers where it was given a part.
 *
 * @module
 */
import { type Box, BoxParser, DataStream } from "mp4box";
import type { Mp4Run, Mp4Track } from "../../core/egress/mp4/mod.ts";
import type { FrameFormat } from "../../core/stream/mod.ts";
import { sampleEntry } from "./codec_boxes.ts";

const IDENTITY: readonly number[] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];
const { box: boxes } = BoxParser;
/** `und` (§8.4.2.3). */
const NO_LANGUAGE = 0x55c4;
const BASE_IS_MOOF = 0x02_0000;
/** What a run tells of each sample: duration, size, flags, composition offset; and where data begins. */
const VIDEO_RUN = 0xf01;
const AUDIO_RUN = 0x301;
/** §8.8.3.1: depends on no other; depends on others, and no place to begin. */
const KEYFRAME = 0x0200_0000;
const NO_KEYFRAME = 0x0101_0000;
const MDAT = [0x6d, 0x64, 0x61, 0x74] as const;
const BOX_HEADER_BYTES = 8;

/** `ftyp` and `moov`: what a player needs before fragments of these tracks. */
export function initSegment(tracks: readonly Mp4Track[]): Uint8Array<ArrayBuffer> {
  const ftyp = new boxes.ftyp();
  ftyp.major_brand = "iso6";
  ftyp.minor_version = 512;
  ftyp.compatible_brands = ["iso6", "cmfc", "mp41"];
  const moov = new boxes.moov();
  const mvhd = moov.addBox(new boxes.mvhd());
  Object.assign(mvhd, { ...TIMES, timescale: 1000, rate: 0x1_0000, volume: 1, matrix: IDENTITY });
  mvhd.next_track_id = tracks.length + 1;
  for (const track of tracks) moov.addBox(trackBox(track));
  const mvex = moov.addBox(new boxes.mvex());
  for (const { id } of tracks) {
    const trex = mvex.addBox(new boxes.trex());
    trex.track_id = id;
    trex.default_sample_description_index = 1;
    trex.default_sample_duration = 0;
    trex.default_sample_size = 0;
    trex.default_sample_flags = 0;
  }
  return written([ftyp, moov]);
}

/** The sample entry of a track alone, as `stsd` has it. */
export function sampleDescription(format: FrameFormat): Uint8Array<ArrayBuffer> {
  return written([sampleEntry(format)]);
}

const TIMES = { creation_time: 0, modification_time: 0, duration: 0 } as const;

function trackBox({ id, format, timescale }: Mp4Track): Box {
  const video = format.kind === "video";
  const trak = new boxes.trak();
  const tkhd = trak.addBox(new boxes.tkhd());
  Object.assign(tkhd, { ...TIMES, flags: 3, track_id: id, matrix: IDENTITY });
  tkhd.volume = video ? 0 : 1;
  tkhd.width = format.width * 0x1_0000;
  tkhd.height = format.height * 0x1_0000;
  const mdia = trak.addBox(new boxes.mdia());
  Object.assign(mdia.addBox(new boxes.mdhd()), { ...TIMES, timescale, language: NO_LANGUAGE });
  const hdlr = mdia.addBox(new boxes.hdlr());
  hdlr.handler = video ? "vide" : "soun";
  hdlr.name = "monoport";
  const minf = mdia.addBox(new boxes.minf());
  if (video) {
    minf.addBox(Object.assign(new boxes.vmhd(), { flags: 1, graphicsmode: 0, opcolor: [0, 0, 0] }));
  } else {
    minf.addBox(Object.assign(new boxes.smhd(), { balance: 0 }));
  }
  const dref = minf.addBox(new boxes.dinf()).addBox(new boxes.dref());
  dref.entries = [new boxes["url "]()];
  const stbl = minf.addBox(new boxes.stbl());
  stbl.addBox(new boxes.stsd()).entries = [sampleEntry(format)] as never;
  stbl.addBox(new boxes.stts());
  const noChunks = { first_chunk: [], samples_per_chunk: [], sample_description_index: [] };
  stbl.addBox(Object.assign(new boxes.stsc(), noChunks));
  stbl.addBox(Object.assign(new boxes.stsz(), { sample_size: 0, sample_sizes: [] }));
  stbl.addBox(Object.assign(new boxes.stco(), { chunk_offsets: [] }));
  return trak;
}

/** `moof` and `mdat` of samples of one track or several. `sequence` grows from fragment to fragment. */
export function fragment(sequence: number, runs: readonly Mp4Run[]): Uint8Array<ArrayBuffer> {
  const moof = new boxes.moof();
  moof.addBox(new boxes.mfhd()).sequence_number = sequence;
  const offsets = runs.map((run) => {
    const traf = moof.addBox(new boxes.traf());
    const tfhd = traf.addBox(new boxes.tfhd());
    tfhd.flags = BASE_IS_MOOF;
    tfhd.track_id = run.track.id;
    const tfdt = traf.addBox(new boxes.tfdt());
    tfdt.version = 1;
    tfdt.baseMediaDecodeTime = run.baseTime;
    return traf.addBox(trackRun(run));
  });
  const stream = new DataStream();
  moof.write(stream);
  let at = stream.getPosition() + BOX_HEADER_BYTES;
  const first = at;
  for (const [i, trun] of offsets.entries()) {
    stream.adjustUint32(trun.data_offset_position, at);
    for (const { data } of runs[i]?.samples ?? []) at += data.length;
  }
  // The samples are copied once, into the fragment itself: so not by a box of mp4box.
  const out = new Uint8Array(at);
  const head = first - BOX_HEADER_BYTES;
  out.set(new Uint8Array(stream.buffer, 0, head));
  new DataView(out.buffer).setUint32(head, at - head);
  out.set(MDAT, head + 4);
  let end = first;
  for (const { samples } of runs) {
    for (const { data } of samples) {
      out.set(data, end);
      end += data.length;
    }
  }
  return out;
}

function trackRun({ track, samples }: Mp4Run): InstanceType<typeof boxes.trun> {
  const trun = new boxes.trun();
  const video = track.format.kind === "video";
  trun.version = 1;
  trun.flags = video ? VIDEO_RUN : AUDIO_RUN;
  trun.sample_count = samples.length;
  trun.data_offset = 0; // known when the boxes are written
  for (const sample of samples) {
    trun.sample_duration.push(sample.duration);
    trun.sample_size.push(sample.data.length);
    if (!video) continue;
    trun.sample_flags.push(sample.keyframe ? KEYFRAME : NO_KEYFRAME);
    trun.sample_composition_time_offset.push(sample.compositionOffset);
  }
  return trun;
}

function written(all: readonly Box[]): Uint8Array<ArrayBuffer> {
  const stream = new DataStream();
  for (const box of all) box.write(stream);
  return new Uint8Array(stream.buffer.slice(0));
}
