import { MonoportError } from "../../core/base/error.ts";
import { type Conn, HIGH_WATER_BYTES } from "../../core/base/io.ts";
import { BaseConn } from "../common/base_conn.ts";
import { asError, endpoint } from "../common/endpoint.ts";

/** Idle connections are many; a buffer is pinned for each read that waits. */
const SMALL_READ_BYTES = 4 * 1024;
const LARGE_READ_BYTES = 64 * 1024;
/** After so many reads that a small buffer would have held, back to that. */
const SMALL_READS = 16;
/** Queued pieces are joined up to this size, for one system call. */
const JOIN_BYTES = 64 * 1024;

/** A connection on Deno's own sockets. */
export class DenoConn extends BaseConn {
  readonly #tcp: Deno.TcpConn;
  readonly #queue: Uint8Array[] = [];
  #writing: Uint8Array | undefined;
  #buffered = 0;
  #full = false;
  #ended = false;
  #finSent = false;
  #peerEnded = false;
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(SMALL_READ_BYTES);
  #smallReads = 0;
  #reading = false;
  #paused = false;
  #started = false;

  constructor(tcp: Deno.TcpConn) {
    const { localAddr, remoteAddr } = tcp;
    super(
      endpoint(localAddr.hostname, localAddr.port),
      endpoint(remoteAddr.hostname, remoteAddr.port),
    );
    this.#tcp = tcp;
  }

  get buffered(): number {
    return this.#buffered;
  }

  protected override startReading(): void {
    this.#started = true;
    this.#read();
  }

  #read(): void {
    if (this.#reading || this.#paused || this.#peerEnded || !this.#started || this.closed) return;
    this.#reading = true;
    this.#tcp.read(this.#buffer).then(this.#onRead, this.#onError);
  }

  readonly #onRead = (size: number | null): void => {
    this.#reading = false;
    if (this.closed) return;
    if (size === null) {
      this.#peerEnded = true;
      this.peerEnded();
      this.#closeIfDone();
      return;
    }
    const chunk = this.#buffer.slice(0, size);
    this.#resize(size);
    this.deliver(chunk);
    this.#read();
  };

  #resize(size: number): void {
    if (size === this.#buffer.length) {
      this.#smallReads = 0;
      if (size < LARGE_READ_BYTES) this.#buffer = new Uint8Array(LARGE_READ_BYTES);
    } else if (size >= SMALL_READ_BYTES) {
      this.#smallReads = 0;
    } else if (this.#buffer.length > SMALL_READ_BYTES && ++this.#smallReads >= SMALL_READS) {
      this.#smallReads = 0;
      this.#buffer = new Uint8Array(SMALL_READ_BYTES);
    }
  }

  readonly #onError = (thrown: unknown): void => {
    this.#reading = false;
    this.destroy(asError(thrown));
  };

  write(bytes: Uint8Array): boolean {
    if (this.closed || this.#ended || bytes.length === 0) return true;
    this.#buffered += bytes.length;
    if (this.#writing === undefined) this.#send(bytes);
    else this.#queue.push(bytes);
    if (this.#buffered <= HIGH_WATER_BYTES) return true;
    this.#full = true;
    return false;
  }

  /** Deno tries the system call inside `write`; only the answer comes later. */
  #send(bytes: Uint8Array): void {
    this.#writing = bytes;
    this.#tcp.write(bytes).then(this.#onWritten, this.#onError);
  }

  readonly #onWritten = (size: number): void => {
    const bytes = this.#writing;
    if (this.closed || bytes === undefined) return;
    this.#buffered -= size;
    const next = size < bytes.length ? bytes.subarray(size) : this.#next();
    this.#writing = undefined;
    if (next !== undefined) this.#send(next);
    else if (this.#ended) this.#sendFin();
    else if (this.#full) {
      this.#full = false;
      this.drained();
    }
  };

  /** The next piece, or several small ones as one. */
  #next(): Uint8Array | undefined {
    const queue = this.#queue;
    let count = 0;
    let size = 0;
    for (const piece of queue) {
      if (count > 0 && size + piece.length > JOIN_BYTES) break;
      size += piece.length;
      count++;
    }
    const pieces = queue.splice(0, count);
    if (pieces.length < 2) return pieces[0];
    const joined = new Uint8Array(size);
    let at = 0;
    for (const piece of pieces) {
      joined.set(piece, at);
      at += piece.length;
    }
    return joined;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    // Not inside this call: who resumes is seldom ready for data.
    queueMicrotask(() => this.#read());
  }

  end(): void {
    if (this.closed || this.#ended) return;
    this.#ended = true;
    if (this.#writing === undefined) this.#sendFin();
  }

  #sendFin(): void {
    const sent = (): void => {
      this.#finSent = true;
      this.#closeIfDone();
    };
    // It fails when the peer is gone, which reading tells too.
    this.#tcp.closeWrite().then(sent, sent);
  }

  #closeIfDone(): void {
    if (this.#finSent && this.#peerEnded) this.destroy();
  }

  protected override closeNow(): void {
    this.#queue.length = 0;
    this.#buffered = 0;
    this.#writing = undefined;
    try {
      this.#tcp.close();
    } catch {
      // Deno closed it already.
    }
    queueMicrotask(() => this.gone());
  }

  startTls(): Promise<Conn> {
    const message = "startTls needs a listener with `tls: true`";
    return Promise.reject(new MonoportError("api-misuse", message));
  }
}
