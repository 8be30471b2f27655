/**
 * One WebRTC session with its paths, TCP connections and UDP 5-tuples: feeds the machine, writes what it wants sent, sleeps
 * until its next timeout.
 *
 * @module
 */
import type { Conn, Fault, Millis, Runtime, SrtpKeys } from "../../core/base/mod.ts";
import { NEVER } from "../../core/base/mod.ts";
import type { IceCredentials } from "../../core/session/webrtc/ice_credentials.ts";
import type { CloseReason, WebRtcTransport } from "../../core/session/webrtc/transport.ts";
import type { Inflow } from "../limits/inflow.ts";
import { type Path, TcpPath, type UdpPath } from "./path.ts";

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

/** `publisher-rate`: more came than `limits.publisher_bitrate` or `limits.publisher_packets` allows. */
export type EndReason = CloseReason | "publisher-rate";

/** What a role (publishing, playing) adds to a session. */
export interface SessionRole {
  /** Keys are agreed. */
  onConnected(sendKeys: SrtpKeys, now: Millis): void;
  /** There is a path to send on, or another one; or none any more. */
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
  /** Media goes to another path than before. */
  readonly onPath: (path: Path) => void;
  /** The session is over, and its connections are being closed. */
  readonly onClosed: (reason: EndReason, fault: Fault | undefined) => void;
  /** What the peer may send; without it as much as he likes. */
  readonly inflow?: Inflow | undefined;
}

export class RtcSession {
  readonly #runtime: Runtime;
  readonly #transport: WebRtcTransport;
  readonly #role: SessionRole;
  readonly #options: SessionOptions;
  readonly #paths = new Map<number, Path>();
  #nextPair = 1;
  #selected: Path | undefined;
  /** The selected path went, and nobody was told. */
  #lost = false;
  #timer: Disposable | undefined;
  #timerAt: Millis = NEVER;
  #over = false;
  /** Packets that its inflow knows of. */
  #counted = 0;
  #exceeded = false;
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

  /** What carries what we send; undefined while nothing does. */
  get selected(): Path | undefined {
    return this.#selected;
  }

  /** Whether media is to be framed for a stream of bytes. */
  get framed(): boolean {
    return this.#selected?.transport !== "udp";
  }

  /** Whether there is a path to the peer right now. */
  get reachable(): boolean {
    return this.#paths.size > 0;
  }

  get connected(): boolean {
    return this.#transport.connected;
  }

  /** Bytes that wait in our process for the selected path. */
  get queuedBytes(): number {
    return this.#selected?.buffered ?? 0;
  }

  /** Takes over a connection whose first STUN message names this session. */
  attach(conn: Conn, first: Uint8Array): void {
    const pair = this.#nextPair++;
    const path = new TcpPath(this.#runtime, conn);
    this.#paths.set(pair, path);
    this.#transport.openPair(pair, "tcp", conn.remote, this.#runtime.now());
    conn.handler = {
      data: (chunk) => this.#read(pair, path, chunk),
      drain: () => {
        if (path !== this.#selected || this.#over) return;
        this.#role.onDrain(this.#runtime.now());
        this.#options.afterInput();
      },
      end: () => this.losePath(pair),
      close: () => this.losePath(pair),
    };
    this.#read(pair, path, first);
  }

  /** What speaks against a datagram from an address that is none of the session's paths. */
  vet(datagram: Uint8Array): Fault | undefined {
    return this.#transport.vet(datagram);
  }

  /**
   * Takes a path by its first datagram, which was vetted. Its pair, or `undefined` when it did not
   * become a valid one.
   */
  acceptDatagram(path: UdpPath, datagram: Uint8Array): number | undefined {
    if (this.#over) return undefined;
    const pair = this.#nextPair++;
    this.#paths.set(pair, path);
    this.#transport.openPair(pair, "udp", path.remote, this.#runtime.now());
    this.#input(pair, datagram);
    // What it led to may have ended the session, and with it the path.
    if (this.#paths.has(pair) && this.#transport.isValid(pair)) return pair;
    this.losePath(pair);
    return undefined;
  }

  /** Opens a path by UDP, which the session's agent checks. Its pair. */
  dial(path: UdpPath): number {
    const now = this.#runtime.now();
    const pair = this.#nextPair++;
    this.#paths.set(pair, path);
    this.#transport.openPair(pair, "udp", path.remote, now);
    this.#transport.handleTimeout(now);
    this.#turn();
    return pair;
  }

  /** Takes a datagram of one of the session's paths, unless too many come; `bytes` is not kept. */
  handleDatagram(pair: number, bytes: Uint8Array): boolean {
    if (this.#options.inflow?.refuses(this.#runtime.now())) {
      this.#endExceeded();
      return false;
    }
    this.#input(pair, bytes);
    this.#count(bytes.length);
    return true;
  }

  /** Why its client is held back, in words; empty while it is not. */
  trouble(now: Millis): string {
    return this.#options.inflow?.trouble(now) ?? "";
  }

  /** Writes sealed media to the selected path; see there for how long `bytes` is not to be touched. */
  sendMedia(bytes: Uint8Array): boolean {
    const path = this.#selected;
    if (path === undefined || this.#over) return false;
    this.sentBytes += bytes.length;
    path.write(bytes);
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

  /** Who sends more than he may is read from later: TCP holds him back. */
  #read(pair: number, path: TcpPath, chunk: Uint8Array): void {
    this.#input(pair, chunk);
    const wait = this.#count(chunk.length);
    if (wait > 0 && this.#paths.has(pair)) path.hold(wait);
  }

  /** The ms for which no more should be read. */
  #count(bytes: number): Millis {
    const { inflow } = this.#options;
    if (inflow === undefined || this.#over) return 0;
    const { received } = this.#transport;
    const wait = inflow.take(bytes, received - this.#counted, this.#runtime.now());
    this.#counted = received;
    this.#endExceeded();
    return wait;
  }

  #endExceeded(): void {
    if (this.#options.inflow?.exceeded === undefined || this.#over) return;
    this.#exceeded = true;
    this.close();
    this.#options.afterInput();
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

  /** The peer closed the connection, a half of which is of no use; or another session has the path. */
  losePath(pair: number): void {
    const path = this.#paths.get(pair);
    if (path === undefined) return;
    this.#paths.delete(pair);
    path.release();
    if (this.#over) return;
    this.#unselect(path);
    this.#transport.handlePairClosed(pair, this.#runtime.now());
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
      const path = this.#paths.get(out.pair);
      if (path === undefined || path.buffered > this.#queueMax(path)) continue;
      this.sentBytes += out.bytes.length;
      path.write(out.bytes);
    }
    for (let event = transport.pollEvent(); event !== undefined; event = transport.pollEvent()) {
      switch (event.type) {
        case "connected":
          this.#role.onConnected(event.sendKeys, now);
          break;
        case "selected":
          this.#select(this.#paths.get(event.pair), now);
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
    // Where another path takes over, the stream goes on without a break.
    if (this.#lost) this.#role.onPath(false, now);
    this.#lost = false;
  }

  #select(path: Path | undefined, now: Millis): void {
    this.#selected = path;
    if (path === undefined) return;
    this.#lost = false;
    this.#options.onPath(path);
    this.#role.onPath(true, now);
  }

  #queueMax(path: Path): number {
    const media = path === this.#selected && this.#transport.connected;
    return media ? CONTROL_QUEUE_MAX : ANSWERS_QUEUE_MAX;
  }

  #end(reason: CloseReason, fault: Fault | undefined): void {
    this.#over = true;
    this.#timer?.[Symbol.dispose]();
    this.#selected = undefined;
    for (const pair of [...this.#paths.keys()]) this.#release(pair);
    this.#role.onClosed();
    this.#options.onClosed(this.#exceeded ? "publisher-rate" : reason, fault);
  }

  #release(pair: number): void {
    const path = this.#paths.get(pair);
    if (path === undefined) return;
    this.#paths.delete(pair);
    this.#unselect(path);
    path.release();
  }

  #unselect(path: Path): void {
    if (path !== this.#selected) return;
    this.#selected = undefined;
    this.#lost = true;
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
