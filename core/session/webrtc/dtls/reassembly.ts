import type { HandshakeFragment, HandshakeMessage } from "../../../wire/dtls/mod.ts";

/** Longest handshake message taken; a chain of certificates of 8 KB must fit. */
export const MAX_MESSAGE_BYTES: number = 32 * 1024;
/** All messages that are being put together, by their announced lengths. */
export const MAX_REASSEMBLY_BYTES: number = 64 * 1024;
/** Messages from the next expected one on; the longest flight has six. */
export const MAX_MESSAGES_AHEAD = 8;

interface Partial {
  readonly type: number;
  readonly body: Uint8Array;
  /** One bit per byte of `body` that is there. */
  readonly present: Uint8Array;
  missing: number;
}

/**
 * Puts handshake messages together out of fragments that may overlap, repeat and come in any order
 * (RFC 6347 §4.2.3), and gives them out in the order of message_seq.
 *
 * Over UDP anybody who can guess the port pair may put a fragment in. The newest bytes win, so that
 * the peer's next retransmission heals what a forged or damaged fragment left behind.
 */
export class Reassembly {
  readonly #partial = new Map<number, Partial>();
  #next = 0;
  #bytes = 0;

  /** message_seq of the next message to be given out. */
  get next(): number {
    return this.#next;
  }

  /** Bytes held, never more than `MAX_REASSEMBLY_BYTES`. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Takes a fragment; false when its message is too long. Fragments of old or far messages are
   * passed over.
   */
  insert(fragment: HandshakeFragment): boolean {
    if (fragment.length > MAX_MESSAGE_BYTES) return false;
    const ahead = fragment.messageSeq - this.#next;
    if (ahead < 0 || ahead >= MAX_MESSAGES_AHEAD) return true;
    if (fragment.body.length === 0 && fragment.length > 0) return true;
    let partial = this.#partial.get(fragment.messageSeq);
    if (partial?.type !== fragment.type || partial.body.length !== fragment.length) {
      partial = this.#open(fragment);
      if (partial === undefined) return true;
    }
    partial.body.set(fragment.body, fragment.offset);
    partial.missing -= mark(partial.present, fragment.offset, fragment.body.length);
    return true;
  }

  /** The next message if it is whole. It stays until `advance` or `drop`. */
  peek(): HandshakeMessage | undefined {
    const partial = this.#partial.get(this.#next);
    if (partial === undefined || partial.missing > 0) return undefined;
    return { type: partial.type, messageSeq: this.#next, body: partial.body };
  }

  /** The next message was good: on to the one behind it. */
  advance(): void {
    this.drop();
    this.#next++;
  }

  /** Forgets what is there of the next message, so that it can come again. */
  drop(): void {
    this.#forget(this.#next);
  }

  /** Forgets everything and waits for message `next`. */
  restart(next: number): void {
    this.#partial.clear();
    this.#bytes = 0;
    this.#next = next;
  }

  #open(fragment: HandshakeFragment): Partial | undefined {
    this.#forget(fragment.messageSeq);
    if (!this.#makeRoom(fragment)) return undefined;
    const partial: Partial = {
      type: fragment.type,
      body: new Uint8Array(fragment.length),
      present: new Uint8Array((fragment.length + 7) >>> 3),
      missing: fragment.length,
    };
    this.#partial.set(fragment.messageSeq, partial);
    this.#bytes += fragment.length;
    return partial;
  }

  /** Gives up messages further ahead, never nearer ones. */
  #makeRoom(fragment: HandshakeFragment): boolean {
    const last = this.#next + MAX_MESSAGES_AHEAD - 1;
    for (let seq = last; seq > fragment.messageSeq; seq--) {
      if (this.#bytes + fragment.length <= MAX_REASSEMBLY_BYTES) return true;
      this.#forget(seq);
    }
    return this.#bytes + fragment.length <= MAX_REASSEMBLY_BYTES;
  }

  #forget(seq: number): void {
    const partial = this.#partial.get(seq);
    if (partial === undefined) return;
    this.#partial.delete(seq);
    this.#bytes -= partial.body.length;
  }
}

/** Sets `size` bits from `from` on; how many of them were not set before. */
function mark(bits: Uint8Array, from: number, size: number): number {
  let fresh = 0;
  for (let at = from; at < from + size; at++) {
    const byte = bits[at >>> 3] ?? 0;
    const bit = 1 << (at & 7);
    if ((byte & bit) === 0) fresh++;
    bits[at >>> 3] = byte | bit;
  }
  return fresh;
}
