/**
 * The credentials of one lite agent through its ICE restarts (RFC 8445 §9).
 *
 * A restart brings new ones, and the pairs of those before carry media until the peer has nominated
 * one of the new: then the old are answered for a little while, for what is still under way on
 * their connections, and forgotten.
 *
 * @module
 */
import { type CryptoProvider, type Fault, type Hmac, type Millis, NEVER } from "../../base/mod.ts";
import { latin1Bytes } from "../../bytes/mod.ts";
import type { StunMessage } from "../../wire/stun/mod.ts";
import { authenticateCheck } from "./ice_check.ts";
import type { IceCredentials } from "./ice_credentials.ts";
import { UNKNOWN_USER } from "./ice_refusal.ts";

/** How long old credentials are answered after the peer has nominated a pair of the new. */
export const RETIRE_MILLIS: Millis = 10_000;
/** Retiring, in use, and of a restart under way. */
export const MAX_GENERATIONS = 3;

/** One ICE session's worth of credentials. */
export interface IceGeneration {
  /** From 0, one more with each restart. */
  readonly number: number;
  readonly ufrag: string;
  readonly hmac: Hmac;
  retiresAt: Millis;
}

export class IceGenerations {
  readonly #crypto: Pick<CryptoProvider, "hmac" | "equal">;
  /** The oldest first, never empty. */
  readonly #all: IceGeneration[] = [];
  #newest: IceGeneration;
  /** The number of the one whose pairs carry media. */
  #inUse = 0;

  constructor(crypto: Pick<CryptoProvider, "hmac" | "equal">, first: IceCredentials) {
    this.#crypto = crypto;
    this.#newest = this.#add(first, 0);
  }

  /** Takes the credentials of a restart; returns what nobody answers to any more. */
  restart(credentials: IceCredentials): IceGeneration[] {
    const dropped: IceGeneration[] = [];
    // The peer uses the answer to his latest request only (RFC 9725 §4.3.3).
    if (this.#newest.number > this.#inUse) dropped.push(...this.#all.splice(-1));
    this.#newest = this.#add(credentials, this.#newest.number + 1);
    if (this.#all.length > MAX_GENERATIONS) dropped.push(...this.#all.splice(0, 1));
    return dropped;
  }

  /** Whose check this is, or what is wrong with it. */
  authenticate(check: StunMessage): IceGeneration | Fault {
    let wrong: Fault = UNKNOWN_USER;
    for (const generation of this.#all) {
      const { ufrag, hmac } = generation;
      const fault = authenticateCheck(check, ufrag, hmac, this.#crypto);
      if (fault === undefined) return generation;
      if (fault !== UNKNOWN_USER) wrong = fault;
    }
    return wrong;
  }

  /** The peer has nominated a pair of this generation: those before it retire. */
  nominate({ number }: IceGeneration, now: Millis): void {
    if (number <= this.#inUse) return;
    this.#inUse = number;
    for (const generation of this.#all) {
      if (generation.number < number && generation.retiresAt === NEVER)
        generation.retiresAt = now + RETIRE_MILLIS;
    }
  }

  /** One whose time is over, removed. */
  pollRetired(now: Millis): IceGeneration | undefined {
    const at = this.#all.findIndex(({ retiresAt }) => retiresAt <= now);
    return at < 0 ? undefined : this.#all.splice(at, 1)[0];
  }

  nextTimeout(): Millis {
    let next = NEVER;
    for (const { retiresAt } of this.#all) next = Math.min(next, retiresAt);
    return next;
  }

  #add({ ufrag, pwd }: IceCredentials, number: number): IceGeneration {
    const hmac = this.#crypto.hmac("sha1", latin1Bytes(pwd));
    const generation = { number, ufrag, hmac, retiresAt: NEVER };
    this.#all.push(generation);
    return generation;
  }
}
