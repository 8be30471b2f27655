import type { Frame } from "./frame.ts";

/** A group of pictures that is larger is not kept. */
export const GOP_MAX_BYTES: number = 16 * 1024 * 1024;

/** The frames since the last keyframe of the video, sound included. */
export class GopCache {
  readonly #maxFrames: number;
  #frames: Frame[] = [];
  #bytes = 0;
  /** Whether a keyframe has come and everything since then is here. */
  #whole = false;

  /** A group of more than `maxFrames` is not kept. */
  constructor(maxFrames: number) {
    this.#maxFrames = maxFrames;
  }

  get frames(): readonly Frame[] {
    return this.#frames;
  }

  put(frame: Frame): void {
    if (frame.kind === "video" && frame.keyframe) {
      this.clear();
      this.#whole = true;
    }
    if (!this.#whole) return;
    this.#frames.push(frame);
    this.#bytes += frame.data.length;
    if (this.#frames.length > this.#maxFrames || this.#bytes > GOP_MAX_BYTES) this.clear();
  }

  /** Forgets the sound, and goes on with the pictures. */
  dropSound(): void {
    this.#frames = this.#frames.filter(({ kind }) => kind !== "audio");
    this.#bytes = this.#frames.reduce((sum, { data }) => sum + data.length, 0);
  }

  clear(): void {
    this.#frames = [];
    this.#bytes = 0;
    this.#whole = false;
  }
}
