/** UDP through node:dgram. @module */
import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import type { DatagramHandler, Endpoint, ListenOptions, UdpSocket } from "../../core/base/io.ts";
import { endpoint, onHost } from "./endpoint.ts";
import { reportBug } from "./process.ts";
import { QUEUE_DATAGRAMS, SendQueue } from "./send_queue.ts";

/** A keyframe for many viewers is a burst; Linux's default of 208 KB loses some of it. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/**
 * `denoQuirks`: no large receive buffer, as Deno allocates as much for each datagram, and one send
 * after the other, as it would turn their order round.
 */
export function openDgram(
  options: ListenOptions,
  onDatagram: DatagramHandler,
  denoQuirks: boolean,
): Promise<UdpSocket> {
  return onHost(options, async (host) => {
    const socket = await bind(host, options.port);
    if (!denoQuirks) enlarge(socket);
    socket.on("error", () => {});
    socket.on("message", (buffer: Uint8Array, from) => {
      // Not the Buffer itself: its slice() copies nothing.
      const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
      try {
        onDatagram(bytes, endpoint(from.address, from.port));
      } catch (thrown) {
        reportBug(thrown);
      }
    });
    return new DgramSocket(socket, denoQuirks);
  });
}

function bind(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const type = isIPv6(host) ? "udp6" : "udp4";
    const socket = createSocket({
      type,
      lookup: (address, _options, done) => done(null, address, 0),
    });
    socket.once("error", (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ port, address: host, exclusive: true }, () => {
      socket.removeAllListeners("error");
      resolve(socket);
    });
  });
}

function enlarge(socket: Socket): void {
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  } catch {
    // The kernel's limit; it works without.
  }
}

/** The calls of node:dgram's socket that a `DgramSocket` makes. */
export type DgramCalls = Pick<Socket, "address" | "send" | "close" | "getSendQueueCount">;

export class DgramSocket implements UdpSocket {
  readonly local: Endpoint;
  readonly #socket: DgramCalls;
  readonly #six: boolean;
  readonly #queue: SendQueue | undefined;
  #closed = false;

  constructor(socket: DgramCalls, oneByOne: boolean) {
    const { address, port, family } = socket.address();
    this.local = endpoint(address, port);
    this.#socket = socket;
    this.#six = family === "IPv6";
    if (oneByOne) this.#queue = new SendQueue((bytes, to, done) => this.#sendNow(bytes, to, done));
  }

  send(bytes: Uint8Array, to: Endpoint): void {
    if (this.#closed || to.port < 1 || to.port > 65_535) return;
    if (this.#queue) this.#queue.send(bytes, to);
    // What a full kernel does not take waits in libuv, which has no bound of its own.
    else if (this.#socket.getSendQueueCount() < QUEUE_DATAGRAMS) this.#sendNow(bytes, to);
  }

  /** Without `done` a failed send is an `error` event, which nobody hears; and there is no callback per datagram. */
  #sendNow(bytes: Uint8Array, to: Endpoint, done?: () => void): void {
    const mapped = this.#six && !to.host.includes(":");
    try {
      this.#socket.send(bytes, to.port, mapped ? `::ffff:${to.host}` : to.host, done);
    } catch {
      // A bad address drops the datagram, as the network would.
      if (done) queueMicrotask(done);
    }
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }
}
