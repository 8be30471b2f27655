/**
 * What Monoport asks of the outside world: sockets, clock, files, process. `runtime/` fulfils it
 * once per runtime; core and server name it but never reach for it, so a test can pass its own.
 *
 * Callback style: only `listen`, `connect`, `openUdp`, `startTls` and files return promises, so
 * that no promise is made per packet.
 *
 * @module
 */
import type { CryptoProvider } from "./crypto.ts";
import type { Millis } from "./machine.ts";

/** An IP address as text (no brackets, no zone, IPv4-mapped IPv6 as plain IPv4) and a port. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/**
 * Callbacks of the protocol that currently owns a connection. Swap it to hand the connection over.
 */
export interface ConnHandler {
  /** Bytes in order. `chunk` belongs to the callee: the shim never touches it again. */
  data(chunk: Uint8Array): void;
  /** All queued bytes were handed to the kernel, after `write` had returned `false`. */
  drain?(): void;
  /** The peer sent FIN; our side can still write. Without it the shim answers with `conn.end()`. */
  end?(): void;
  /** The connection is gone. Exactly once, last of all calls. */
  close(error?: Error): void;
}

/** A TCP or TLS byte stream. TCP_NODELAY is on. Half-close is allowed. */
export interface Conn {
  readonly remote: Endpoint;
  readonly local: Endpoint;
  handler: ConnHandler;
  /** Bytes accepted by `write` that the kernel has not taken yet. */
  readonly buffered: number;
  /** Whether `destroy` was called or `close` reported: writes go nowhere. */
  readonly closed: boolean;
  /**
   * Sends `bytes` at once, in one system call where the kernel takes them all; the rest is queued.
   * `bytes` must not be changed until `buffered` is 0. Returns `false` when more than
   * `HIGH_WATER_BYTES` are queued: stop and wait for `drain`. Never throws; after `closed` it does
   * nothing and returns `true`.
   */
  write(bytes: Uint8Array): boolean;
  /** Stops reading; at most one more chunk may still come. */
  pause(): void;
  resume(): void;
  /** Flushes what is queued, then sends FIN. Reading goes on. */
  end(): void;
  /** Closes at once, dropping what is queued. `handler.close` follows, never inside this call. */
  destroy(error?: Error): void;
  /**
   * Becomes the server side of TLS. `first` holds every raw byte read so far (the ClientHello).
   * This connection's handler is no longer called; the returned connection carries the plaintext.
   * Rejects when the handshake fails or takes longer than `handshakeMillis`.
   */
  startTls(first: Uint8Array, options: TlsOptions): Promise<Conn>;
}

/** `Conn.write` returns `false` above this many queued bytes. */
export const HIGH_WATER_BYTES: number = 256 * 1024;

export interface TlsOptions {
  readonly context: TlsContext;
  /** Protocols to choose from by ALPN, best first. */
  readonly alpn?: readonly string[];
  /** Default 10,000 ms. */
  readonly handshakeMillis?: Millis;
}

/** An opaque certificate and key, ready for `startTls`; made by `Runtime.tlsContext`. */
export interface TlsContext {
  readonly kind: "tls-context";
}

export interface ListenOptions {
  /** IP address to bind; default all interfaces (`::`, IPv4 included, else `0.0.0.0`). */
  readonly host?: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** `startTls` will be called on these connections (some runtimes then listen another way). */
  readonly tls?: boolean;
  /**
   * Called when accepting failed (`EMFILE`, `ENFILE`, ...). The shim backs off 100 ms and goes on
   * by itself.
   */
  readonly onAcceptError?: (error: Error & { readonly code?: string }) => void;
  /**
   * Called once for each accepted connection, after its handler's `close`: for whoever counts them.
   */
  readonly onConnClosed?: (conn: Conn) => void;
}

export interface Listener {
  readonly local: Endpoint;
  /** Stops accepting. Connections that were accepted live on. */
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** Until the connection is there, with its TLS handshake. Default 10,000 ms. */
  readonly timeoutMillis?: Millis;
  /** The connection carries the plaintext of TLS then. */
  readonly tls?: TlsClientOptions;
}

/** The client side of TLS 1.2 or 1.3; `connect` rejects when the certificate is not trusted. */
export interface TlsClientOptions {
  /** The name, or the IP address, that the certificate must be for. */
  readonly serverName: string;
  /** Authorities in PEM that are trusted besides those the runtime comes with. */
  readonly ca?: string;
  /** Told what the server shows, whatever that is: its certificate need not be trusted then. */
  readonly onPeer?: (peer: TlsPeer) => void;
}

/** What the server of a TLS connection showed. */
export interface TlsPeer {
  /** As `TLSv1.3`. */
  readonly protocol: string;
  /** DER. */
  readonly certificate: Uint8Array;
  /** The library's code for why it is not trusted; empty when it is. */
  readonly untrusted: string;
}

/** `bytes` is valid during the call only: the shim may reuse its receive buffer. */
export type DatagramHandler = (bytes: Uint8Array, from: Endpoint) => void;

export interface UdpSocket {
  readonly local: Endpoint;
  /**
   * Best effort: a full socket buffer or a bad address drops the datagram, as the network would.
   * Datagrams leave in order. `bytes` must not be changed afterwards.
   */
  send(bytes: Uint8Array, to: Endpoint): void;
  close(): Promise<void>;
}

/** One address of one network interface. */
export interface InterfaceAddress {
  readonly name: string;
  readonly address: string;
  readonly family: "ipv4" | "ipv6";
  /** Loopback. */
  readonly internal: boolean;
}

/** Files, for certificates, configuration and recordings. Paths are the operating system's. */
export interface Files {
  /** Rejects with an error whose `code` is `ENOENT` when it is not there. */
  read(path: string): Promise<Uint8Array>;
  /** Replaces the file at once (write to a temporary name, then rename). `mode` default 0o644. */
  write(path: string, bytes: Uint8Array, mode?: number): Promise<void>;
  /** Makes the folder and its parents. */
  makeDir(path: string): Promise<void>;
  remove(path: string): Promise<void>;
  /**
   * Modification time in ms since the Unix epoch and size in bytes, or `undefined` when it is not
   * there.
   */
  stat(path: string): Promise<{ readonly size: number; readonly modified: number } | undefined>;
  /** Opens one file for as long as it is not closed. Rejects with `ENOENT`, `EEXIST`, `EACCES`... */
  open(path: string, how: OpenMode): Promise<OpenFile>;
  /** What is in a folder, itself only, in no order. Rejects with `ENOENT` or `ENOTDIR`. */
  list(path: string): Promise<readonly FolderEntry[]>;
  /** What stands at a path, links not followed in its last name; `undefined` when nothing does. */
  kindOf(path: string): Promise<FolderEntry["kind"] | undefined>;
  /** Removes a folder that is empty; rejects with `ENOTEMPTY`, `ENOTDIR` (for a link, too)... */
  removeDir(path: string): Promise<void>;
  /** Gives a file another name on the same volume; what had that name is gone. */
  rename(from: string, to: string): Promise<void>;
  /**
   * Bytes that this process may still write on the volume of a path that is there; `undefined` where
   * the runtime may not tell.
   */
  freeBytes(path: string): Promise<number | undefined>;
}

/**
 * `read`: a file that is there. `create`: a new one, to read and write, that must not be there.
 * `update`: one that is there, to read and write.
 */
export type OpenMode = "read" | "create" | "update";

/**
 * One open file. Positions and lengths are in bytes from its beginning. What fails rejects with an
 * error whose `code` is the system's: `ENOSPC`, `EFBIG`, `EIO`, `EACCES`...
 */
export interface OpenFile {
  /** Fewer than `length` only at the end of the file; `length` 0 is none. */
  read(at: number, length: number): Promise<Uint8Array>;
  /** All of them, unless it rejects: then any part of them may have been written. */
  write(bytes: Uint8Array, at: number): Promise<void>;
  size(): Promise<number>;
  /** Makes it so long: cuts it off, or fills it up with zeros. */
  truncate(size: number): Promise<void>;
  /** Until the disk has what was written. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface FolderEntry {
  readonly name: string;
  /** Links are `other`: nobody follows them out of a folder unawares. */
  readonly kind: "file" | "folder" | "other";
}

/** What the process uses, for metrics and `/api/v1/summaries`. */
export interface ProcessUsage {
  readonly residentBytes: number;
  /** User and system CPU time of this process in ms. */
  readonly cpuMillis: Millis;
}

/** A thread beside the main one, which shares nothing with it. Does not keep the process alive. */
export interface Thread {
  /** `message` is copied (structured clone), and what `transfer` lists is moved. */
  post(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  /** Ends it, whatever it does; nothing of the handler is called any more. */
  close(): void;
}

export interface ThreadHandler {
  message(data: unknown): void;
  /** It ended by itself or could not start. Exactly once. */
  ended(error: Error): void;
}

export interface Runtime {
  readonly name: "node" | "deno" | "bun";
  /** The runtime's own version, as `26.10.0`. */
  readonly version: string;
  readonly crypto: CryptoProvider;
  readonly files: Files;
  /** Process id. */
  readonly pid: number;
  /** The folder that paths are relative to; empty where the runtime may not tell. */
  cwd(): string;
  /** Arguments after the program's own name. */
  readonly args: readonly string[];
  /** Whether this build can read the environment (Deno may refuse); `env()` is empty then. */
  env(): Readonly<Record<string, string>>;
  /** Monotonic; the only clock of sessions. */
  now(): Millis;
  /** Milliseconds since the Unix epoch; for NTP times, logs and HTTP dates only. */
  wallClock(): Millis;
  /** Calls `fire` once, at or after `at` on the `now()` clock. Disposing it twice is harmless. */
  wakeAt(at: Millis, fire: () => void): Disposable;
  listen(options: ListenOptions, onConn: (conn: Conn) => void): Promise<Listener>;
  connect(to: Endpoint, options?: ConnectOptions): Promise<Conn>;
  openUdp(options: ListenOptions, onDatagram: DatagramHandler): Promise<UdpSocket>;
  /**
   * The IP addresses of a host name, as the system's resolver has them (hosts file, DNS). Rejects
   * when there are none, or the runtime may not ask. Takes as long as the resolver takes.
   */
  resolve(name: string): Promise<readonly string[]>;
  /**
   * Runs `code`, a classic script, in a thread. As in a Web Worker, messages come to
   * `globalThis.onmessage` (as `{ data }`) and go by `globalThis.postMessage(message, transfer)`.
   */
  startThread(code: string, handler: ThreadHandler): Thread;
  /** Throws when certificate or key cannot be used. PEM. */
  tlsContext(certificateChain: string, privateKey: string): TlsContext;
  /** Addresses of the machine; empty when the runtime may not tell. */
  interfaces(): readonly InterfaceAddress[];
  usage(): ProcessUsage;
  /** Writes one line to standard output or standard error. */
  print(line: string, to?: "out" | "error"): void;
  onSignal(name: "SIGINT" | "SIGTERM" | "SIGQUIT" | "SIGHUP", handle: () => void): Disposable;
  exit(code: number): never;
}
