import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { type Conn, type Endpoint, HIGH_WATER_BYTES, type TlsOptions } from "../../core/base/io.ts";
import { BaseConn } from "./base_conn.ts";
import { endpoint, systemError } from "./endpoint.ts";
import { secureContextOf } from "./tls_context.ts";

const HANDSHAKE_MILLIS = 10_000;

/** A connection on a socket of node:net or node:tls, which Deno and Bun have too. */
export class NetConn extends BaseConn {
  readonly #socket: Socket;
  #error: Error | undefined;
  #full = false;
  #ended = false;
  #paused = false;

  constructor(socket: Socket, local?: Endpoint, remote?: Endpoint) {
    super(
      local ?? endpoint(socket.localAddress, socket.localPort),
      remote ?? endpoint(socket.remoteAddress, socket.remotePort),
    );
    this.#socket = socket;
    socket.on("error", (error) => {
      this.#error ??= error;
    });
    socket.on("close", () => this.gone(this.#error));
  }

  get buffered(): number {
    return this.closed ? 0 : this.#socket.writableLength;
  }

  protected override startReading(): void {
    const socket = this.#socket;
    // Node's chunks are its own slices of fresh memory; a Buffer shall not leak out.
    socket.on("data", (b: Uint8Array) =>
      this.deliver(new Uint8Array(b.buffer, b.byteOffset, b.length)),
    );
    socket.on("end", () => this.peerEnded());
    socket.on("drain", () => {
      if (!this.#full) return;
      this.#full = false;
      if (!this.#ended) this.drained();
    });
    if (this.#paused) socket.pause();
  }

  write(bytes: Uint8Array): boolean {
    if (this.closed || this.#ended || bytes.length === 0) return true;
    const socket = this.#socket;
    socket.write(bytes);
    if (socket.writableLength <= HIGH_WATER_BYTES) return true;
    this.#full = true;
    return false;
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  end(): void {
    if (this.closed || this.#ended) return;
    this.#ended = true;
    this.#socket.end();
  }

  protected override closeNow(): void {
    this.#socket.destroy();
  }

  async startTls(first: Uint8Array, options: TlsOptions): Promise<Conn> {
    const secureContext = secureContextOf(options.context);
    if (this.closed) throw systemError("ECONNRESET", "The connection is closed");
    const socket = this.#socket;
    socket.pause();
    for (const event of ["data", "end", "drain"]) socket.removeAllListeners(event);
    this.handOver();
    socket.unshift(first);
    const tls = new TLSSocket(socket, {
      isServer: true,
      secureContext,
      allowHalfOpen: true,
      ...(options.alpn ? { ALPNProtocols: [...options.alpn] } : {}),
    } as ConstructorParameters<typeof TLSSocket>[1]);
    const millis = options.handshakeMillis ?? HANDSHAKE_MILLIS;
    return handshake(socket, tls, millis, () => new NetConn(tls, this.local, this.remote));
  }
}

/**
 * Resolves when the handshake is done; `wrap` is called in that very event, so that none is missed.
 */
function handshake(
  socket: Socket,
  tls: TLSSocket,
  millis: number,
  wrap: () => NetConn,
): Promise<Conn> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(error);
      tls.destroy();
      socket.destroy();
    };
    // Deno and Node tell a peer that leaves early only by `end`.
    const left = (): void =>
      fail(systemError("ECONNRESET", "The connection closed during the TLS handshake"));
    const timer = setTimeout(
      () => fail(systemError("ETIMEDOUT", `TLS handshake took longer than ${millis} ms`)),
      millis,
    );
    tls.on("error", fail);
    tls.once("end", left);
    tls.once("secure", () => {
      clearTimeout(timer);
      resolve(wrap());
      tls.off("error", fail);
      tls.off("end", left);
    });
    socket.once("close", left);
  });
}
