/** Where a session's packets go: TCP connections and UDP 5-tuples behind one interface. @module */
import type { Conn, Endpoint, Millis, Runtime, UdpSocket } from "../../core/base/mod.ts";
import { linger } from "../port/linger.ts";

export interface Path {
  readonly transport: "tcp" | "udp";
  readonly remote: Endpoint;
  /** Bytes that wait in our process. */
  readonly buffered: number;
  /**
   * Framed packets over TCP, where `bytes` is not touched until `buffered` is 0; one packet over UDP,
   * where it is never touched again.
   */
  write(bytes: Uint8Array): void;
  /** Lets it go, after what is still to be written. */
  release(): void;
}

export class TcpPath implements Path {
  readonly transport = "tcp";
  readonly #runtime: Runtime;
  readonly #conn: Conn;
  #held: Disposable | undefined;

  constructor(runtime: Runtime, conn: Conn) {
    this.#runtime = runtime;
    this.#conn = conn;
  }

  get remote(): Endpoint {
    return this.#conn.remote;
  }

  get buffered(): number {
    return this.#conn.buffered;
  }

  write(bytes: Uint8Array): void {
    this.#conn.write(bytes);
  }

  /** Reads no more for so long: TCP holds the peer back. */
  hold(millis: Millis): void {
    if (this.#conn.closed) return;
    this.#conn.pause();
    this.#held?.[Symbol.dispose]();
    const runtime = this.#runtime;
    this.#held = runtime.wakeAt(runtime.now() + millis, () => this.#goOn());
  }

  #goOn(): void {
    this.#held?.[Symbol.dispose]();
    this.#held = undefined;
    if (!this.#conn.closed) this.#conn.resume();
  }

  /** He may have said FIN and read nothing: what is queued for him must not keep the connection. */
  release(): void {
    if (this.#held !== undefined) this.#goOn();
    if (!this.#conn.closed) linger(this.#runtime, this.#conn);
  }
}

/** One address of a peer at one of our sockets. */
export class UdpPath implements Path {
  readonly transport = "udp";
  /** A socket drops what it cannot send: nothing waits. */
  readonly buffered = 0;
  readonly remote: Endpoint;
  readonly #socket: UdpSocket;
  readonly #onReleased: (path: UdpPath) => void;

  constructor(socket: UdpSocket, remote: Endpoint, onReleased: (path: UdpPath) => void) {
    this.#socket = socket;
    this.remote = remote;
    this.#onReleased = onReleased;
  }

  write(bytes: Uint8Array): void {
    this.#socket.send(bytes, this.remote);
  }

  release(): void {
    this.#onReleased(this);
  }
}
