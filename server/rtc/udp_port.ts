/** The UDP sockets all sessions share. @module */
import type { Endpoint, Runtime, UdpSocket } from "../../core/base/mod.ts";
import { Datagrams, type DatagramsOptions } from "./datagrams.ts";

export interface UdpPortOptions extends DatagramsOptions {
  readonly runtime: Pick<Runtime, "openUdp">;
}

export class UdpPort {
  readonly #options: UdpPortOptions;
  readonly #sockets = new Map<UdpSocket, Datagrams>();

  constructor(options: UdpPortOptions) {
    this.#options = options;
  }

  /** 5-tuples that belong to sessions. */
  get paths(): number {
    return this.#sum((datagrams) => datagrams.size);
  }

  /** Datagrams that belonged to sessions. */
  get received(): number {
    return this.#sum((datagrams) => datagrams.received);
  }

  async listen(at: { readonly host?: string; readonly port: number }): Promise<UdpSocket> {
    const datagrams = new Datagrams(this.#options);
    let socket: UdpSocket | undefined;
    socket = await this.#options.runtime.openUdp(at, (bytes: Uint8Array, from: Endpoint) => {
      if (socket !== undefined) datagrams.handle(socket, bytes, from);
    });
    this.#sockets.set(socket, datagrams);
    return socket;
  }

  /** Closes one socket. */
  async release(socket: UdpSocket): Promise<void> {
    if (this.#sockets.delete(socket)) await socket.close();
  }

  async close(): Promise<void> {
    const sockets = [...this.#sockets.keys()];
    this.#sockets.clear();
    await Promise.all(sockets.map((socket) => socket.close()));
  }

  #sum(of: (datagrams: Datagrams) => number): number {
    let sum = 0;
    for (const datagrams of this.#sockets.values()) sum += of(datagrams);
    return sum;
  }
}
