/** Plays a stream by WHEP into a `<video>`. @module */
import { readStreams, readTrouble } from "./api.ts";
import { codecName, preferCodec, videoCodecs } from "./codecs.ts";
import { Conversation } from "./conversation.ts";
import type { Settings } from "./settings.ts";
import type { Figures } from "./stats.ts";

/** Without a packet, or with packets but without a picture, for so long the server is asked why. */
const silentMillis = 2_500;
const askMillis = 2_000;

export class Player extends Conversation {
  protected readonly kind = "whep";
  #video: HTMLVideoElement;
  #stream = new MediaStream();
  /** When the last progress was seen. */
  #progress = 0;
  #asked = 0;

  constructor(settings: Settings, video: HTMLVideoElement) {
    super(settings);
    this.#video = video;
  }

  /** Goes on in another element. */
  showIn(video: HTMLVideoElement): void {
    this.#video.srcObject = null;
    this.#video = video;
    if (this.pc === undefined) return;
    video.srcObject = this.#stream;
    video.play().catch(() => {});
  }

  protected prepare(pc: RTCPeerConnection): void {
    const video = pc.addTransceiver("video", { direction: "recvonly" });
    pc.addTransceiver("audio", { direction: "recvonly" });
    const codec = codecName(this.settings.codec);
    if (codec !== "") {
      if (!videoCodecs("receive").includes(codec)) {
        throw new Error(`This browser cannot play ${codec}; it plays ${playable()}.`);
      }
      preferCodec(video, codec);
    }
    this.#stream = new MediaStream();
    this.#video.srcObject = this.#stream;
    pc.addEventListener("track", ({ track }) => {
      this.#stream.addTrack(track);
      // Refused without a click when it has sound: the page plays muted and offers a button.
      this.#video.play().catch(() => {});
    });
  }

  protected connected(): void {
    this.#progress = performance.now();
    this.tell("waiting", `Connected, waiting for ${this.#name}.`);
  }

  protected look(figures: Figures, before: Figures | undefined): void {
    const now = performance.now();
    const arrived = figures.packets > (before?.packets ?? 0);
    const shown = figures.frames > (before?.frames ?? 0);
    const soundOnly = arrived && figures.frames === 0 && figures.videoKbps === 0;
    if (shown) {
      this.#progress = now;
      this.tell("live", `Playing ${this.#name}.`);
    } else if (soundOnly && now - this.#progress > silentMillis) {
      // Sound may run ahead of the first keyframe: only after a while it is all there is.
      this.tell("live", `Playing ${this.#name}, sound only.`);
      this.#ask(now);
    } else if (now - this.#progress > silentMillis) {
      if (this.state === "live") this.tell("waiting", `${this.#name} has paused.`);
      this.#ask(now);
    }
  }

  get #name(): string {
    return `${this.settings.app}/${this.settings.stream}`;
  }

  #ask(now: number): void {
    if (now - this.#asked < askMillis) return;
    this.#asked = now;
    void this.#explain();
  }

  /** Finds out from the server why there is no picture. */
  async #explain(): Promise<void> {
    const { pc } = this;
    const words = await this.#reason();
    if (words === "" || pc !== this.pc || performance.now() - this.#progress < silentMillis) return;
    if (this.state === "live" || this.state === "waiting") this.tell(this.state, words);
  }

  async #reason(): Promise<string> {
    const { app, stream } = this.settings;
    const streams = await readStreams(this.settings);
    const live = streams?.find((one) => one.app === app && one.name === stream);
    if (streams !== undefined && live?.publish.active !== true) {
      return `Waiting for the publisher of ${this.#name}; it will play as soon as it comes.`;
    }
    const codec = codecName(live?.video?.codec ?? "");
    if (codec !== "" && !videoCodecs("receive").includes(codec)) {
      return `The publisher sends ${codec.toUpperCase()}, which this browser cannot play; it plays ${playable()}.`;
    }
    const trouble = await readTrouble(this.settings, this.session);
    if (trouble !== "") return trouble;
    if (this.figures !== undefined && this.figures.videoKbps > 0) {
      return `${this.figures.videoCodec || "Video"} arrives, but this browser could not decode a picture yet.`;
    }
    return live?.video === null ? "" : `Connected, waiting for the picture of ${this.#name}.`;
  }

  protected override ended(_again: boolean): void {
    this.#video.srcObject = null;
  }
}

function playable(): string {
  return videoCodecs("receive").join(", ").toUpperCase();
}
