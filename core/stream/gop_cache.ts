import type { Frame } from "./frame.ts";

/** A group of pictures that is longer is not kept: 10 s and more at any rate. */
export const GOP_MAX_FRAMES = 2500;
export const GOP_MAX_BYTES: number = 16 * 1024 * 1024;

/** The frames since the last keyframe of the video, sound included. */
export class GopCache {
  #frames: Frame[] = [];
  #bytes = 0;
  /** Whether a keyframe has come and everything since then is here. */
  #whole = false;

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
    if (this.#frames.length > GOP_MAX_FRAMES || this.#bytes > GOP_MAX_BYTES) this.clear();
  }

  clear(): void {
    this.#frames = [];
    this.#bytes = 0;
    this.#whole = false;
  }
}
