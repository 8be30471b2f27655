/** Plays HTTP-FLV, WS-FLV, MPEG-TS or HLS into a `<video>`, watches it, and tells it in words. @module */
import type { State } from "./conversation.ts";
import { pageLoaded } from "./dom.ts";
import { type FlvPlayer, type Hls, type HlsError, loadHls, loadMpegts } from "./vendor.ts";

export interface Source {
  readonly kind: "flv" | "ts" | "hls";
  readonly url: URL;
  /** As in `live/livestream`. */
  readonly name: string;
  /** Seconds to stay behind; `undefined` for as little as the way allows. */
  readonly buffer: number | undefined;
}

export interface PlaybackFigures {
  /** `HTTP-FLV`, `WS-FLV`, `HTTP-TS`, `WS-TS`, `HLS`. */
  readonly protocol: string;
  readonly width: number;
  readonly height: number;
  /** Decoded so far. */
  readonly frames: number;
  readonly framesPerSecond: number;
  readonly dropped: number;
  /** Seconds from the server's live edge (HLS), or what waits in the browser (FLV, MPEG-TS). */
  readonly latency: number | undefined;
}

const lookMillis = 500;
const retryMillis = 3_000;
/** Until the first picture; a playlist may be held back until a player can start on it. */
const joinMillis = 20_000;
/** Without progress for so long it has paused, and for so long it is over. */
const pausedMillis = 2_500;
const overMillis = 10_000;
/** Clocks that differ by more than this do not tell the latency. */
const plausibleSeconds = 120;

export class Playback {
  /** Called whenever state, message or figures have changed. */
  onchange: () => void = () => {};
  /** Begin again by itself after a failure. */
  retries = false;
  state: State = "idle";
  message = "";
  figures: PlaybackFigures | undefined;
  readonly #video: HTMLVideoElement;
  readonly #source: () => Source;
  #playing: Source | undefined;
  #hls: Hls | undefined;
  #flv: FlvPlayer | undefined;
  #ticker: ReturnType<typeof setInterval> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  /** Counts starts, so that what an earlier one still waits for is thrown away. */
  #turn = 0;
  #mended = false;
  #began = 0;
  #progress = 0;
  #time = 0;
  #before = { frames: 0, millis: 0 };

  constructor(video: HTMLVideoElement, source: () => Source) {
    this.#video = video;
    this.#source = source;
  }

  get running(): boolean {
    return this.#playing !== undefined;
  }

  async start(): Promise<void> {
    this.#end();
    const turn = this.#turn;
    const source = this.#source();
    this.#playing = source;
    this.#tell("connecting", "Loading …");
    await pageLoaded();
    try {
      await (source.kind === "hls" ? this.#startHls(source, turn) : this.#startFlv(source, turn));
    } catch (error) {
      if (turn === this.#turn) this.#fail(error instanceof Error ? error.message : String(error));
      return;
    }
    if (turn !== this.#turn) return;
    this.#began = performance.now();
    this.#progress = this.#began;
    this.#time = this.#video.currentTime;
    this.#before = { frames: 0, millis: this.#began };
    this.#ticker = setInterval(() => this.#look(source), lookMillis);
    // Refused without a click when it has sound: the page plays muted and offers a button.
    this.#video.play().catch(() => {});
  }

  stop(): void {
    this.#end();
    this.#tell("stopped", "Stopped.");
  }

  async #startHls(source: Source, turn: number): Promise<void> {
    const Hls = await loadHls();
    if (turn !== this.#turn) return;
    if (!Hls.isSupported()) {
      // Safari on phones plays HLS by itself.
      if (this.#video.canPlayType("application/vnd.apple.mpegurl") === "")
        throw new Error("This browser cannot play HLS: it has no Media Source Extensions.");
      this.#video.src = source.url.href;
      return;
    }
    const hls = new Hls({
      // The policy of our pages allows no workers, and fMP4 has next to nothing to do.
      enableWorker: false,
      lowLatencyMode: true,
      backBufferLength: 30,
      maxLiveSyncPlaybackRate: 1.2,
      ...(source.buffer === undefined ? {} : { liveSyncDuration: source.buffer }),
    });
    this.#hls = hls;
    hls.on("hlsError", (_event, error) => {
      if (hls === this.#hls && error.fatal) this.#hlsFailed(hls, error, source);
    });
    hls.loadSource(source.url.href);
    hls.attachMedia(this.#video);
  }

  #hlsFailed(hls: Hls, error: HlsError, source: Source): void {
    if (error.type === "mediaError" && !this.#mended) {
      this.#mended = true;
      hls.recoverMediaError();
      return;
    }
    const { code } = error.response ?? {};
    this.#fail(whyFailed(source, code, `hls.js says ${error.details}`));
  }

  async #startFlv(source: Source, turn: number): Promise<void> {
    const mpegts = await loadMpegts();
    if (turn !== this.#turn) return;
    if (!mpegts.isSupported())
      throw new Error("This browser cannot play this: it has no Media Source Extensions.");
    const remain = source.buffer ?? 0.5;
    const flv = mpegts.createPlayer(
      { type: source.kind === "ts" ? "mpegts" : "flv", isLive: true, url: source.url.href },
      {
        enableWorker: false,
        enableStashBuffer: false,
        lazyLoad: false,
        autoCleanupSourceBuffer: true,
        liveBufferLatencyChasing: true,
        liveBufferLatencyMaxLatency: remain + 1,
        liveBufferLatencyMinRemain: remain,
      },
    );
    this.#flv = flv;
    flv.on("error", (_type, detail, info) => {
      if (flv !== this.#flv) return;
      const code = detail === "HttpStatusCodeInvalid" ? info.code : undefined;
      this.#fail(whyFailed(source, code, `mpegts.js says ${detail} ${info.msg ?? ""}`.trim()));
    });
    flv.on("loading_complete", () => {
      if (flv === this.#flv) this.#fail(`${source.name} has ended.`);
    });
    flv.attachMediaElement(this.#video);
    flv.load();
  }

  #look(source: Source): void {
    const now = performance.now();
    const { currentTime, videoWidth, videoHeight } = this.#video;
    const quality = this.#video.getVideoPlaybackQuality();
    const frames = quality.totalVideoFrames;
    const seconds = (now - this.#before.millis) / 1000;
    this.figures = {
      protocol: protocolOf(source),
      width: videoWidth,
      height: videoHeight,
      frames,
      framesPerSecond: Math.max(0, frames - this.#before.frames) / seconds,
      dropped: quality.droppedVideoFrames,
      latency: this.#latency(),
    };
    this.#before = { frames, millis: now };
    if (currentTime !== this.#time) {
      this.#time = currentTime;
      this.#progress = now;
      this.#mended = false;
      this.#tell("live", `Playing ${source.name}.`);
    } else if (this.#video.paused && this.state === "live") {
      // By a person, with the buttons of the picture.
      this.#progress = now;
    } else if (this.state === "connecting") {
      if (now - this.#began > joinMillis)
        this.#fail(`No picture of ${source.name} within ${joinMillis / 1000} s.`);
      else if (now - this.#began > pausedMillis)
        this.#tell(
          "connecting",
          `Waiting for ${source.name}: nobody publishes it yet, or it begins.`,
        );
    } else if (now - this.#progress > overMillis) {
      this.#fail(`Nothing came of ${source.name} for ${overMillis / 1000} s.`);
      return;
    } else if (now - this.#progress > pausedMillis) {
      this.#tell("waiting", `${source.name} has paused.`);
    }
    this.onchange();
  }

  #latency(): number | undefined {
    if (this.#hls !== undefined) {
      const since = (Date.now() - (this.#hls.playingDate?.getTime() ?? Number.NaN)) / 1000;
      return since > 0 && since < plausibleSeconds ? since : this.#hls.latency;
    }
    const { buffered, currentTime } = this.#video;
    return buffered.length === 0
      ? undefined
      : Math.max(0, buffered.end(buffered.length - 1) - currentTime);
  }

  #tell(state: State, words: string): void {
    if (state === this.state && words === this.message) return;
    this.state = state;
    this.message = words;
    this.onchange();
  }

  #fail(words: string): void {
    this.#end();
    this.#tell("failed", this.retries ? `${words} Trying again in 3 s.` : words);
    if (this.retries) this.#retry = setTimeout(() => void this.start(), retryMillis);
  }

  #end(): void {
    this.#turn++;
    clearInterval(this.#ticker);
    clearTimeout(this.#retry);
    const had = this.#playing !== undefined;
    this.#hls?.destroy();
    this.#flv?.destroy();
    this.#hls = undefined;
    this.#flv = undefined;
    this.#playing = undefined;
    this.#mended = false;
    this.figures = undefined;
    if (!had) return;
    this.#video.removeAttribute("src");
    this.#video.load();
  }
}

export function protocolOf({ kind, url }: Source): string {
  if (kind === "hls") return "HLS";
  return `${url.protocol.startsWith("ws") ? "WS" : "HTTP"}-${kind === "ts" ? "TS" : "FLV"}`;
}

function whyFailed(source: Source, status: number | undefined, otherwise: string): string {
  if (status === 404) return `Nobody publishes ${source.name}, or not yet for long enough (404).`;
  if (status === 401 || status === 403) return `The server lets nobody in like this (${status}).`;
  if (status !== undefined && status >= 400) return `The server answered ${status}.`;
  return `${source.name} cannot be played: ${otherwise}.`;
}

export function playbackInWords(
  figures: PlaybackFigures,
): (readonly [name: string, value: string])[] {
  const { protocol, width, height, framesPerSecond, dropped, frames, latency } = figures;
  return [
    ["by", protocol],
    ["latency", latencyInWords(latency)],
    ["picture", width === 0 ? "" : `${width}×${height}`],
    ["frame rate", framesPerSecond === 0 ? "" : `${framesPerSecond.toFixed(1)} /s`],
    ["frames dropped", frames === 0 ? "" : `${dropped} of ${frames}`],
  ];
}

export function latencyInWords(seconds: number | undefined): string {
  if (seconds === undefined) return "";
  return seconds < 1
    ? `about ${Math.round(seconds * 100) * 10} ms`
    : `about ${seconds.toFixed(1)} s`;
}
