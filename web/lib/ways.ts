/** The ways to watch a stream, told alike. @module */
import type { State } from "./conversation.ts";
import { Playback, type Source } from "./playback.ts";
import { Player } from "./player.ts";
import type { Settings } from "./settings.ts";
import { rateInWords } from "./stats.ts";

export type WayName = "webrtc" | "hls" | "flv";

/** Best first: in latency. */
export const wayNames: readonly WayName[] = ["webrtc", "hls", "flv"];

export type Pairs = readonly (readonly [name: string, value: string])[];

/** One of the ways to watch. */
export interface Way {
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

export const wayWords: Readonly<Record<WayName, string>> = {
  webrtc: "WebRTC",
  hls: "HLS",
  flv: "FLV",
};

export class WebRtcWay implements Way {
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

  /** Goes on in another element. */
  showIn(video: HTMLVideoElement): void {
    this.#player.showIn(video);
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

export class FileWay implements Way {
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
    return this.#playback.figures?.protocol ?? wayWords[this.name];
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
