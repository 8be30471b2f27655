/** The body of the request being answered: who wants it, and how much has come. @module */
import { Fault } from "../../base/mod.ts";
import * as http1 from "../../wire/http1/mod.ts";
import type { Input } from "./input.ts";

export class RequestBody {
  /** Whether a `readBody` waits for its event. */
  wanted = false;
  /** Whether the rest is read and dropped. */
  discarding = false;
  /** Whether the client still waits for `100 Continue`. */
  continueDue: boolean;
  /** Why the rest will not come. */
  fault: Fault | undefined;
  readonly #decoder: http1.BodyDecoder;
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(head: http1.RequestHead, maxBytes: number) {
    this.#decoder = new http1.BodyDecoder(head);
    this.#maxBytes = maxBytes;
    this.continueDue = head.expectContinue;
  }

  get done(): boolean {
    return this.#decoder.done;
  }

  /** Whether input is decoded as it comes. */
  get flows(): boolean {
    return this.wanted || this.discarding;
  }

  /** Whether the rest can be read away in `maxBytes`, so that the connection can go on. */
  canSkip(maxBytes: number): boolean {
    if (this.done) return true;
    if (this.continueDue || this.fault !== undefined) return false;
    return (this.#decoder.remaining ?? Number.POSITIVE_INFINITY) <= maxBytes;
  }

  /** Decodes what is unread; the data in it, if any. */
  decode(input: Input): Uint8Array | Fault | undefined {
    const pieces: Uint8Array[] = [];
    const end = this.#decoder.decode(input.bytes, input.at, input.end, pieces);
    if (end instanceof Fault) return end;
    input.consume(end);
    const [piece] = pieces;
    this.#bytes += piece?.length ?? 0;
    return this.#bytes > this.#maxBytes ? http1.CONTENT_TOO_LARGE : piece;
  }
}
