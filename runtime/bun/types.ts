/**
 * The few calls of Bun's socket API that we use; its own types are a package we do not need.
 *
 * @module
 */

export interface BunSocket<Data> {
  data: Data;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** Bytes the kernel took, fewer than asked when it is full; negative when closed. */
  write(bytes: Uint8Array, offset?: number, length?: number): number;
  /** FIN; with `allowHalfOpen` reading goes on. */
  shutdown(): void;
  /** Closes at once; what the kernel took still arrives (after `terminate` it would not). */
  close(): void;
  pause(): void;
  resume(): void;
  setNoDelay(on: boolean): boolean;
}

export interface BunHandlers<Data> {
  open(socket: BunSocket<Data>): void;
  data(socket: BunSocket<Data>, bytes: Uint8Array): void;
  drain(socket: BunSocket<Data>): void;
  end(socket: BunSocket<Data>): void;
  close(socket: BunSocket<Data>, error?: Error): void;
  error(socket: BunSocket<Data>, error: Error): void;
}

export interface BunListener {
  readonly hostname: string;
  readonly port: number;
  /** Stops accepting. */
  stop(closeConnections?: boolean): void;
}

export interface BunUdpSocket {
  readonly hostname: string;
  readonly port: number;
  /** False when the kernel's buffer is full; `drain` follows. Throws when the datagram cannot go. */
  send(bytes: Uint8Array, port: number, address: string): boolean;
  /**
   * Bytes, port and address of each; returns how many the kernel took, one after the other. Throws
   * when an address is none.
   */
  sendMany(packets: readonly (Uint8Array | number | string)[]): number;
  close(): void;
}

export interface BunApi {
  readonly version: string;
  udpSocket(options: {
    readonly hostname: string;
    readonly port: number;
    readonly binaryType: "uint8array";
    readonly socket: {
      data(socket: BunUdpSocket, bytes: Uint8Array, port: number, address: string): void;
      drain(socket: BunUdpSocket): void;
      error(error: Error): void;
    };
  }): Promise<BunUdpSocket>;
  listen<Data>(options: {
    readonly hostname: string;
    readonly port: number;
    readonly allowHalfOpen: boolean;
    readonly socket: BunHandlers<Data>;
  }): BunListener;
}

/** The global `Bun`. */
export const bun: BunApi = (globalThis as unknown as { readonly Bun: BunApi }).Bun;
