/** Which indexes each SSRC of a peer has used, for as long as its keys live. @module */
import { IndexWindow } from "./index_window.ts";

/** SSRCs of which no more than the highest index is kept. */
export const SET_ASIDE_MAX = 1024;

/**
 * Replay windows of SSRCs. When there are too many, that of the one that was silent longest is set
 * aside: of it only the highest index is kept, below which nothing of it is taken any more. So a
 * sender may change its SSRC over and over, and yet no packet is taken twice (RFC 3711 §3.3.2), which
 * a window that was forgotten would allow. Only authentic packets change anything here.
 */
export class ReplayWindows {
  readonly #most: number;
  readonly #windows = new Map<number, IndexWindow>();
  /** By SSRC, the highest index. */
  readonly #setAside = new Map<number, number>();
  #uses = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Of an SSRC that was heard before; what was set aside comes back by `commit`. */
  find(ssrc: number): IndexWindow | undefined {
    const window = this.#windows.get(ssrc);
    if (window !== undefined || this.#setAside.size === 0) return window;
    const highest = this.#setAside.get(ssrc);
    return highest === undefined ? undefined : new IndexWindow(highest);
  }

  /** Whether there is no room for an SSRC that was never heard. */
  get full(): boolean {
    return this.#windows.size >= this.#most && this.#setAside.size >= SET_ASIDE_MAX;
  }

  /** An authentic packet has `index`; `window` is what `find` gave. */
  commit(ssrc: number, window: IndexWindow | undefined, index: number): void {
    const mine = window ?? new IndexWindow();
    mine.mark(index);
    mine.usedAt = ++this.#uses;
    if (this.#windows.get(ssrc) === mine) return;
    this.#setAside.delete(ssrc);
    if (this.#windows.size >= this.#most) this.#setOneAside();
    this.#windows.set(ssrc, mine);
  }

  #setOneAside(): void {
    let oldest = -1;
    let of: IndexWindow | undefined;
    for (const [ssrc, window] of this.#windows) {
      if (of !== undefined && window.usedAt >= of.usedAt) continue;
      oldest = ssrc;
      of = window;
    }
    if (of === undefined) return;
    this.#windows.delete(oldest);
    this.#setAside.set(oldest, of.highest);
  }
}
