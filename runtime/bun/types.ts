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

export interface BunApi {
  readonly version: string;
  listen<Data>(options: {
    readonly hostname: string;
    readonly port: number;
    readonly allowHalfOpen: boolean;
    readonly socket: BunHandlers<Data>;
  }): BunListener;
}

/** The global `Bun`. */
export const bun: BunApi = (globalThis as unknown as { readonly Bun: BunApi }).Bun;
