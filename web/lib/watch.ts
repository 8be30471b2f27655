/**
 * Watches a stream by the best way that carries it, and goes over to the next when one does not:
 * WebRTC (UDP, then TCP), HLS, HTTP-FLV. While one of the others plays it tries WebRTC beside it from time
 * to time, and goes back when that carries. When all have failed it begins again.
 *
 * @module
 */
import { readStreams } from "./api.ts";
import { Climb } from "./climb.ts";
import type { State } from "./conversation.ts";
import { latencyInWords } from "./playback.ts";
import type { Settings } from "./settings.ts";
import { FileWay, type Pairs, type Way, type WayName, WebRtcWay, wayWords } from "./ways.ts";

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
  readonly #video: HTMLVideoElement;
  readonly #ways: Way[];
  readonly #climb: Climb;
  #index = 0;
  #current: Way | undefined;
  #since = 0;
  /** When the picture came, by this way. */
  #liveSince = 0;
  #again: ReturnType<typeof setTimeout> | undefined;
  #ticker: ReturnType<typeof setInterval> | undefined;

  /** `climbMillis`: until WebRTC is tried again, first; 0 for never. */
  constructor(
    settings: Settings,
    video: HTMLVideoElement,
    names: readonly WayName[],
    climbMillis: number,
  ) {
    this.#settings = settings;
    this.#video = video;
    this.#climb = new Climb(climbMillis, (spare) => new WebRtcWay(settings, spare));
    this.#climb.onfound = (way) => this.#adopt(way);
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
    this.#climb.reset();
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
    if (way.state === "live") {
      this.#liveSince = Math.min(this.#liveSince, performance.now());
      if (way.name !== "webrtc" && this.#ways[0]?.name === "webrtc") this.#climb.begin();
    }
    this.state = way.state;
    this.message =
      way.state === "connecting" ? `Trying ${wayWords[way.name]}: ${way.message}` : way.message;
    this.onchange();
  }

  /** WebRTC plays beside the way there is, and takes its place. */
  #adopt(better: WebRtcWay): void {
    const way = this.#current;
    // By a person: he is not to be started again.
    if (way === undefined || this.#video.paused) {
      better.stop();
      return;
    }
    this.#current = undefined;
    way.stop();
    this.#ways[0] = better;
    this.#index = 0;
    this.#current = better;
    this.left = [];
    better.onchange = () => {
      if (better === this.#current) this.#changed(better);
    };
    better.showIn(this.#video);
    this.#changed(better);
  }

  #next(way: Way, why: string): void {
    this.#climb.end();
    this.#current = undefined;
    way.stop();
    if (performance.now() - this.#liveSince > goodMillis) {
      if (way.name === "webrtc") this.#climb.reset();
      this.left = [];
      this.#go(0);
      return;
    }
    this.left = [...this.left, `${wayWords[way.name]}: ${why}`];
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
    this.#climb.end();
    const way = this.#current;
    this.#current = undefined;
    way?.stop();
  }
}
