/**
 * The server side of one HTTP/1.1 connection (RFC 9112) as a state machine.
 *
 * ```
 *           +------------ keep-alive --------------+
 *           v                                      |
 *  head --request--> answering (body in, answer out) --close--> lingering --> closed
 *    |                        |                                     ^
 *    +------ fault: error answer ------------------------------------+
 *                             +--takeOver--> taken
 * ```
 *
 * One request at a time: what a client sends ahead waits unread, and when it is more than
 * `READ_AHEAD_BYTES`, `wantsInput` turns false. The body is pulled: each `readBody` brings one
 * `body`, `body-end` or `body-abort` event.
 *
 * An answer that ends the connection is followed by `end` (our FIN), then by reading what still
 * comes, at most `lingerMaxBytes` of it, until the client closes or `lingerMillis` pass: closing
 * at once with unread bytes would send a reset, and a reset may destroy the answer before the
 * client reads it.
 *
 * @module
 */
import { Fault, type Machine, type Millis, Timers } from "../../base/mod.ts";
import { latin1Bytes } from "../../bytes/mod.ts";
import * as http1 from "../../wire/http1/mod.ts";
import type { HttpEvent } from "./event.ts";
import { HeadReader } from "./head_reader.ts";
import { Input } from "./input.ts";
import { HTTP_LIMITS, type HttpLimits, READ_AHEAD_BYTES } from "./limits.ts";
import { RequestBody } from "./request_body.ts";
import {
  frameResponse,
  type ResponseFraming,
  type ResponseHead,
  withCommon,
} from "./response_framing.ts";

export interface HttpServerOptions {
  readonly limits?: Partial<HttpLimits>;
  /** Fields for every answer that does not have them, as Date and Server. */
  readonly commonFields?: () => readonly http1.Field[];
}

const TIMERS = ["head", "body-idle", "body", "keep-alive", "linger"] as const;

/** Input given to `handleInput` is taken over: body pieces are views of it. */
export class HttpServerSession implements Machine<Uint8Array, Uint8Array, HttpEvent> {
  readonly #limits: HttpLimits;
  readonly #commonFields: () => readonly http1.Field[];
  readonly #timers = new Timers<(typeof TIMERS)[number]>();
  readonly #transmits: Uint8Array[] = [];
  readonly #events: HttpEvent[] = [];
  readonly #input = new Input();

  #phase: "head" | "answering" | "lingering" | "taken" | "closed" = "head";
  readonly #headReader = new HeadReader();
  #peerEnded = false;
  #lingered = 0;

  // While answering:
  #request: http1.RequestHead | undefined;
  #body: RequestBody | undefined;
  #keepAlive = true;
  #response: ResponseFraming | undefined;

  constructor(options: HttpServerOptions, now: Millis) {
    this.#limits = { ...HTTP_LIMITS, ...options.limits };
    this.#commonFields = options.commonFields ?? ((): readonly http1.Field[] => []);
    this.#timers.arm("head", now + this.#limits.headMillis);
  }

  // -- from the network and the clock --

  handleInput(bytes: Uint8Array, now: Millis): void {
    if (this.#phase === "closed" || bytes.length === 0) return;
    if (this.#phase === "lingering") {
      this.#lingered += bytes.length;
      return;
    }
    this.#input.add(bytes);
    this.#timers.stop("keep-alive");
    this.#advance(now);
  }

  /** The client sent FIN. Requests that came whole are still answered. */
  handleEnd(now: Millis): void {
    this.#peerEnded = true;
    if (this.#phase === "lingering") this.#close("close");
    else if (this.#phase === "head") {
      if (this.#input.length > 0) this.#reportFault(http1.INCOMPLETE);
      this.#linger(now);
    } else if (this.#phase === "answering" && this.#body && !this.#body.done) {
      this.#keepAlive = false;
      if (this.#body.wanted) this.#abortBody(http1.INCOMPLETE);
      if (this.#body.discarding) this.#linger(now);
    }
  }

  handleTimeout(now: Millis): void {
    for (let name = this.#timers.expire(now); name; name = this.#timers.expire(now)) {
      if (name === "linger") this.#close("close");
      else if (name === "keep-alive" || this.idle) this.#linger(now);
      else if (name === "head" || this.#body?.flows) this.#fail(http1.REQUEST_TIMEOUT, now);
    }
  }

  // -- to the network and the application --

  pollTransmit(): Uint8Array | undefined {
    return this.#transmits.shift();
  }

  pollEvent(): HttpEvent | undefined {
    return this.#events.shift();
  }

  nextTimeout(): Millis {
    return this.#timers.next();
  }

  /** Whether more input may be given; when false, stop reading from the connection. */
  get wantsInput(): boolean {
    if (this.#phase === "lingering") return this.#lingered < this.#limits.lingerMaxBytes;
    if (this.#phase !== "answering") return true;
    return this.#body?.flows || this.#input.length < READ_AHEAD_BYTES;
  }

  /** Bytes that were given and are kept: a head that is not whole, or what was sent ahead. */
  get keptBytes(): number {
    return this.#input.length;
  }

  /** Whether the connection waits for a request and has no byte of it. */
  get idle(): boolean {
    return this.#phase === "head" && this.#input.length === 0;
  }

  /** Whether a request waits for the head of its answer. */
  get awaitsAnswer(): boolean {
    return this.#phase === "answering" && this.#response === undefined;
  }

  // -- from the application, while a request is being answered --

  /** Asks for the next part of the body. The first call sends `100 Continue` when it is awaited. */
  readBody(now: Millis): void {
    const body = this.#body;
    if (this.#phase !== "answering" || !body || body.flows) return;
    if (body.done) {
      this.#events.push({ kind: "body-end" });
      return;
    }
    body.wanted = true;
    if (body.fault !== undefined) {
      this.#abortBody(body.fault);
      return;
    }
    if (body.continueDue) {
      body.continueDue = false;
      // RFC 9110 §10.1.1: not when part of the body is already there.
      if (this.#input.length === 0 && !this.#response) this.#transmits.push(http1.CONTINUE);
    }
    this.#awaitBody(now);
    this.#advance(now);
    if (body.wanted && this.#peerEnded) this.#abortBody(http1.INCOMPLETE);
  }

  /** Answers with a whole body, which may be empty, in one transmit. */
  respond(head: ResponseHead, body: Uint8Array, now: Millis): void {
    if (!this.#startResponse(head, body.length, body)) return;
    this.endResponse(now);
  }

  /** Begins an answer whose body comes by `writeBody`: of `length` bytes when that is known. */
  startResponse(head: ResponseHead, length?: number): void {
    this.#startResponse(head, length, undefined);
  }

  /** Part of the body, which is copied unless the length of the whole was given. */
  writeBody(bytes: Uint8Array): void {
    const response = this.#response;
    if (this.#phase !== "answering" || !response || bytes.length === 0) return;
    if (response.coding === "none") return;
    if (response.coding === "length") {
      response.left -= bytes.length;
      if (response.left < 0) {
        this.#close("abort");
        return;
      }
    }
    this.#transmits.push(response.coding === "chunked" ? http1.encodeChunk(bytes) : bytes);
  }

  /** The answer is whole. One shorter than its promised length breaks the connection off. */
  endResponse(now: Millis): void {
    const response = this.#response;
    if (this.#phase !== "answering" || !response) return;
    if (response.coding === "length" && response.left > 0) {
      this.#close("abort");
      return;
    }
    if (response.coding === "chunked") this.#transmits.push(http1.LAST_CHUNK);
    const body = this.#body;
    if (body?.wanted) this.#abortBody(http1.INCOMPLETE);
    if (!this.#keepAlive) this.#linger(now);
    else if (!body || body.done) this.#nextRequest(now);
    else {
      body.discarding = true;
      this.#awaitBody(now);
      this.#advance(now);
    }
  }

  /** Breaks the connection off: the answer cannot be finished. */
  abort(): void {
    if (this.#phase !== "taken") this.#close("abort");
  }

  /**
   * Ends HTTP on this connection: `head` is the last transmit, and what was read behind the
   * request is returned for the next protocol.
   */
  takeOver(head: ResponseHead): Uint8Array {
    if (!this.awaitsAnswer) return new Uint8Array(0);
    const fields = withCommon(head.fields, this.#commonFields());
    this.#transmits.push(http1.encodeResponseHead(head.status, fields));
    this.#phase = "taken";
    this.#stopTimers();
    return this.#input.take();
  }

  // -- inside --

  #advance(now: Millis): void {
    if (this.#phase === "answering") this.#advanceBody(now);
    // A body that was read and dropped may have ended, and the next head be there.
    if (this.#phase === "head") this.#advanceHead(now);
  }

  #advanceHead(now: Millis): void {
    if (this.#input.length === 0) return;
    if (!this.#timers.isArmed("head")) this.#timers.arm("head", now + this.#limits.headMillis);
    const head = this.#headReader.read(this.#input);
    if (head === undefined) return;
    this.#timers.stop("head");
    if (head instanceof Fault) {
      this.#fail(head, now);
      return;
    }
    if (head.contentLength > this.#limits.bodyMaxBytes) {
      this.#fail(http1.CONTENT_TOO_LARGE, now);
      return;
    }
    this.#phase = "answering";
    this.#request = head;
    this.#body = new RequestBody(head, this.#limits.bodyMaxBytes);
    this.#keepAlive = head.keepAlive;
    this.#response = undefined;
    this.#events.push({ kind: "request", head });
  }

  #advanceBody(now: Millis): void {
    const body = this.#body;
    if (!body?.flows || this.#input.length === 0) return;
    const piece = body.decode(this.#input);
    if (piece instanceof Fault) {
      this.#fail(piece, now);
      return;
    }
    if (body.discarding) {
      if (body.done) this.#nextRequest(now);
      else this.#awaitBody(now);
    } else if (piece || body.done) {
      body.wanted = false;
      this.#timers.stop("body-idle");
      if (body.done) this.#timers.stop("body");
      this.#events.push(piece ? { kind: "body", bytes: piece } : { kind: "body-end" });
    } else this.#awaitBody(now);
  }

  /** Arms the deadlines of a body that is wanted. */
  #awaitBody(now: Millis): void {
    this.#timers.arm("body-idle", now + this.#limits.bodyIdleMillis);
    if (!this.#timers.isArmed("body")) this.#timers.arm("body", now + this.#limits.bodyMillis);
  }

  #startResponse(
    head: ResponseHead,
    length: number | undefined,
    body: Uint8Array | undefined,
  ): boolean {
    const request = this.#request;
    if (this.#phase !== "answering" || this.#response || !request) return false;
    if (!this.#body?.canSkip(this.#limits.lingerMaxBytes)) this.#keepAlive = false;
    const fields = withCommon(head.fields, this.#commonFields());
    const framed = frameResponse({ status: head.status, fields }, length, request, this.#keepAlive);
    const whole = framed.coding === "length" && body !== undefined ? body : undefined;
    if (whole) framed.left = 0;
    this.#transmits.push(http1.encodeResponseHead(head.status, framed.fields, whole));
    this.#response = framed;
    this.#keepAlive = framed.keepAlive;
    return true;
  }

  #nextRequest(now: Millis): void {
    this.#phase = "head";
    this.#request = undefined;
    this.#response = undefined;
    this.#body = undefined;
    this.#timers.stop("body-idle");
    this.#timers.stop("body");
    if (this.#input.length > 0) this.#advanceHead(now);
    else if (!this.#peerEnded) {
      this.#timers.arm("keep-alive", now + this.#limits.keepAliveMillis);
    }
    if (this.#peerEnded && this.#phase === "head") this.#linger(now);
  }

  /** The client broke a rule: an error answer if none has begun, and the end of the connection. */
  #fail(fault: Fault, now: Millis): void {
    this.#reportFault(fault);
    this.#keepAlive = false;
    this.#timers.stop("body-idle");
    if (this.#body) {
      this.#body.fault = fault;
      if (this.#body.wanted) this.#abortBody(fault);
    }
    if (this.#response) {
      // An answer that has begun is finished first.
      if (this.#body?.discarding) this.#linger(now);
      return;
    }
    const body = latin1Bytes(`${fault.code} (${fault.spec})\n`);
    const fields: http1.Field[] = [
      ["content-type", "text/plain; charset=iso-8859-1"],
      ["content-length", `${body.length}`],
      ["connection", "close"],
      ...this.#commonFields(),
    ];
    const head = this.#request?.method === "HEAD" ? undefined : body;
    this.#transmits.push(http1.encodeResponseHead(http1.statusOf(fault), fields, head));
    this.#linger(now);
  }

  #reportFault(fault: Fault): void {
    this.#events.push({ kind: "fault", fault, status: http1.statusOf(fault) });
  }

  #abortBody(fault: Fault): void {
    if (this.#body) {
      this.#body.wanted = false;
      this.#body.fault = fault;
    }
    this.#timers.stop("body-idle");
    this.#events.push({ kind: "body-abort", fault });
  }

  #linger(now: Millis): void {
    this.#phase = "lingering";
    this.#stopTimers();
    this.#lingered = this.#input.length;
    this.#input.clear();
    this.#events.push({ kind: "end" });
    if (this.#peerEnded) {
      this.#close("close");
      return;
    }
    this.#timers.arm("linger", now + this.#limits.lingerMillis);
  }

  #close(kind: "close" | "abort"): void {
    if (this.#phase === "closed") return;
    this.#phase = "closed";
    this.#stopTimers();
    this.#input.clear();
    this.#events.push({ kind });
  }

  #stopTimers(): void {
    for (const name of TIMERS) this.#timers.stop(name);
  }
}
