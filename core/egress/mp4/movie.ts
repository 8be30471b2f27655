/**
 * Fragments made into one movie: what their `moof` boxes say of the samples becomes the tables of one
 * `moov` (ISO/IEC 14496-12 §8.6, §8.7), while the media itself need only be copied.
 *
 * ```
 *   ftyp moov  moof mdat  moof mdat  moof mdat        as it was written
 *   ftyp moov............  mdat............           fast start
 * ```
 *
 * @module
 */
import { Fault, isFault } from "../../base/mod.ts";
import { latin1, u32 } from "../../bytes/mod.ts";
import { box, boxAt, boxesIn, fullBox, lengthOf, type Pieces, words } from "./box.ts";
import { type DecodedRun, decodeFragment } from "./fragment.ts";
import { describeInBand, type FormatChange, firstEntry, inBandOfEntry } from "./in_band.ts";
import { Runs, Words } from "./table.ts";

/** A movie without samples of its own, or not of the kind that is written here. */
export const MOVIE_DAMAGED: Fault = new Fault("mp4", "movie-damaged", "ISO/IEC 14496-12 §8.2");

/** A track, as the `moov` in front of fragments tells it. */
export interface MovieTrack {
  readonly id: number;
  readonly video: boolean;
  readonly timescale: number;
  /** As `tkhd` has them, in 1/65536 pixels. */
  readonly width: number;
  readonly height: number;
  /** The contents of `stsd`, as they are. */
  readonly descriptions: Uint8Array;
}

/** Ticks per second of the movie's own times. */
const MOVIE_TIMESCALE = 1000;
const IDENTITY = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];
const TRACKS_MAX = 8;

/** The tracks of a `moov`, of which `body` is the contents. */
export function decodeMovie(body: Uint8Array): readonly MovieTrack[] | Fault {
  const tracks: MovieTrack[] = [];
  for (const { type, body: trak } of boxesIn(body)) {
    if (type !== "trak") continue;
    const track = decodeTrack(trak);
    if (track === undefined || tracks.length === TRACKS_MAX) return MOVIE_DAMAGED;
    tracks.push(track);
  }
  return tracks.length === 0 ? MOVIE_DAMAGED : tracks;
}

function decodeTrack(trak: Uint8Array): MovieTrack | undefined {
  const tkhd = boxAt(trak, "tkhd");
  const mdhd = boxAt(trak, "mdia", "mdhd");
  const hdlr = boxAt(trak, "mdia", "hdlr");
  const descriptions = boxAt(trak, "mdia", "minf", "stbl", "stsd");
  if (!tkhd || !mdhd || !hdlr || !descriptions) return undefined;
  // Version 1 has 64 bits for each of its times.
  const [idAt, sizeAt] = tkhd[0] === 1 ? [20, 88] : [12, 76];
  const timescaleAt = mdhd[0] === 1 ? 20 : 12;
  if (tkhd.length < sizeAt + 8 || mdhd.length < timescaleAt + 4 || hdlr.length < 12) {
    return undefined;
  }
  const timescale = u32(mdhd, timescaleAt);
  if (timescale === 0) return undefined;
  return {
    id: u32(tkhd, idAt),
    video: latin1(hdlr, 8, 12) === "vide",
    timescale,
    width: u32(tkhd, sizeAt),
    height: u32(tkhd, sizeAt + 4),
    descriptions,
  };
}

/** One track's tables, as they grow. */
class TrackTables {
  track: MovieTrack;
  readonly sizes: Words = new Words();
  readonly deltas: Runs = new Runs();
  readonly offsets: Runs = new Runs();
  readonly keyframes: Words = new Words();
  /** Whether a sample is shown before it is decoded. */
  negative = false;
  /** First chunk and samples per chunk, of chunks that differ from the one before. */
  readonly perChunk: Words = new Words();
  /** Of each chunk two words: where it is in the media. */
  readonly chunks: Words = new Words();
  /** Of the first sample, in ticks. */
  start = 0;
  #samples = 0;
  #lastTime = 0;
  #lastDuration = 0;
  #lastCount = -1;

  constructor(track: MovieTrack) {
    this.track = track;
  }

  get samples(): number {
    return this.#samples;
  }

  /** From the first sample to the end of the last, in ticks. */
  get duration(): number {
    return this.#lastTime + this.#lastDuration - this.start;
  }

  add(run: DecodedRun, at: number): void {
    this.chunks.push(Math.floor(at / 2 ** 32));
    this.chunks.push(at % 2 ** 32);
    if (run.count !== this.#lastCount) {
      this.perChunk.push(this.chunks.count / 2);
      this.perChunk.push(run.count);
      this.perChunk.push(1);
      this.#lastCount = run.count;
    }
    let time = run.baseTime;
    for (let i = 0; i < run.count; i++) {
      const duration = run.durations[i] ?? 0;
      this.#addSample(time, duration, run, i);
      time += duration;
    }
  }

  /** The tables of deltas with that of the last sample, which none follows. */
  finish(): void {
    if (this.#samples > 0) this.deltas.push(this.#lastDuration);
  }

  /** Makes the first `count` keyframes so much longer; where in the media each of them begins. */
  lengthen(count: number, bytes: number): number[] {
    const places: number[] = [];
    let sample = 0;
    let group = 0;
    for (let chunk = 0; places.length < count && chunk < this.chunks.count / 2; chunk++) {
      if (this.perChunk.at(group + 3) === chunk + 1) group += 3;
      let at = this.chunks.at(chunk * 2) * 2 ** 32 + this.chunks.at(chunk * 2 + 1);
      for (let left = this.perChunk.at(group + 1); left > 0; left--, sample++) {
        const size = this.sizes.at(sample);
        if (places.length < count && this.keyframes.at(places.length) === sample + 1) {
          this.sizes.set(sample, size + bytes);
          places.push(at);
        }
        at += size;
      }
    }
    return places;
  }

  /** Chunks lie so many bytes further behind for each place before them. */
  shift(places: readonly number[], bytes: number): void {
    let before = 0;
    for (let chunk = 0; chunk < this.chunks.count / 2; chunk++) {
      const at = this.chunks.at(chunk * 2) * 2 ** 32 + this.chunks.at(chunk * 2 + 1);
      while (before < places.length && (places[before] ?? 0) < at) before++;
      const moved = at + before * bytes;
      this.chunks.set(chunk * 2, Math.floor(moved / 2 ** 32));
      this.chunks.set(chunk * 2 + 1, moved % 2 ** 32);
    }
  }

  #addSample(time: number, duration: number, run: DecodedRun, i: number): void {
    // How long one lasts is until the next: fragments may leave out time between them.
    if (this.#samples === 0) {
      this.start = time;
      this.#lastTime = time;
    } else {
      const later = Math.max(time, this.#lastTime);
      this.deltas.push(Math.min(later - this.#lastTime, 2 ** 32 - 1));
      this.#lastTime = later;
    }
    this.#lastDuration = duration;
    this.#samples++;
    this.sizes.push(run.sizes[i] ?? 0);
    const offset = run.compositionOffsets[i] ?? 0;
    this.offsets.push(offset);
    if (offset < 0) this.negative = true;
    if (run.keyframes[i] === 1) this.keyframes.push(this.#samples);
  }
}

/** What is to be put into the media while it is copied. */
export interface Insertion {
  /** Before these bytes of it, in order. */
  readonly places: readonly number[];
  readonly bytes: Uint8Array;
}

/** What fragments tell, gathered; in memory some 10 to 24 bytes per sample. */
export class MovieTables {
  readonly #tracks: readonly TrackTables[];
  #mediaBytes = 0;
  /** Of the first change, and the largest picture of all. */
  #plainKeyframes: number | undefined;
  #largest: FormatChange | undefined;

  constructor(tracks: readonly MovieTrack[]) {
    this.#tracks = tracks.map((track) => new TrackTables(track));
  }

  /** Samples of all tracks. */
  get samples(): number {
    return this.#tracks.reduce((sum, { samples }) => sum + samples, 0);
  }

  /** Bytes of media that were told. */
  get mediaBytes(): number {
    return this.#mediaBytes;
  }

  /** From 0 to the end of the longest track, in ms. */
  get millis(): number {
    return Math.max(
      0,
      ...this.#used.map(
        ({ start, duration, track }) => ((start + duration) * 1000) / track.timescale,
      ),
    );
  }

  get #used(): readonly TrackTables[] {
    return this.#tracks.filter(({ samples }) => samples > 0);
  }

  /**
   * Takes a fragment: the contents of its `moof`, of `moofBytes` with its head, and how many bytes of
   * media stand in the `mdat` behind it, whose own head is of `mdatHeadBytes`.
   */
  add(
    moof: Uint8Array,
    moofBytes: number,
    mdatHeadBytes: number,
    media: number,
  ): Fault | undefined {
    const runs = decodeFragment(moof);
    if (isFault(runs)) return runs;
    for (const run of runs) {
      const tables = this.#tracks.find(({ track }) => track.id === run.trackId);
      const at = run.dataOffset - moofBytes - mdatHeadBytes;
      if (tables === undefined || at < 0 || at + run.bytes > media) return MOVIE_DAMAGED;
      tables.add(run, this.#mediaBytes + at);
    }
    this.#mediaBytes += media;
    return undefined;
  }

  /** The pictures of what follows have another format. */
  change(change: FormatChange): void {
    this.#plainKeyframes ??= change.keyframes;
    const area = (one: FormatChange | undefined): number => (one ? one.width * one.height : 0);
    if (area(change) > area(this.#largest)) this.#largest = change;
  }

  /**
   * Gives the track of pictures whose format changes what its first keyframes lack, and the description of its
   * largest ones. To be called once, when all was added, before `encodeHead`.
   */
  takeInsertion(): Insertion {
    const none = { places: [], bytes: new Uint8Array(0) };
    const tables = this.#tracks.find(({ track }) => track.video);
    const entry = tables && firstEntry(tables.track.descriptions);
    const bytes = entry && inBandOfEntry(entry);
    if (this.#plainKeyframes === undefined || !tables || !entry || !bytes) return none;
    const { track } = tables;
    const [width, height] = [track.width / 0x1_0000, track.height / 0x1_0000];
    const first: FormatChange = { keyframes: 0, entry, width, height };
    this.change(first);
    const largest = this.#largest ?? first;
    tables.track = {
      ...track,
      width: largest.width * 0x1_0000,
      height: largest.height * 0x1_0000,
      descriptions: describeInBand(largest.entry),
    };
    const places = bytes.length > 0 ? tables.lengthen(this.#plainKeyframes, bytes.length) : [];
    for (const one of this.#tracks) one.shift(places, bytes.length);
    this.#mediaBytes += places.length * bytes.length;
    return { places, bytes };
  }

  /** What stands in front of the media, `mdat`'s own head included. To be called once. */
  encodeHead(): Pieces {
    for (const tables of this.#tracks) tables.finish();
    const ftyp = box("ftyp", [latin("isom"), words([0x200]), latin("isomiso2avc1mp41")]);
    // Chunks are told in 32 bits as long as they lie within.
    const estimate = lengthOf(this.#movie(0, false));
    const long = lengthOf(ftyp) + estimate + this.#mediaBytes > 2 ** 32 - 2 ** 20;
    const mdat = long
      ? [words([1]), latin("mdat"), long64(this.#mediaBytes + 16)]
      : [words([this.#mediaBytes + 8]), latin("mdat")];
    const head = lengthOf(ftyp) + lengthOf(long ? this.#movie(0, true) : this.#movie(0, false));
    return [...ftyp, ...this.#movie(head + lengthOf(mdat), long), ...mdat];
  }

  #movie(mediaAt: number, long: boolean): Pieces {
    const duration = Math.round(this.millis);
    const mvhd = fullBox("mvhd", 0, 0, [
      words([0, 0, MOVIE_TIMESCALE, duration, 0x1_0000, 0x100_0000, 0, 0, ...IDENTITY]),
      words([0, 0, 0, 0, 0, 0, TRACKS_MAX + 1]),
    ]);
    return box("moov", mvhd, ...this.#used.map((tables) => trackBox(tables, mediaAt, long)));
  }
}

function trackBox(tables: TrackTables, mediaAt: number, long: boolean): Pieces {
  const { track, start, duration } = tables;
  const inMovie = (ticks: number): number =>
    Math.round((ticks * MOVIE_TIMESCALE) / track.timescale);
  const whole = inMovie(start + duration);
  const volume = track.video ? 0 : 0x100_0000;
  const tkhd = fullBox("tkhd", 0, 3, [
    words([0, 0, track.id, 0, whole, 0, 0, 0, volume, ...IDENTITY, track.width, track.height]),
  ]);
  // A track that begins later than the movie: nothing first, then all of it.
  const edits = words([2, inMovie(start), -1, 0x1_0000, inMovie(duration), 0, 0x1_0000]);
  const edts = inMovie(start) > 0 ? box("edts", fullBox("elst", 0, 0, [edits])) : [];
  const mdhd = fullBox("mdhd", 1, 0, [
    words([0, 0, 0, 0, track.timescale]),
    long64(duration),
    words([0x55c4_0000]), // `und` (§8.4.2.3)
  ]);
  const hdlr = fullBox("hdlr", 0, 0, [
    words([0]),
    latin(track.video ? "vide" : "soun"),
    words([0, 0, 0]),
    latin("monoport\0"),
  ]);
  const media = track.video
    ? fullBox("vmhd", 0, 1, [words([0, 0])])
    : fullBox("smhd", 0, 0, [words([0])]);
  const dinf = box("dinf", fullBox("dref", 0, 0, [words([1])], fullBox("url ", 0, 1)));
  const minf = box("minf", media, dinf, sampleTable(tables, mediaAt, long));
  return box("trak", tkhd, edts, box("mdia", mdhd, hdlr, minf));
}

function sampleTable(tables: TrackTables, mediaAt: number, long: boolean): Pieces {
  const { track, sizes, deltas, offsets, keyframes, perChunk, samples } = tables;
  const boxes: Pieces[] = [
    box("stsd", [track.descriptions]),
    fullBox("stts", 0, 0, [words([deltas.count]), deltas.words.bytes()]),
  ];
  if (!offsets.allZero) {
    const version = tables.negative ? 1 : 0;
    boxes.push(fullBox("ctts", version, 0, [words([offsets.count]), offsets.words.bytes()]));
  }
  if (keyframes.count < samples) {
    boxes.push(fullBox("stss", 0, 0, [words([keyframes.count]), keyframes.bytes()]));
  }
  boxes.push(
    fullBox("stsc", 0, 0, [words([perChunk.count / 3]), perChunk.bytes()]),
    fullBox("stsz", 0, 0, [words([0, samples]), sizes.bytes()]),
    chunkOffsets(tables.chunks, mediaAt, long),
  );
  return box("stbl", ...boxes);
}

function chunkOffsets(chunks: Words, mediaAt: number, long: boolean): Pieces {
  const count = chunks.count / 2;
  const out = new Words();
  for (let i = 0; i < count; i++) {
    const at = mediaAt + chunks.at(i * 2) * 2 ** 32 + chunks.at(i * 2 + 1);
    if (long) out.push(Math.floor(at / 2 ** 32));
    out.push(at % 2 ** 32);
  }
  return fullBox(long ? "co64" : "stco", 0, 0, [words([count]), out.bytes()]);
}

function long64(value: number): Uint8Array {
  return words([Math.floor(value / 2 ** 32), value % 2 ** 32]);
}

function latin(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
