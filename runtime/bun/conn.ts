import { MonoportError } from "../../core/base/error.ts";
import { type Conn, HIGH_WATER_BYTES } from "../../core/base/io.ts";
import { BaseConn } from "../common/base_conn.ts";
import { endpoint } from "../common/endpoint.ts";
import type { BunSocket } from "./types.ts";

/** Queued pieces are joined up to this size, for one system call. */
const JOIN_BYTES = 64 * 1024;

/** A connection on Bun's own sockets: what the kernel does not take is ours to keep. */
export class BunConn extends BaseConn {
  readonly #socket: BunSocket<BunConn>;
  readonly #queue: Uint8Array[] = [];
  #buffered = 0;
  #full = false;
  #ended = false;
  #finSent = false;
  #peerEnded = false;
  #paused = false;
  #started = false;
  /** What came before there was a handler or after `pause`. */
  readonly #held: Uint8Array[] = [];
  #heldEnd = false;
  #heldClose = false;

  constructor(socket: BunSocket<BunConn>) {
    super(
      endpoint(socket.localAddress, socket.localPort),
      endpoint(socket.remoteAddress, socket.remotePort),
    );
    this.#socket = socket;
  }

  get buffered(): number {
    return this.#buffered;
  }

  protected override startReading(): void {
    this.#started = true;
    queueMicrotask(() => this.#release());
  }

  /** From Bun: bytes, which are the receiver's. */
  onData(bytes: Uint8Array): void {
    const chunk = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    if (this.#started && !this.#paused && this.#held.length === 0) this.deliver(chunk);
    else this.#held.push(chunk);
  }

  /** From Bun: the peer's FIN. */
  onEnd(): void {
    this.#peerEnded = true;
    this.#heldEnd = true;
    if (this.#held.length === 0) this.#release();
  }

  /** From Bun: the socket is closed. It may come inside our own call. */
  onClose(error: Error | undefined): void {
    this.#queue.length = 0;
    this.#buffered = 0;
    if (error !== undefined || this.closed) {
      queueMicrotask(() => this.gone(error));
      return;
    }
    // Both sides have ended; Bun tells a FIN that comes after ours only so.
    if (!this.#peerEnded) this.#heldEnd = true;
    this.#peerEnded = true;
    this.#heldClose = true;
    queueMicrotask(() => this.#release());
  }

  #release(): void {
    while (!this.#paused && this.#started && !this.closed) {
      const chunk = this.#held.shift();
      if (chunk === undefined) break;
      this.deliver(chunk);
    }
    if (this.#held.length > 0 || !this.#started) return;
    if (this.#heldEnd) {
      this.#heldEnd = false;
      this.peerEnded();
    }
    if (this.#heldClose) this.gone();
    else if (!this.closed) this.#closeIfDone();
  }

  /** From Bun: the kernel takes bytes again. */
  onDrain(): void {
    const queue = this.#queue;
    while (queue.length > 0 && !this.closed) {
      this.#joinFirst();
      const [piece] = queue;
      if (piece === undefined) break;
      const size = this.#socket.write(piece);
      // Closed; `onClose` will follow.
      if (size < 0) return;
      this.#buffered -= size;
      if (size < piece.length) {
        queue[0] = piece.subarray(size);
        return;
      }
      queue.shift();
    }
    if (this.#ended) this.#sendFin();
    else if (this.#full) {
      this.#full = false;
      this.drained();
    }
  }

  /** Makes one piece of small ones at the head of the queue. */
  #joinFirst(): void {
    const queue = this.#queue;
    let count = 0;
    let size = 0;
    for (const piece of queue) {
      if (count > 0 && size + piece.length > JOIN_BYTES) break;
      size += piece.length;
      count++;
    }
    if (count < 2) return;
    const joined = new Uint8Array(size);
    let at = 0;
    for (const piece of queue.splice(0, count)) {
      joined.set(piece, at);
      at += piece.length;
    }
    queue.unshift(joined);
  }

  write(bytes: Uint8Array): boolean {
    if (this.closed || this.#ended || bytes.length === 0) return true;
    const taken = this.#queue.length === 0 ? Math.max(this.#socket.write(bytes), 0) : 0;
    if (taken === bytes.length) return true;
    this.#queue.push(taken === 0 ? bytes : bytes.subarray(taken));
    this.#buffered += bytes.length - taken;
    if (this.#buffered <= HIGH_WATER_BYTES) return true;
    this.#full = true;
    return false;
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
    queueMicrotask(() => this.#release());
  }

  end(): void {
    if (this.closed || this.#ended) return;
    this.#ended = true;
    if (this.#queue.length === 0) this.#sendFin();
  }

  #sendFin(): void {
    if (this.#finSent || this.closed) return;
    this.#finSent = true;
    this.#socket.shutdown();
    this.#closeIfDone();
  }

  #closeIfDone(): void {
    if (this.#finSent && this.#peerEnded && !this.#heldEnd) this.destroy();
  }

  protected override closeNow(): void {
    this.#queue.length = 0;
    this.#held.length = 0;
    this.#buffered = 0;
    this.#socket.close();
    queueMicrotask(() => this.gone());
  }

  startTls(): Promise<Conn> {
    const message = "startTls needs a listener with `tls: true`";
    return Promise.reject(new MonoportError("api-misuse", message));
  }
}
