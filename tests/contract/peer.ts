/**
 * The other end of the connections that the contract is tested with: node:net, and what it saw.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";
import type { Conn, ConnHandler, Listener, ListenOptions, Runtime } from "../../core/base/io.ts";

/** Bytes that no shift, loss or repetition leaves alike. */
export function pattern(size: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4));
  for (let i = 0, x = 0x9e3779b9; i < words.length; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    words[i] = x;
  }
  return new Uint8Array(words.buffer, 0, size);
}

export function digest(...parts: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

export function sleep(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}

export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T | PromiseLike<T>): void;
}

/** Node 20 has no `Promise.withResolvers`. */
export function deferred<T>(): Deferred<T> {
  let resolve: (value: T | PromiseLike<T>) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** Waits until `condition` holds; the error says what was waited for. */
export async function until(
  what: string,
  condition: () => boolean,
  millis = 30_000,
): Promise<void> {
  const end = performance.now() + millis;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited ${millis} ms for: ${what}`);
    await sleep(2);
  }
}

/** A node:net socket that keeps what it reads. */
export class Peer {
  static readonly all: Set<Socket> = new Set();
  readonly socket: Socket;
  readonly chunks: Uint8Array[] = [];
  size = 0;
  ended = false;
  closed = false;
  error: (Error & { code?: string }) | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    Peer.all.add(socket);
    socket.on("close", () => Peer.all.delete(socket));
    socket.on("data", (b: Uint8Array) => {
      this.chunks.push(b);
      this.size += b.length;
    });
    socket.on("end", () => {
      this.ended = true;
    });
    socket.on("error", (error) => {
      this.error = error;
    });
    socket.on("close", () => {
      this.closed = true;
    });
  }

  get digest(): string {
    return digest(...this.chunks);
  }

  get text(): string {
    return this.chunks.map((chunk) => new TextDecoder("latin1").decode(chunk)).join("");
  }

  /** Closes with bytes unread, which makes the kernel send RST. */
  reset(): void {
    this.socket.resetAndDestroy();
  }
}

export function closeAllPeers(): void {
  for (const socket of Peer.all) socket.destroy();
}

export function openPeer(port: number, host = "127.0.0.1"): Promise<Peer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host, allowHalfOpen: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      socket.setNoDelay(true);
      resolve(new Peer(socket));
    });
  });
}

/** Every call a handler got, in order. */
export class Recorder implements ConnHandler {
  readonly calls: string[] = [];
  readonly chunks: Uint8Array[] = [];
  size = 0;
  closed = false;
  error: (Error & { readonly code?: string }) | undefined;

  data(chunk: Uint8Array): void {
    this.#note("data");
    this.chunks.push(chunk);
    this.size += chunk.length;
  }

  drain(): void {
    this.#note("drain");
  }

  end(): void {
    this.#note("end");
  }

  close(error?: Error): void {
    this.calls.push("close");
    this.closed = true;
    this.error = error;
  }

  get digest(): string {
    return digest(...this.chunks);
  }

  get text(): string {
    return this.chunks.map((chunk) => new TextDecoder("latin1").decode(chunk)).join("");
  }

  /** Repeated calls are noted once. */
  #note(call: string): void {
    if (this.calls.at(-1) !== call) this.calls.push(call);
  }
}

export interface Pair {
  readonly conn: Conn;
  readonly handler: Recorder;
  readonly peer: Peer;
  readonly listener: Listener;
  done(): Promise<void>;
}

/** One accepted connection and its peer. */
export async function openPair(
  runtime: Runtime,
  options: Partial<ListenOptions> = {},
): Promise<Pair> {
  const accepted = deferred<Conn>();
  const handler = new Recorder();
  const listener = await runtime.listen({ host: "127.0.0.1", port: 0, ...options }, (conn) => {
    conn.handler = handler;
    accepted.resolve(conn);
  });
  const peer = await openPeer(listener.local.port);
  const conn = await accepted.promise;
  return {
    conn,
    handler,
    peer,
    listener,
    async done() {
      conn.destroy();
      peer.socket.destroy();
      await listener.close();
    },
  };
}

export function text(s: string): Uint8Array {
  return new TextEncoder().encode(s);
}
