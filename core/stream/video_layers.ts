/**
 * The layers of a stream's video: one without simulcast, several with it (RFC 8853).
 *
 * @module
 */
import { type Millis, NEVER } from "../base/mod.ts";
import { Batch } from "./batch.ts";
import { KeyframeRequests } from "./keyframe_requests.ts";
import type { HubLimits } from "./options.ts";
import { type SourceTrack, Track } from "./track.ts";

/** Layers of one publisher; further ones are not taken. Browsers send up to three. */
export const MAX_LAYERS = 4;
/** A layer that lags behind the others by so long, or by so many of its frames, is silent. */
const SILENT_MILLIS = 700;
const SILENT_FRAMES = 3;
/** Of two layers with one size the one with so much more bits is better. */
const CLEARLY_MORE = 1.3;
const RATE_SECONDS = 3;

/** One encoding of the video. */
export class VideoLayer {
  readonly track: Track;
  readonly keyframes: KeyframeRequests;
  /** What came of it and was not sent yet; that of the first layer holds audio too. */
  readonly batch: Batch = new Batch();
  /** Lately; kept only while there are several layers. */
  bitsPerSecond = 0;
  /** Since when it has been sent without a pause, `NEVER` while it is silent. */
  aliveSince: Millis = NEVER;
  /** Whether its reports and those of audio go by the publisher's clock. */
  bySender = false;
  /** Whether somebody waits for a keyframe of it; while viewers are looked after. */
  awaited = false;

  constructor(limits: HubLimits) {
    this.track = new Track("video", limits);
    this.keyframes = new KeyframeRequests(limits);
  }

  get alive(): boolean {
    return this.aliveSince !== NEVER;
  }

  /** Pixels of a picture, 0 until a keyframe told. */
  get pixels(): number {
    const { description } = this.track;
    return description === undefined ? 0 : description.width * description.height;
  }
}

export class VideoLayers {
  readonly #limits: HubLimits;
  readonly #first: VideoLayer;
  /** All there ever were; their numbering goes on with the next publisher. */
  readonly #all: VideoLayer[];
  /** Those of the publisher, in his order; at least one. */
  #active: readonly VideoLayer[];
  /** The same, the worst first. */
  #ranked: VideoLayer[];

  constructor(limits: HubLimits) {
    this.#limits = limits;
    this.#first = new VideoLayer(limits);
    this.#all = [this.#first];
    this.#active = [this.#first];
    this.#ranked = [this.#first];
  }

  get first(): VideoLayer {
    return this.#first;
  }

  /** Those of earlier publishers too. */
  get all(): readonly VideoLayer[] {
    return this.#all;
  }

  get active(): readonly VideoLayer[] {
    return this.#active;
  }

  /** Whether there is something to choose from. */
  get several(): boolean {
    return this.#active.length > 1;
  }

  /** Those that have sent something, the worst first. */
  get ranked(): readonly VideoLayer[] {
    return this.#ranked;
  }

  of(track: Track): VideoLayer {
    return this.#active.find((layer) => layer.track === track) ?? this.#first;
  }

  /** The first source of a publisher is his first layer. */
  setFirst(source: SourceTrack): void {
    this.clear();
    this.#first.track.setSource(source);
  }

  add(source: SourceTrack): void {
    const at = this.#active.length;
    let layer = this.#all[at];
    if (layer === undefined) {
      layer = new VideoLayer(this.#limits);
      this.#all.push(layer);
    }
    layer.track.setSource(source);
    this.#active = [...this.#active, layer];
    this.#ranked.push(layer);
  }

  /** The publisher is gone. */
  clear(): void {
    for (const layer of this.#active) {
      layer.track.setSource(undefined);
      layer.batch.clear();
      layer.keyframes.keyframe();
      layer.aliveSince = NEVER;
      layer.bySender = false;
    }
    this.#active = [this.#first];
    this.#ranked = [this.#first];
  }

  /** The best layer that is sent now. */
  best(): Track {
    if (!this.several) return this.#first.track;
    this.#rank();
    const newest = this.#newest();
    for (let i = this.#ranked.length - 1; i >= 0; i--) {
      const layer = this.#ranked[i];
      if (layer?.track.format !== undefined && !isSilent(layer.track, newest, 0))
        return layer.track;
    }
    return this.#first.track;
  }

  /** Looks which layers live, what they cost and which is better. */
  update(now: Millis): void {
    const newest = this.#newest();
    for (const layer of this.#active) {
      const { track } = layer;
      layer.bitsPerSecond = track.byteRate.perSecond(now, RATE_SECONDS) * 8;
      const silent = isSilent(track, newest, track.frameRate.perSecond(now, RATE_SECONDS));
      if (silent) layer.aliveSince = NEVER;
      else if (!layer.alive) layer.aliveSince = now;
    }
    this.#rank();
  }

  /** When the newest packet of any layer came. */
  #newest(): Millis {
    let newest = 0;
    for (const { track } of this.#active) {
      if (track.format !== undefined) newest = Math.max(newest, track.timeline.at);
    }
    return newest;
  }

  #rank(): void {
    const ranked = this.#ranked;
    for (let round = 1; round < ranked.length; round++) {
      for (let i = 1; i < ranked.length; i++) {
        const [lower, upper] = [ranked[i - 1], ranked[i]];
        if (lower === undefined || upper === undefined || !isBetter(lower, upper)) continue;
        ranked[i - 1] = upper;
        ranked[i] = lower;
      }
    }
  }
}

/** By size; of one size by what it costs, and not while that says little. */
function isBetter(a: VideoLayer, b: VideoLayer): boolean {
  if (a.pixels === 0 || b.pixels === 0) return false;
  if (a.pixels !== b.pixels) return a.pixels > b.pixels;
  return b.alive && a.bitsPerSecond > b.bitsPerSecond * CLEARLY_MORE;
}

/**
 * A camera without change, or a slow one, is silent on all layers alike: only what the others went
 * on without is.
 */
function isSilent(track: Track, newest: Millis, framesPerSecond: number): boolean {
  if (track.format === undefined) return true;
  const frames = framesPerSecond > 0 ? (SILENT_FRAMES * 1000) / framesPerSecond : 0;
  return newest - track.timeline.at > Math.max(SILENT_MILLIS, Math.min(frames, 3000));
}
