/** One answer of another HTTP server, read to its end. @module */
import { type Conn, isFault, type Millis, type Runtime } from "../../core/base/mod.ts";
import { concat, utf8 } from "../../core/bytes/mod.ts";
import {
  BodyDecoder,
  decodeResponseHead,
  findHeadEnd,
  HEAD_MAX_BYTES,
  type ResponseHead,
} from "../../core/wire/http1/mod.ts";

/** Bytes of an answer's body; a description has at most 64 KiB. */
export const ANSWER_MAX_BYTES: number = 128 * 1024;
/** Answers 1xx before the one. */
export const INTERIM_MAX = 16;
export interface HttpAnswer {
  readonly status: number;
  /** The value of a field, by its name in lower case. */
  field(name: string): string | undefined;
  readonly body: string;
  /** Who answered: the address that was dialled. */
  readonly address: string;
}

/** Why a request was not answered. The message is a sentence for an operator. */
export class RequestFailed extends Error {
  override name = "RequestFailed";
  /** Whether asking again is of no use: the configuration forbids it. */
  readonly forbidden: boolean;

  constructor(message: string, forbidden = false) {
    super(message);
    this.forbidden = forbidden;
  }
}

export function words(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}

/** Reads one answer. */
export class AnswerReader {
  readonly answer: Promise<HttpAnswer>;
  readonly #conn: Conn;
  #settle: { resolve(answer: HttpAnswer): void; reject(error: Error): void } | undefined;
  #read: Uint8Array = new Uint8Array(0);
  #searched = 0;
  #interim = 0;
  #head: ResponseHead | undefined;
  #decoder: BodyDecoder | undefined;
  readonly #pieces: Uint8Array[] = [];
  #size = 0;

  constructor(runtime: Runtime, conn: Conn, deadline: Millis) {
    this.#conn = conn;
    this.answer = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    const timer = runtime.wakeAt(deadline, () => this.#fail("no whole answer came in time"));
    const done = (): void => timer[Symbol.dispose]();
    this.answer.then(done, done);
    conn.handler = {
      data: (chunk) => this.#take(chunk),
      end: () => this.#ended(),
      close: (error) => (error === undefined ? this.#ended() : this.#fail(words(error))),
    };
  }

  #take(chunk: Uint8Array): void {
    if (this.#settle === undefined) return;
    if (this.#head !== undefined) this.#takeBody(chunk);
    else {
      this.#read = concat([this.#read, chunk]);
      this.#takeHead();
    }
  }

  #takeHead(): void {
    // Interim answers may stand before the one.
    for (;;) {
      const end = findHeadEnd(this.#read, 0, this.#searched, this.#read.length);
      if (isFault(end)) {
        this.#fail(`it is not HTTP: ${end.code}`);
        return;
      }
      this.#searched = this.#read.length;
      if (end < 0) {
        if (this.#read.length > HEAD_MAX_BYTES) this.#fail("its head is too long");
        return;
      }
      const head = decodeResponseHead(this.#read, 0, end);
      if (isFault(head)) {
        this.#fail(`it is not HTTP: ${head.code}`);
        return;
      }
      this.#read = this.#read.subarray(end);
      this.#searched = 0;
      if (head.status >= 200) {
        this.#beginBody(head);
        return;
      }
      if (++this.#interim > INTERIM_MAX) {
        this.#fail(`it has more than ${INTERIM_MAX} interim answers`);
        return;
      }
    }
  }

  #beginBody(head: ResponseHead): void {
    this.#head = head;
    const { chunked, contentLength } = head;
    if (chunked || contentLength !== undefined) {
      this.#decoder = new BodyDecoder({ chunked, contentLength: contentLength ?? 0 });
    }
    this.#takeBody(this.#read);
  }

  #takeBody(chunk: Uint8Array): void {
    const before = this.#pieces.length;
    if (this.#decoder === undefined) this.#pieces.push(chunk);
    else {
      const end = this.#decoder.decode(chunk, 0, chunk.length, this.#pieces);
      if (isFault(end)) {
        this.#fail(`its body is wrong: ${end.code}`);
        return;
      }
    }
    for (const piece of this.#pieces.slice(before)) this.#size += piece.length;
    if (this.#size > ANSWER_MAX_BYTES) {
      this.#fail(`its body has more than ${ANSWER_MAX_BYTES} bytes`);
    } else if (this.#decoder?.done) this.#finish();
  }

  #ended(): void {
    if (this.#head !== undefined && this.#decoder === undefined) this.#finish();
    else this.#fail("the connection closed before it was whole");
  }

  #finish(): void {
    const { status = 0, fields = [] } = this.#head ?? {};
    const address = this.#conn.remote.host;
    const body = utf8(concat(this.#pieces));
    const field = (name: string): string | undefined => fields.find((one) => one[0] === name)?.[1];
    this.#settle?.resolve({ status, field, body, address });
    this.#settle = undefined;
  }

  #fail(why: string): void {
    const { host, port } = this.#conn.remote;
    this.#settle?.reject(new RequestFailed(`No answer of ${host} port ${port}: ${why}`));
    this.#settle = undefined;
  }
}
