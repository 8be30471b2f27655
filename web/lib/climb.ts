/** Tries WebRTC beside a lesser way from time to time, where nobody sees or hears it. @module */
import type { WebRtcWay } from "./ways.ts";

/** Doubled after each try up to this: a network that blocks WebRTC mostly goes on doing so. */
const mostMillis = 600_000;
/** A try that shows nothing by then is given up; a player tries both transports in it. */
const patienceMillis = 25_000;

export class Climb {
  /** Called with a way that plays, in an element of its own. */
  onfound: (way: WebRtcWay) => void = () => {};
  readonly #first: number;
  readonly #make: (spare: HTMLVideoElement) => WebRtcWay;
  #wait: number;
  #way: WebRtcWay | undefined;
  #trying = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `first`: ms until the first try, 0 for none at all. */
  constructor(first: number, make: (spare: HTMLVideoElement) => WebRtcWay) {
    this.#first = first;
    this.#wait = first;
    this.#make = make;
  }

  /** A lesser way plays. */
  begin(): void {
    if (this.#first > 0 && this.#timer === undefined) this.#schedule();
  }

  /** A network that carried it for long, or another one: waits begin anew. */
  reset(): void {
    this.#wait = this.#first;
  }

  /** It does not any more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#trying) this.#way?.stop();
    this.#trying = false;
  }

  #schedule(): void {
    this.#timer = setTimeout(() => this.#try(), this.#wait);
  }

  #try(): void {
    if (document.hidden) {
      this.#schedule();
      return;
    }
    this.#wait = Math.min(mostMillis, this.#wait * 2);
    this.#trying = true;
    this.#timer = setTimeout(() => this.#giveUp(), patienceMillis);
    this.#way ??= this.#make(silentVideo());
    const way = this.#way;
    way.onchange = () => {
      if (way === this.#way && this.#trying) this.#changed(way);
    };
    void way.start();
  }

  #changed(way: WebRtcWay): void {
    if (way.state === "failed") this.#giveUp();
    if (way.state !== "live") return;
    this.#trying = false;
    this.#way = undefined;
    this.end();
    this.onfound(way);
  }

  #giveUp(): void {
    this.end();
    this.#schedule();
  }
}

function silentVideo(): HTMLVideoElement {
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  return video;
}
