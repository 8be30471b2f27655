/** Which of two full agents decides about pairs (RFC 8445 §6.1.1), and its conflicts. @module */
import type { CryptoProvider } from "../../base/mod.ts";
import { Attr, attribute, type StunMessage } from "../../wire/stun/mod.ts";

export class IceRole {
  readonly #crypto: Pick<CryptoProvider, "random">;
  controlling = true;
  /** 8 bytes. */
  tiebreaker: Uint8Array;

  constructor(crypto: Pick<CryptoProvider, "random">) {
    this.#crypto = crypto;
    this.tiebreaker = crypto.random(8);
  }

  /**
   * Compares roles with a request of the peer (RFC 8445 §7.3.1.1) and changes ours if it is ours to
   * change; false when the peer is to be told 487.
   */
  settle(request: StunMessage): boolean {
    const same = this.controlling ? Attr.IceControlling : Attr.IceControlled;
    const theirs = attribute(request, same);
    if (theirs === undefined) return true;
    const wins = compare(this.tiebreaker, theirs) >= 0;
    if (wins === this.controlling) return false;
    this.controlling = !this.controlling;
    return true;
  }

  /**
   * A request sent in role `controlling` was answered 487 (RFC 8445 §7.2.5.1). The tiebreaker is a
   * new one, or two agents could go on changing for ever.
   */
  yield(controlling: boolean): void {
    this.controlling = !controlling;
    this.tiebreaker = this.#crypto.random(8);
  }
}

/** Two 8-byte numbers, the higher byte first. */
function compare(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
