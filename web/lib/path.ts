/**
 * Which addresses of the server's answer are tried: all of them, those of the transport that the
 * page was asked for, or those of the other one after the first did not carry.
 *
 * @module
 */
import { candidatesOf, onlyTransport, type Transport } from "./diagnose/checks.ts";

/** With the other transport still to try; and with nothing else to try. */
const connectMillis = { first: 8_000, last: 10_000 };

export class Path {
  readonly #forced: Transport | undefined;
  #fallback: Transport | undefined;
  /** The answer, whole. */
  answer = "";

  constructor(forced: Transport | undefined) {
    this.#forced = forced;
  }

  /** Begins anew: a person, or a retry, wants all of it tried again. */
  reset(): void {
    this.#fallback = undefined;
    this.answer = "";
  }

  get #only(): Transport | undefined {
    return this.#forced ?? this.#fallback;
  }

  /** What of a description of the server's the browser is given. */
  narrowed(sdp: string): string {
    return this.#only === undefined ? sdp : onlyTransport(sdp, this.#only);
  }

  /** How long this try may take to connect. */
  get millis(): number {
    return this.#other() === undefined ? connectMillis.last : connectMillis.first;
  }

  /**
   * Goes over to the other transport than the one that did not carry (`udp` where none was chosen
   * yet, as a browser likes it best); `undefined` when there is none left to try.
   */
  fallBack(stuckOn: string): Transport | undefined {
    this.#fallback = this.#other(stuckOn);
    return this.#fallback;
  }

  /** The addresses that were tried without success. */
  get tried(): string {
    return this.#forced === undefined ? this.answer : this.narrowed(this.answer);
  }

  /** What a person should know of the transport; empty when nothing. */
  get note(): string {
    if (this.#fallback === undefined) return "";
    const [by, not] = this.#fallback === "tcp" ? ["TCP", "UDP"] : ["UDP", "TCP"];
    return ` It goes by ${by} alone, as ${not} did not carry.`;
  }

  #other(stuckOn = ""): Transport | undefined {
    if (this.#only !== undefined) return undefined;
    const other = stuckOn === "tcp" ? "udp" : "tcp";
    const kinds = new Set(candidatesOf(this.answer).map(({ transport }) => transport));
    return kinds.size === 2 ? other : undefined;
  }
}
