/**
 * Watches a stream by the best way that carries it, and goes over to the next when one does not:
 * WebRTC (UDP, then TCP), HLS, HTTP-FLV. When all have failed it begins again.
 *
 * @module
 */
import { readStreams } from "./api.ts";
import type { State } from "./conversation.ts";
import { latencyInWords, Playback, type Source } from "./playback.ts";
import { Player } from "./player.ts";
import type { Settings } from "./settings.ts";
import { rateInWords } from "./stats.ts";

export type WayName = "webrtc" | "hls" | "flv";

/** Best first: in latency. */
export const wayNames: readonly WayName[] = ["webrtc", "hls", "flv"];

type Pairs = readonly (readonly [name: string, value: string])[];

/** One of the ways to watch. */
interface Way {
  readonly name: WayName;
  readonly state: State;
  readonly message: string;
  onchange: () => void;
  start(): Promise<void>;
  stop(): void;
  /** What it goes by, as it is told: `WebRTC over UDP`. */
  readonly by: string;
  /** Seconds; what it means is in the docs. */
  readonly latency: number | undefined;
  readonly figures: Pairs;
}

const words: Readonly<Record<WayName, string>> = { webrtc: "WebRTC", hls: "HLS", flv: "FLV" };
const againMillis = 3_000;
/** Connected, the stream is live, and still no picture: another way may have one. */
const patienceMillis = 8_000;
const askMillis = 2_000;
/** Who has watched for so long looks again for the best way when this one ends. */
const goodMillis = 5_000;

export class Watch {
  onchange: () => void = () => {};
  state: State = "idle";
  message = "";
  /** Why the ways before this one were left, best first. */
  left: readonly string[] = [];
  readonly #settings: Settings;
  readonly #ways: readonly Way[];
  #index = 0;
  #current: Way | undefined;
  #since = 0;
  /** When the picture came, by this way. */
  #liveSince = 0;
  #again: ReturnType<typeof setTimeout> | undefined;
  #ticker: ReturnType<typeof setInterval> | undefined;

  constructor(settings: Settings, video: HTMLVideoElement, names: readonly WayName[]) {
    this.#settings = settings;
    this.#ways = names.map((name) =>
      name === "webrtc" ? new WebRtcWay(settings, video) : new FileWay(name, settings, video),
    );
  }

  get way(): WayName | undefined {
    return this.#current?.name;
  }

  get by(): string {
    return this.#current?.by ?? "";
  }

  get latency(): number | undefined {
    return this.#current?.latency;
  }

  get figures(): Pairs {
    const way = this.#current;
    if (way === undefined) return [];
    return [["by", way.by], ["latency", latencyInWords(way.latency)], ...way.figures];
  }

  start(): void {
    this.#end();
    this.left = [];
    this.#ticker = setInterval(() => void this.#judge(), askMillis);
    this.#go(0);
  }

  stop(): void {
    this.#end();
    this.state = "stopped";
    this.message = "Stopped.";
    this.onchange();
  }

  #go(index: number): void {
    this.#index = index;
    const way = this.#ways[index];
    this.#current = way;
    if (way === undefined) {
      this.#fail();
      return;
    }
    this.#since = performance.now();
    this.#liveSince = Number.POSITIVE_INFINITY;
    way.onchange = () => {
      if (way === this.#current) this.#changed(way);
    };
    void way.start();
  }

  #changed(way: Way): void {
    if (way.state === "failed") {
      this.#next(way, way.message);
      return;
    }
    if (way.state !== this.state) this.#since = performance.now();
    if (way.state === "live") this.#liveSince = Math.min(this.#liveSince, performance.now());
    this.state = way.state;
    this.message =
      way.state === "connecting" ? `Trying ${words[way.name]}: ${way.message}` : way.message;
    this.onchange();
  }

  #next(way: Way, why: string): void {
    this.#current = undefined;
    way.stop();
    if (performance.now() - this.#liveSince > goodMillis) {
      this.left = [];
      this.#go(0);
      return;
    }
    this.left = [...this.left, `${words[way.name]}: ${why}`];
    this.#go(this.#index + 1);
  }

  /** A way that is connected and shows nothing of a live stream is left, too. */
  async #judge(): Promise<void> {
    const way = this.#current;
    const waits = (): boolean =>
      way === this.#current &&
      way?.state === "waiting" &&
      performance.now() - this.#since > patienceMillis;
    if (way === undefined || !waits() || this.#ways.length === 1) return;
    const { app, stream } = this.#settings;
    const streams = await readStreams(this.#settings);
    const live = streams?.some(
      (one) => one.app === app && one.name === stream && one.publish.active,
    );
    if (live === true && waits()) this.#next(way, way.message);
  }

  #fail(): void {
    this.state = "failed";
    this.message = `${this.left.at(-1) ?? "No way is left."} Beginning again in 3 s.`;
    this.#again = setTimeout(() => this.start(), againMillis);
    this.onchange();
  }

  #end(): void {
    clearTimeout(this.#again);
    clearInterval(this.#ticker);
    const way = this.#current;
    this.#current = undefined;
    way?.stop();
  }
}

class WebRtcWay implements Way {
  readonly name = "webrtc";
  readonly #player: Player;

  constructor(settings: Settings, video: HTMLVideoElement) {
    this.#player = new Player(settings, video);
  }

  get state(): State {
    return this.#player.state;
  }

  get message(): string {
    return this.#player.message;
  }

  set onchange(call: () => void) {
    this.#player.onchange = call;
  }

  async start(): Promise<void> {
    if (typeof RTCPeerConnection === "undefined") {
      this.#player.state = "failed";
      this.#player.message = "This browser has no WebRTC.";
      this.#player.onchange();
      return;
    }
    await this.#player.start();
  }

  stop(): void {
    this.#player.stop();
  }

  get by(): string {
    const protocol = this.#player.figures?.protocol ?? "";
    return protocol === "" ? "WebRTC" : `WebRTC over ${protocol.toUpperCase()}`;
  }

  /** Half a round trip, and what waits for late packets. */
  get latency(): number | undefined {
    const { figures } = this.#player;
    if (figures?.jitterBufferMillis === undefined) return undefined;
    return ((figures.roundTripMillis ?? 0) / 2 + figures.jitterBufferMillis) / 1000;
  }

  get figures(): Pairs {
    const { figures } = this.#player;
    if (figures === undefined) return [];
    const { width, height, framesPerSecond, videoKbps, audioKbps } = figures;
    return [
      ["picture", width === 0 ? "" : `${width}×${height}`],
      ["frame rate", framesPerSecond === 0 ? "" : `${framesPerSecond.toFixed(1)} /s`],
      ["bitrate", rateInWords(videoKbps + audioKbps)],
    ];
  }
}

class FileWay implements Way {
  readonly name: "hls" | "flv";
  readonly #playback: Playback;

  constructor(name: "hls" | "flv", settings: Settings, video: HTMLVideoElement) {
    this.name = name;
    this.#playback = new Playback(video, () => fileSource(name, settings));
  }

  get state(): State {
    return this.#playback.state;
  }

  get message(): string {
    return this.#playback.message;
  }

  set onchange(call: () => void) {
    this.#playback.onchange = call;
  }

  start(): Promise<void> {
    return this.#playback.start();
  }

  stop(): void {
    this.#playback.stop();
  }

  get by(): string {
    return this.#playback.figures?.protocol ?? words[this.name];
  }

  get latency(): number | undefined {
    return this.#playback.figures?.latency;
  }

  get figures(): Pairs {
    const { figures } = this.#playback;
    if (figures === undefined) return [];
    const { width, height, framesPerSecond } = figures;
    return [
      ["picture", width === 0 ? "" : `${width}×${height}`],
      ["frame rate", framesPerSecond === 0 ? "" : `${framesPerSecond.toFixed(1)} /s`],
      ["bitrate", ""],
    ];
  }
}

function fileSource(kind: "hls" | "flv", settings: Settings): Source {
  const { app, stream, origin, token, others } = settings;
  const extension = kind === "hls" ? "m3u8" : "flv";
  const url = new URL(`/${app}/${stream}.${extension}`, origin);
  if (token !== "") url.searchParams.set("token", token);
  for (const [name, value] of others) url.searchParams.append(name, value);
  return { kind, url, name: `${app}/${stream}`, buffer: undefined };
}
