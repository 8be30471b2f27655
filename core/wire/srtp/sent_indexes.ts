/** What one sender used of one SSRC's indexes, and for which packets. @module */
import { INDEX_WINDOW, IndexWindow } from "./index_window.ts";

/**
 * Keystream depends on key, SSRC and index. Two packets under one index would give away their XOR
 * with AES-CM, and the authentication key with GCM. The very same packet again is harmless: it
 * gives the very same bytes.
 */
export class SentIndexes {
  readonly #window = new IndexWindow();
  #payloadType = -1;
  #timestampOffset = 0;
  /**
   * By index modulo `INDEX_WINDOW`; empty unless the track is resendable. A fingerprint of 0 is
   * none.
   */
  #fingerprints = new Uint32Array(0);
  #transportSequences = new Uint16Array(0);

  get resendable(): boolean {
    return this.#fingerprints.length > 0;
  }

  /**
   * What every packet from now on has in common; when that changes, none sent before is the same.
   */
  describe(payloadType: number, timestampOffset: number, resendable: boolean): void {
    const changed = payloadType !== this.#payloadType || timestampOffset !== this.#timestampOffset;
    this.#payloadType = payloadType;
    this.#timestampOffset = timestampOffset;
    if (resendable !== this.resendable) {
      const size = resendable ? INDEX_WINDOW : 0;
      this.#fingerprints = new Uint32Array(size);
      this.#transportSequences = new Uint16Array(size);
    } else if (changed) this.#fingerprints.fill(0);
  }

  isFresh(index: number): boolean {
    return this.#window.isFresh(index);
  }

  mark(index: number, fingerprint: number, transportSequence: number): void {
    const gap = index - this.#window.highest;
    this.#window.mark(index);
    if (!this.resendable) return;
    // Slots of skipped indexes still hold what was sent a window ago.
    if (gap >= INDEX_WINDOW) this.#fingerprints.fill(0);
    else for (let i = 1; i < gap; i++) this.#fingerprints[(index - i) % INDEX_WINDOW] = 0;
    this.#fingerprints[index % INDEX_WINDOW] = fingerprint;
    this.#transportSequences[index % INDEX_WINDOW] = transportSequence;
  }

  /** Whether this very packet was sent under `index`. */
  isSame(index: number, fingerprint: number): boolean {
    const { highest } = this.#window;
    if (index > highest || index <= highest - INDEX_WINDOW || fingerprint === 0) return false;
    return this.#fingerprints[index % INDEX_WINDOW] === fingerprint >>> 0;
  }

  /** The transport-wide sequence number sent with `index`. */
  transportSequence(index: number): number {
    return this.#transportSequences[index % INDEX_WINDOW] ?? 0;
  }
}
