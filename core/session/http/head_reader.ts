/** One request head in the course of arriving. @module */
import { Fault } from "../../base/mod.ts";
import { u8 } from "../../bytes/mod.ts";
import * as http1 from "../../wire/http1/mod.ts";
import type { Input } from "./input.ts";

const CR = 0x0d;
const LF = 0x0a;

/** Methods that the Fetch API cannot carry and that no resource of ours has. */
const NOT_IMPLEMENTED: readonly string[] = ["CONNECT", "TRACE", "TRACK"];

export class HeadReader {
  /** Unread bytes already searched for the end of the head. */
  #searched = 0;
  #emptyLine = false;

  /** Takes a head out of the input; `undefined` when it has not all come. */
  read(input: Input): http1.RequestHead | Fault | undefined {
    // RFC 9112 §2.2: one empty line before a request is passed over.
    if (!this.#emptyLine && input.startsWith(CR)) {
      if (input.length < 2) return undefined;
      if (u8(input.bytes, input.at + 1) !== LF) return http1.BARE_CR;
      this.#emptyLine = true;
      input.consume(input.at + 2);
    }
    const { bytes, at, end: to } = input;
    const end = http1.findHeadEnd(bytes, at, at + this.#searched, to);
    if (end instanceof Fault) return end;
    if (end < 0) {
      this.#searched = to - at;
      if (this.#searched < http1.HEAD_MAX_BYTES) return undefined;
    }
    if (end < 0 || end - at > http1.HEAD_MAX_BYTES) {
      const lineEnds = bytes.subarray(at, at + http1.HEAD_MAX_BYTES).includes(LF);
      return lineEnds ? http1.HEAD_TOO_LARGE : http1.TARGET_TOO_LONG;
    }
    const head = http1.decodeRequestHead(bytes, at, end);
    if (head instanceof Fault) return head;
    input.consume(end);
    this.#searched = 0;
    this.#emptyLine = false;
    const known = head.method === head.method.toUpperCase();
    return known && !NOT_IMPLEMENTED.includes(head.method) ? head : http1.METHOD_NOT_IMPLEMENTED;
  }
}
