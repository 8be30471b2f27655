/**
 * One WebRTC session with its connections: feeds the machine, writes what it wants sent, sleeps
 * until its next timeout.
 *
 * @module
 */
import type { Conn, Fault, Millis, Runtime, SrtpKeys } from "../../core/base/mod.ts";
import { NEVER } from "../../core/base/mod.ts";
import type { IceCredentials } from "../../core/session/webrtc/ice_credentials.ts";
import type { CloseReason, WebRtcTransport } from "../../core/session/webrtc/transport.ts";
import { linger } from "../linger.ts";

/**
 * More queued bytes than that on the connection that carries media, and what else we have to say is
 * dropped.
 */
const CONTROL_QUEUE_MAX = 1024 * 1024;
/**
 * The same where there is no media: a session may have many such connections, and checks cost
 * nothing.
 */
const ANSWERS_QUEUE_MAX = 64 * 1024;

/** What a role (publishing, playing) adds to a session. */
export interface SessionRole {
  /** Keys are agreed. */
  onConnected(sendKeys: SrtpKeys, now: Millis): void;
  /** There is a connection to send on, or another one; or none any more. */
  onPath(there: boolean, now: Millis): void;
  /** After input was fed or a timer fired: pass on what came, fetch what is to be sent. */
  onTurn(now: Millis): void;
  /** A connection took what was queued. */
  onDrain(now: Millis): void;
  handleTimeout(now: Millis): void;
  nextTimeout(): Millis;
  /** The session is over. Once. */
  onClosed(): void;
}

export interface SessionOptions {
  readonly runtime: Runtime;
  readonly transport: WebRtcTransport;
  readonly role: SessionRole;
  readonly onFault: (fault: Fault) => void;
  /** Something of ours threw on a peer's input, which is a bug; the connection is closed for it. */
  readonly onError: (error: unknown) => void;
  /** After an ICE restart: connections for this ufrag of ours are for us no more. */
  readonly onRetired?: (ufrag: string) => void;
  /** Input was handled to its end: time to look at what it did elsewhere. */
  readonly afterInput: () => void;
  /** The session is over, and its connections are being closed. */
  readonly onClosed: (reason: CloseReason, fault: Fault | undefined) => void;
}

export class RtcSession {
  readonly #runtime: Runtime;
  readonly #transport: WebRtcTransport;
  readonly #role: SessionRole;
  readonly #options: SessionOptions;
  readonly #conns = new Map<number, Conn>();
  #nextPair = 1;
  #selected: Conn | undefined;
  #timer: Disposable | undefined;
  #timerAt: Millis = NEVER;
  #over = false;
  /** Bytes from and to the peer, as on the wire. */
  receivedBytes = 0;
  sentBytes = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#runtime = options.runtime;
    this.#transport = options.transport;
    this.#role = options.role;
    this.#turn();
  }

  /** The connection that carries what we send. */
  get selected(): Conn | undefined {
    return this.#selected;
  }

  /** Whether the peer is connected right now. */
  get reachable(): boolean {
    return this.#conns.size > 0;
  }

  get connected(): boolean {
    return this.#transport.connected;
  }

  /** Bytes that wait in our process for the selected connection. */
  get queuedBytes(): number {
    return this.#selected?.buffered ?? 0;
  }

  /** Takes over a connection whose first STUN message names this session. */
  attach(conn: Conn, first: Uint8Array): void {
    const pair = this.#nextPair++;
    this.#conns.set(pair, conn);
    this.#transport.openPair(pair, "tcp", conn.remote, this.#runtime.now());
    conn.handler = {
      data: (chunk) => this.#input(pair, chunk),
      drain: () => {
        if (conn !== this.#selected || this.#over) return;
        this.#role.onDrain(this.#runtime.now());
        this.#options.afterInput();
      },
      end: () => this.#hangUp(pair, conn),
      close: () => this.#hangUp(pair, conn),
    };
    this.#input(pair, first);
  }

  /** Writes sealed media to the selected connection; `bytes` is not touched afterwards. */
  sendMedia(bytes: Uint8Array): boolean {
    const conn = this.#selected;
    if (conn === undefined || this.#over) return false;
    this.sentBytes += bytes.length;
    conn.write(bytes);
    return true;
  }

  /** Sends plaintext RTCP, sealed. */
  sendRtcp(plaintext: Uint8Array): void {
    this.#transport.sendRtcp(plaintext);
  }

  /** An ICE restart with new credentials of ours. */
  restartIce(local: IceCredentials): void {
    if (this.#over) return;
    this.#transport.restartIce(local, this.#runtime.now());
    this.#turn();
  }

  /** Says goodbye and ends. */
  close(): void {
    if (this.#over) return;
    this.#transport.close(this.#runtime.now());
    this.#turn();
  }

  /** Lets the machine and the role say what they have to say; called after every input. */
  turn(): void {
    this.#turn();
  }

  #input(pair: number, chunk: Uint8Array): void {
    if (this.#over) return;
    this.receivedBytes += chunk.length;
    try {
      this.#transport.handleInput({ pair, bytes: chunk }, this.#runtime.now());
      this.#turn();
      this.#options.afterInput();
    } catch (error) {
      this.#options.onError(error);
      throw error;
    }
  }

  /** The peer closed the connection; a half of it is of no use. */
  #hangUp(pair: number, conn: Conn): void {
    if (this.#conns.get(pair) !== conn) return;
    this.#conns.delete(pair);
    // He may have said FIN and read nothing: what is queued for him must not keep the connection.
    if (!conn.closed) linger(this.#runtime, conn);
    if (this.#over) return;
    const now = this.#runtime.now();
    this.#losePath(conn, now);
    this.#transport.handlePairClosed(pair, now);
    this.#turn();
    this.#options.afterInput();
  }

  #turn(): void {
    if (this.#over) return;
    const now = this.#runtime.now();
    this.#flush(now);
    if (this.#over) return;
    this.#role.onTurn(now);
    this.#flush(now);
    this.#schedule();
  }

  #flush(now: Millis): void {
    const transport = this.#transport;
    for (let out = transport.pollTransmit(); out !== undefined; out = transport.pollTransmit()) {
      const conn = this.#conns.get(out.pair);
      if (conn === undefined || conn.buffered > this.#queueMax(conn)) continue;
      this.sentBytes += out.bytes.length;
      conn.write(out.bytes);
    }
    for (let event = transport.pollEvent(); event !== undefined; event = transport.pollEvent()) {
      switch (event.type) {
        case "connected":
          this.#role.onConnected(event.sendKeys, now);
          break;
        case "selected":
          this.#selected = this.#conns.get(event.pair);
          if (this.#selected !== undefined) this.#role.onPath(true, now);
          break;
        case "close-pair":
          // Ends, not destroys: the refusal that explains it is still on its way.
          this.#release(event.pair);
          this.#options.onFault(event.fault);
          break;
        case "retired":
          this.#options.onRetired?.(event.ufrag);
          break;
        case "fault":
          this.#options.onFault(event.fault);
          break;
        case "closed":
          this.#end(event.reason, event.fault);
          return;
        default:
          event satisfies never;
      }
    }
  }

  #queueMax(conn: Conn): number {
    const media = conn === this.#selected && this.#transport.connected;
    return media ? CONTROL_QUEUE_MAX : ANSWERS_QUEUE_MAX;
  }

  #end(reason: CloseReason, fault: Fault | undefined): void {
    this.#over = true;
    this.#timer?.[Symbol.dispose]();
    this.#selected = undefined;
    for (const pair of [...this.#conns.keys()]) this.#release(pair);
    this.#role.onClosed();
    this.#options.onClosed(reason, fault);
  }

  /** Lets a connection go, after what is still to be written. */
  #release(pair: number): void {
    const conn = this.#conns.get(pair);
    if (conn === undefined) return;
    this.#conns.delete(pair);
    if (!this.#over) this.#losePath(conn, this.#runtime.now());
    linger(this.#runtime, conn);
  }

  #losePath(conn: Conn, now: Millis): void {
    if (conn !== this.#selected) return;
    this.#selected = undefined;
    this.#role.onPath(false, now);
  }

  /**
   * One timer, set again only when something is due earlier: a timer that fires early does no harm.
   */
  #schedule(): void {
    if (this.#over) return;
    const due = Math.min(this.#transport.nextTimeout(), this.#role.nextTimeout());
    if (due >= this.#timerAt) return;
    this.#timer?.[Symbol.dispose]();
    this.#timerAt = due;
    this.#timer = this.#runtime.wakeAt(due, () => {
      this.#timerAt = NEVER;
      if (this.#over) return;
      const now = this.#runtime.now();
      this.#transport.handleTimeout(now);
      this.#role.handleTimeout(now);
      this.#turn();
      this.#options.afterInput();
    });
  }
}
