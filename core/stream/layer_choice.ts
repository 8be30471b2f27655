/**
 * Which layer of a video a viewer gets: the best his path takes, or the one he asked for.
 *
 * Down at once when he falls behind; up again after a quiet time, one layer at a time, and each
 * time that fails it takes longer. So a path that takes no more is tried seldom, and he is not
 * shown one size after another.
 *
 * @module
 */
import type { Millis } from "../base/mod.ts";
import type { Format } from "../media/mod.ts";
import type { Gate } from "./gate.ts";
import type { VideoLayer } from "./video_layers.ts";
import type { ViewerTrack } from "./viewer_track.ts";

/** What a viewer asks for. */
export interface LayerWish {
  /** A rid, or `high`, `mid`, `low`; `auto` for the best his path takes. */
  readonly layer: string;
  /** For `auto`: none with more lines, while there is another. */
  readonly maxHeight: number;
}

export const ANY_LAYER: LayerWish = { layer: "auto", maxHeight: Number.POSITIVE_INFINITY };
/** Names of layers that every stream has. */
export const LAYER_NAMES: readonly string[] = ["auto", "high", "mid", "low"];

/** Quiet time before a better layer is tried: the first, and the most it is doubled to. */
const FIRST_QUIET_MILLIS = 4000;
const MAX_QUIET_MILLIS = 60_000;
/** Who falls behind so soon after he was raised is taken to have fallen by that. */
const RELAPSE_MILLIS = 10_000;
/** While a better one is on trial, so much behind is enough to end that: no frame is lost yet. */
const TRIAL_MILLIS = 3000;
const TRIAL_LAG_MILLIS = 200;
/** A layer must have come for so long before anybody is raised to it. */
const STEADY_MILLIS = 500;
/** How often a viewer is raised per minute; he is lowered no more often than that and the layers. */
export const MAX_RAISES_PER_MINUTE = 6;
/** An estimate says little so soon after a change: it grows with what is sent. */
const ESTIMATE_MILLIS = 3000;
/** Bits per second of an estimate for each of a layer: to be raised, and to stay. */
const ROOM_TO_RAISE = 1.2;
const ROOM_TO_STAY = 0.95;

export class LayerChoice {
  #wish: LayerWish = ANY_LAYER;
  /** Whether he has just asked, so that nothing holds up the next change. */
  #asked = false;
  /** Best layer he may be given, counted from the worst. */
  #most = Number.POSITIVE_INFINITY;
  #quiet: Millis = FIRST_QUIET_MILLIS;
  /** When a better one may be tried. */
  #tryAt: Millis = 0;
  /** When he was last put on another layer, and on a better one. */
  #changedAt: Millis = Number.NEGATIVE_INFINITY;
  #raisedAt: Millis = Number.NEGATIVE_INFINITY;
  #falls = 0;
  readonly #raises: Millis[] = [];
  readonly #layers: VideoLayer[] = [];
  /** The format he was last looked at for; layers nearly always share one. */
  #format: Format | undefined;
  #suited = false;

  get wish(): LayerWish {
    return this.#wish;
  }

  ask(wish: LayerWish): void {
    this.#wish = wish;
    this.#asked = true;
  }

  /**
   * The layer he is to be on, out of `ranked`, the worst first; `undefined` when there is none for
   * him. `estimate` is what his path takes, in bits per second, infinite while unknown.
   */
  pick(
    viewer: ViewerTrack,
    ranked: readonly VideoLayer[],
    gate: Gate,
    estimate: number,
    now: Millis,
  ): VideoLayer | undefined {
    const layers = this.#layers;
    layers.length = 0;
    for (const layer of ranked) {
      const { format } = layer.track;
      if (format !== undefined && this.#suits(viewer, format)) layers.push(layer);
    }
    const on = viewer.target ?? viewer.source;
    const at = layers.findIndex(({ track }) => track === on);
    const fixed = this.#fixed(layers);
    this.#follow(layers, at, gate, fixed < 0 ? estimate : Number.POSITIVE_INFINITY, now);
    const wanted = fixed < 0 ? this.#automatic(layers) : fixed;
    const chosen = nearest(layers, wanted);
    if (chosen === at || chosen < 0) return layers[chosen];
    return layers[this.#change(layers, viewer, at, chosen, now)];
  }

  #suits(viewer: ViewerTrack, format: Format): boolean {
    if (this.#format !== format) {
      this.#format = format;
      this.#suited = viewer.suits(format);
    }
    return this.#suited;
  }

  /** Place of the layer he asked for by name, -1 when the choice is ours. */
  #fixed(layers: readonly VideoLayer[]): number {
    const { layer } = this.#wish;
    const named = layers.findIndex(({ track }) => track.source?.rid === layer);
    if (named >= 0) return named;
    if (layer === "low") return 0;
    if (layer === "mid") return layers.length >> 1;
    return layer === "high" ? layers.length - 1 : -1;
  }

  /** Learns from how he fares on layer `at`. */
  #follow(
    layers: readonly VideoLayer[],
    at: number,
    gate: Gate,
    estimate: number,
    now: Millis,
  ): void {
    const fell = gate.falls !== this.#falls;
    this.#falls = gate.falls;
    const bits = layers[at]?.bitsPerSecond ?? 0;
    const settled = now - this.#changedAt >= ESTIMATE_MILLIS;
    const fails = now - this.#raisedAt < TRIAL_MILLIS && gate.behind(now) > TRIAL_LAG_MILLIS;
    // Right after a change a fall may come of what the layer before left on the path.
    const known = estimate !== Number.POSITIVE_INFINITY;
    const counts = fell && (settled || !known || estimate < bits);
    if (counts || fails || (settled && estimate < bits * ROOM_TO_STAY)) {
      this.#lower(layers, at, estimate, now);
    } else if (!gate.video) {
      this.#tryAt = Math.max(this.#tryAt, now + this.#quiet);
    }
    if (this.#most >= layers.length - 1 || at !== this.#most) return;
    const next = (layers[at + 1]?.bitsPerSecond ?? 0) * ROOM_TO_RAISE;
    if (now < this.#tryAt || estimate < next) return;
    this.#most++;
    this.#tryAt = now + this.#quiet;
  }

  /** To the next lower layer, and on to one that the estimate covers. */
  #lower(layers: readonly VideoLayer[], at: number, estimate: number, now: Millis): void {
    const relapse = now - this.#raisedAt < RELAPSE_MILLIS;
    const longer = Math.min(MAX_QUIET_MILLIS, this.#quiet * 2);
    this.#quiet = relapse ? longer : FIRST_QUIET_MILLIS;
    this.#raisedAt = Number.NEGATIVE_INFINITY;
    this.#tryAt = now + this.#quiet;
    this.#most = Math.max(0, at - 1);
    while (this.#most > 0 && estimate < (layers[this.#most]?.bitsPerSecond ?? 0)) this.#most--;
  }

  /** The best within what he may have and wants. */
  #automatic(layers: readonly VideoLayer[]): number {
    let best = Math.min(this.#most, layers.length - 1);
    const { maxHeight } = this.#wish;
    while (best > 0 && (layers[best]?.track.description?.height ?? 0) > maxHeight) best--;
    return best;
  }

  /** Where he really goes: down whenever he must, up only to what is steady, and not too often. */
  #change(
    layers: readonly VideoLayer[],
    viewer: ViewerTrack,
    at: number,
    chosen: number,
    now: Millis,
  ): number {
    const starts = at < 0 || viewer.runs === 0 || this.#asked;
    this.#asked = false;
    if (chosen > at && !starts) {
      const since = layers[chosen]?.aliveSince ?? now;
      if (now - since < STEADY_MILLIS && layers[at]?.alive) return at;
      while (this.#raises.length > 0 && now - (this.#raises[0] ?? 0) >= 60_000)
        this.#raises.shift();
      if (this.#raises.length >= MAX_RAISES_PER_MINUTE && layers[at]?.alive) return at;
      this.#raises.push(now);
      this.#raisedAt = now;
    }
    this.#changedAt = now;
    return chosen;
  }
}

/** The layer at `wanted` if it is alive, else the next lower one, else the next higher one. */
function nearest(layers: readonly VideoLayer[], wanted: number): number {
  for (let i = wanted; i >= 0; i--) if (layers[i]?.alive) return i;
  for (let i = wanted + 1; i < layers.length; i++) if (layers[i]?.alive) return i;
  return layers.length > 0 ? Math.max(0, Math.min(wanted, layers.length - 1)) : -1;
}
