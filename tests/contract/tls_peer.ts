/** A TLS server on the runtime under test, and node:tls clients. @module */
import { connect as connectTcp, createServer, type Socket } from "node:net";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import type { Conn, Listener, Runtime, TlsContext, TlsOptions } from "../../core/base/io.ts";
import { type Deferred, deferred, Peer, Recorder, sleep } from "./peer.ts";

/** Gathers raw bytes as the sniffer does, then calls `startTls`. */
export class TlsServer {
  readonly port: number;
  context: TlsContext;
  options: Omit<TlsOptions, "context"> = {};
  /** Raw bytes to gather before `startTls`. */
  gather = 1;
  readonly #listener: Listener;
  #waiter: Deferred<Conn> | undefined;

  static async open(runtime: Runtime, context: TlsContext): Promise<TlsServer> {
    const server: { it?: TlsServer } = {};
    const options = { host: "127.0.0.1", port: 0, tls: true };
    const listener = await runtime.listen(options, (conn) => server.it?.accept(conn));
    server.it = new TlsServer(listener, context);
    return server.it;
  }

  constructor(listener: Listener, context: TlsContext) {
    this.#listener = listener;
    this.port = listener.local.port;
    this.context = context;
  }

  /** The outcome of the next `startTls`. */
  next(): Promise<Conn> {
    this.#waiter = deferred<Conn>();
    return this.#waiter.promise;
  }

  accept(conn: Conn): void {
    const gathered: number[] = [];
    conn.handler = {
      data: (chunk) => {
        gathered.push(...chunk);
        if (gathered.length < this.gather) return;
        const first = Uint8Array.from(gathered);
        this.#waiter?.resolve(conn.startTls(first, { context: this.context, ...this.options }));
      },
      close: () => {},
    };
  }

  close(): Promise<void> {
    return this.#listener.close();
  }
}

export interface TlsPair {
  readonly tls: TLSSocket;
  readonly peer: Peer;
  readonly conn: Conn;
  readonly handler: Recorder;
  close(): void;
}

/** Connects, shakes hands and sets the handler. */
export async function openTlsPair(
  server: TlsServer,
  options: ConnectionOptions = {},
): Promise<TlsPair> {
  const accepted = server.next();
  const tls = connectClient({ port: server.port, ...options });
  const peer = new Peer(tls as Socket);
  const conn = await accepted;
  const handler = new Recorder();
  conn.handler = handler;
  return {
    tls,
    peer,
    conn,
    handler,
    close() {
      conn.destroy();
      tls.destroy();
    },
  };
}

export function connectClient(options: ConnectionOptions): TLSSocket {
  const tls = connect({
    host: "127.0.0.1",
    rejectUnauthorized: false,
    allowHalfOpen: true,
    ...options,
  } as ConnectionOptions);
  tls.on("error", () => {});
  return tls;
}

export interface Proxy {
  readonly port: number;
  /** Stops reading from the server: the network is stalled, whatever the client's library does. */
  stall(): void;
  flow(): void;
  close(): void;
}

/** A wire between client and server; what the client sends goes on in pieces of `pieceBytes`. */
export async function openProxy(toPort: number, pieceBytes = 65_536): Promise<Proxy> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const target = { port: toPort, host: "127.0.0.1", allowHalfOpen: true };
    const far = connectTcp(target);
    far.setNoDelay(true);
    sockets.push(near, far);
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
    far.on("data", (chunk) => {
      if (near.write(chunk)) return;
      far.pause();
      near.once("drain", () => far.resume());
    });
    far.on("end", () => near.end());
    near.on("end", () => far.end());
    near.on("data", async (chunk: Uint8Array) => {
      if (chunk.length <= pieceBytes) {
        far.write(chunk);
        return;
      }
      near.pause();
      for (let at = 0; at < chunk.length; at += pieceBytes) {
        far.write(chunk.slice(at, at + pieceBytes));
        await sleep(2);
      }
      near.resume();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  return {
    port: address.port,
    stall: () => sockets[1]?.pause(),
    flow: () => sockets[1]?.resume(),
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
