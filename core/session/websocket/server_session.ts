/**
 * The server side of a WebSocket connection (RFC 6455) behind its handshake.
 *
 * ```
 *  open --our Close--> closing --their Close--> ended --lingerMillis--> destroy
 *    +-- their Close, a fault, FIN ------------> ended
 * ```
 *
 * @module
 */
import { Fault, type Machine, type Millis, Timers } from "../../base/mod.ts";
import { concat } from "../../bytes/mod.ts";
import * as websocket from "../../wire/websocket/mod.ts";

export interface WebSocketLimits {
  /** Bytes of one message from the client, over all its fragments. */
  readonly messageMaxBytes: number;
  /** Without input for this long a Ping is sent; for as long again, the connection is closed. */
  readonly pingMillis: Millis;
  /** From our Close to theirs. */
  readonly closeMillis: Millis;
  /** From the end of the closing handshake to the end of the connection. */
  readonly lingerMillis: Millis;
}

export const WEBSOCKET_LIMITS: WebSocketLimits = {
  messageMaxBytes: 1024 * 1024,
  pingMillis: 30_000,
  closeMillis: 5_000,
  lingerMillis: 2_000,
};

export type WebSocketEvent =
  /** A whole message; `bytes` is valid UTF-8 when `text`. */
  | { readonly kind: "message"; readonly text: boolean; readonly bytes: Uint8Array }
  /**
   * No more messages, either way. 1006: without a closing handshake. Once, and the last but `end`,
   * `destroy`.
   */
  | { readonly kind: "closed"; readonly code: number; readonly reason: Uint8Array }
  /** The client broke a rule; for counting. */
  | { readonly kind: "fault"; readonly fault: Fault }
  /** Send FIN behind what was transmitted; go on reading. */
  | { readonly kind: "end" }
  /** Close the connection. */
  | { readonly kind: "destroy" };

type TimerName = "ping" | "pong" | "close" | "linger";

const EMPTY = new Uint8Array(0);

export class WebSocketServerSession implements Machine<Uint8Array, Uint8Array, WebSocketEvent> {
  /**
   * Set to false while nothing drains: then Pings are not answered, so that Pongs do not pile up.
   */
  answersPings = true;
  readonly #limits: WebSocketLimits;
  readonly #decoder: websocket.FrameDecoder;
  readonly #timers = new Timers<TimerName>();
  readonly #transmits: Uint8Array[] = [];
  readonly #events: WebSocketEvent[] = [];
  #state: "open" | "closing" | "ended" = "open";
  /** Opcode of the message whose fragments come, 0 for none. */
  #opcode = 0;
  #fragments: Uint8Array[] = [];
  #fragmentBytes = 0;

  constructor(limits: Partial<WebSocketLimits>, now: Millis) {
    this.#limits = { ...WEBSOCKET_LIMITS, ...limits };
    this.#decoder = new websocket.FrameDecoder(this.#limits.messageMaxBytes);
    this.#timers.arm("ping", now + this.#limits.pingMillis);
  }

  handleInput(bytes: Uint8Array, now: Millis): void {
    if (this.#state === "ended") return;
    if (this.#state === "open") {
      this.#timers.stop("pong");
      this.#timers.arm("ping", now + this.#limits.pingMillis);
    }
    // RFC 6455 §5.5.3: answering the last of several Pings is enough.
    let ping: Uint8Array | undefined;
    for (let at = 0; at < bytes.length; ) {
      const decoded = this.#decoder.decode(bytes, at);
      if (decoded === undefined) break;
      const bad = decoded instanceof Fault ? decoded : this.#handleFrame(decoded.frame, now);
      if (bad !== undefined) this.#fail(bad, now);
      if (this.#isEnded() || decoded instanceof Fault) break;
      if (decoded.frame.opcode === websocket.PING) ping = decoded.frame.payload;
      at = decoded.end;
    }
    if (ping && this.answersPings && this.#state === "open") {
      this.#transmits.push(websocket.encodeFrame(websocket.PONG, ping));
    }
  }

  /** The client sent FIN. */
  handleEnd(now: Millis): void {
    this.#end(1006, EMPTY, now);
  }

  handleTimeout(now: Millis): void {
    for (let name = this.#timers.expire(now); name; name = this.#timers.expire(now)) {
      if (name === "ping") {
        this.#transmits.push(websocket.encodeFrame(websocket.PING, EMPTY));
        this.#timers.arm("pong", now + this.#limits.pingMillis);
      } else {
        this.#end(1006, EMPTY, now);
        this.#timers.stop("linger");
        this.#events.push({ kind: "destroy" });
      }
    }
  }

  pollTransmit(): Uint8Array | undefined {
    return this.#transmits.shift();
  }

  pollEvent(): WebSocketEvent | undefined {
    return this.#events.shift();
  }

  nextTimeout(): Millis {
    return this.#timers.next();
  }

  get open(): boolean {
    return this.#state === "open";
  }

  /** Sends a message in one frame. A text is given in UTF-8. */
  send(text: boolean, payload: Uint8Array): void {
    this.sendFrame(websocket.encodeFrame(text ? websocket.TEXT : websocket.BINARY, payload));
  }

  /** Sends a frame of `encodeFrame` as it is: it may be shared by many connections. */
  sendFrame(frame: Uint8Array): void {
    if (this.#state === "open") this.#transmits.push(frame);
  }

  /** Begins the closing handshake. `reason` is UTF-8, at most 123 bytes of it are sent. */
  close(code: number, reason: Uint8Array, now: Millis): void {
    if (this.#state !== "open") return;
    this.#sendClose(code, reason);
    this.#state = "closing";
    this.#stopTimers();
    this.#timers.arm("close", now + this.#limits.closeMillis);
  }

  #handleFrame(frame: websocket.Frame, now: Millis): Fault | undefined {
    switch (frame.opcode) {
      case websocket.CLOSE: {
        const close = websocket.decodeClose(frame.payload);
        if (close instanceof Fault) return close;
        if (this.#state === "open") this.#sendClose(close.code, EMPTY);
        this.#end(close.code, close.reason, now);
        return undefined;
      }
      case websocket.PING:
      case websocket.PONG:
        return undefined;
      default:
        return this.#handleFragment(frame);
    }
  }

  #handleFragment({ fin, opcode, payload }: websocket.Frame): Fault | undefined {
    if ((opcode === websocket.CONTINUATION) !== (this.#opcode !== 0)) {
      return websocket.BAD_FRAGMENT;
    }
    if (opcode !== websocket.CONTINUATION) this.#opcode = opcode;
    this.#fragmentBytes += payload.length;
    if (this.#fragmentBytes > this.#limits.messageMaxBytes) return websocket.MESSAGE_TOO_BIG;
    if (payload.length > 0) this.#fragments.push(payload);
    if (!fin) return undefined;
    const [only = EMPTY] = this.#fragments;
    const bytes = this.#fragments.length > 1 ? concat(this.#fragments) : only;
    const text = this.#opcode === websocket.TEXT;
    this.#opcode = 0;
    this.#fragments = [];
    this.#fragmentBytes = 0;
    if (text && !websocket.isUtf8(bytes)) return websocket.BAD_UTF8;
    if (this.#state === "open") this.#events.push({ kind: "message", text, bytes });
    return undefined;
  }

  #fail(fault: Fault, now: Millis): void {
    this.#events.push({ kind: "fault", fault });
    const code = websocket.closeCodeOf(fault);
    if (this.#state === "open") this.#sendClose(code, EMPTY);
    this.#end(code, EMPTY, now);
  }

  #sendClose(code: number, reason: Uint8Array): void {
    const payload = websocket.encodeClose(code, reason);
    this.#transmits.push(websocket.encodeFrame(websocket.CLOSE, payload));
  }

  /** RFC 6455 §7.1.1: the server closes the TCP connection first. */
  #end(code: number, reason: Uint8Array, now: Millis): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#fragments = [];
    this.#stopTimers();
    this.#timers.arm("linger", now + this.#limits.lingerMillis);
    this.#events.push({ kind: "closed", code, reason }, { kind: "end" });
  }

  /** The compiler does not see that `#handleFrame` may end the session. */
  #isEnded(): boolean {
    return this.#state === "ended";
  }

  #stopTimers(): void {
    for (const name of ["ping", "pong", "close", "linger"] as const) this.#timers.stop(name);
  }
}
