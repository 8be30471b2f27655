import type { DatagramHandler, Endpoint, ListenOptions, UdpSocket } from "../../core/base/io.ts";
import { endpoint, onHost } from "../common/endpoint.ts";
import { reportBug } from "../common/process.ts";
import { QUEUE_DATAGRAMS } from "../common/send_queue.ts";
import { type BunUdpSocket, bun } from "./types.ts";

/** Bun's own UDP: what is sent within one turn goes out in as few system calls as the kernel needs. */
export function openBunUdp(
  options: ListenOptions,
  onDatagram: DatagramHandler,
): Promise<UdpSocket> {
  return onHost(options, async (hostname) => {
    let udp: BunUdp | undefined;
    const socket = await bun.udpSocket({
      hostname,
      port: options.port,
      binaryType: "uint8array",
      socket: {
        data(_socket, bytes, port, address) {
          if (udp === undefined || udp.closed) return;
          try {
            onDatagram(bytes, endpoint(address, port));
          } catch (thrown) {
            reportBug(thrown);
          }
        },
        drain: () => udp?.drain(),
        // An ICMP error of an earlier send.
        error: () => {},
      },
    });
    udp = new BunUdp(socket);
    return udp;
  });
}

/** Places of one datagram in a batch: bytes, port, address. */
const FIELDS = 3;
const QUEUE_PLACES: number = QUEUE_DATAGRAMS * FIELDS;

class BunUdp implements UdpSocket {
  readonly local: Endpoint;
  closed = false;
  readonly #socket: BunUdpSocket;
  #waiting: (Uint8Array | number | string)[] = [];
  /** A flush is due, or the kernel will say when it has room. */
  #busy = false;

  constructor(socket: BunUdpSocket) {
    this.#socket = socket;
    this.local = endpoint(socket.hostname, socket.port);
  }

  send(bytes: Uint8Array, to: Endpoint): void {
    if (this.closed || to.port < 1 || to.port > 65_535) return;
    if (this.#waiting.length >= QUEUE_PLACES) return; // as a full socket buffer would
    this.#waiting.push(bytes, to.port, to.host);
    if (this.#busy) return;
    this.#busy = true;
    queueMicrotask(this.drain);
  }

  readonly drain = (): void => {
    if (this.closed) return;
    const batch = this.#waiting;
    this.#waiting = [];
    this.#busy = false;
    let at = this.#sendMany(batch) * FIELDS;
    for (; at < batch.length; at += FIELDS) {
      if (this.#sendOne(batch, at)) continue;
      this.#waiting = batch.slice(at);
      this.#busy = true;
      return;
    }
  };

  close(): Promise<void> {
    if (!this.closed) this.#socket.close();
    this.closed = true;
    return Promise.resolve();
  }

  #sendMany(batch: readonly (Uint8Array | number | string)[]): number {
    try {
      return this.#socket.sendMany(batch);
    } catch {
      return 0;
    }
  }

  /**
   * False when the kernel has no room. A failure may be that of an earlier datagram to somebody else,
   * so there is a second try.
   */
  #sendOne(batch: readonly (Uint8Array | number | string)[], at: number): boolean {
    const [bytes, port, host] = [batch[at], batch[at + 1], batch[at + 2]];
    for (let tries = 0; tries < 2; tries++) {
      try {
        return this.#socket.send(bytes as Uint8Array, port as number, host as string);
      } catch {
        // A bad address or an oversized datagram is dropped, as the network would.
      }
    }
    return true;
  }
}
