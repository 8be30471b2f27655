/** The times of what an FLV file carries (FLV 10.1, annex E.4). @module */

const HEADER = 9 + 4;
const TAG_HEADER = 11;
const AAC_FRAME_MILLIS = 1024 / 48;

/** Takes the bytes of an FLV with AAC at 48 kHz as they come. */
export class FlvTimes {
  /** In ms, of the first packet of sound. */
  firstSound: number = Number.NaN;
  /** Most that a packet of sound is off where those before it end, in ms. */
  gap: number = 0;
  /** In ms, of each picture. */
  readonly pictures: number[] = [];
  #sounds = 0;
  #rest = new Uint8Array(0);
  #begun = false;

  put(bytes: Uint8Array): void {
    const all = new Uint8Array(this.#rest.length + bytes.length);
    all.set(this.#rest);
    all.set(bytes, this.#rest.length);
    const view = new DataView(all.buffer);
    let at = 0;
    if (!this.#begun && all.length >= HEADER) {
      this.#begun = true;
      at = HEADER;
    }
    while (this.#begun && at + TAG_HEADER + 4 <= all.length) {
      const size = view.getUint32(at) & 0xffffff;
      const end = at + TAG_HEADER + size + 4;
      if (end > all.length) break;
      const time = ((view.getUint8(at + 7) << 24) | (view.getUint32(at + 4) >>> 8)) >>> 0;
      // Byte 1 of AAC and AVC is 0 in the configuration, 1 in what is coded.
      if (size > 2 && view.getUint8(at + TAG_HEADER + 1) === 1) this.#tag(view.getUint8(at), time);
      at = end;
    }
    this.#rest = all.slice(at);
  }

  #tag(type: number, time: number): void {
    if (type === 9) this.pictures.push(time);
    if (type !== 8) return;
    if (this.#sounds === 0) this.firstSound = time;
    const expected = this.firstSound + this.#sounds++ * AAC_FRAME_MILLIS;
    this.gap = Math.max(this.gap, Math.abs(time - expected));
  }
}
