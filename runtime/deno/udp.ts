import type { DatagramHandler, Endpoint, ListenOptions, UdpSocket } from "../../core/base/io.ts";
import { endpoint, onHost } from "../common/endpoint.ts";
import { reportBug } from "../common/process.ts";
import { SendQueue } from "../common/send_queue.ts";

/** The largest payload of UDP, so that none is cut. */
const DATAGRAM_BYTES = 65_535;

/** `Deno.listenDatagram` where deno.json or a flag allows it (unstable `net`), else undefined. */
export function openDatagram(
  options: ListenOptions,
  onDatagram: DatagramHandler,
): Promise<UdpSocket> | undefined {
  if (typeof Deno.listenDatagram !== "function") return undefined;
  return onHost(options, async (hostname) => {
    const socket = Deno.listenDatagram({ transport: "udp", hostname, port: options.port });
    const udp = new DenoUdpSocket(socket);
    udp.start(onDatagram);
    return udp;
  });
}

class DenoUdpSocket implements UdpSocket {
  readonly local: Endpoint;
  readonly #socket: Deno.DatagramConn;
  readonly #queue: SendQueue;
  #closed = false;
  #receiving: Promise<void> = Promise.resolve();

  constructor(socket: Deno.DatagramConn) {
    const { hostname, port } = socket.addr as Deno.NetAddr;
    this.local = endpoint(hostname, port);
    this.#socket = socket;
    this.#queue = new SendQueue((bytes, to, done) => {
      const address: Deno.NetAddr = { transport: "udp", hostname: to.host, port: to.port };
      socket.send(bytes, address).then(done, done);
    });
  }

  start(onDatagram: DatagramHandler): void {
    this.#receiving = this.#receiveAll(onDatagram).catch(reportBug);
  }

  async #receiveAll(onDatagram: DatagramHandler): Promise<void> {
    const buffer = new Uint8Array(DATAGRAM_BYTES);
    while (!this.#closed) {
      let received: [Uint8Array, Deno.Addr];
      try {
        received = await this.#socket.receive(buffer);
      } catch {
        // An ICMP error of an earlier send, or closed.
        continue;
      }
      const [bytes, from] = received;
      const { hostname, port } = from as Deno.NetAddr;
      try {
        onDatagram(bytes, endpoint(hostname, port));
      } catch (thrown) {
        reportBug(thrown);
      }
    }
  }

  send(bytes: Uint8Array, to: Endpoint): void {
    if (this.#closed || to.port < 1 || to.port > 65_535) return;
    this.#queue.send(bytes, to);
  }

  async close(): Promise<void> {
    if (!this.#closed) this.#socket.close();
    this.#closed = true;
    // Until the pending receive is given up, the port is still taken.
    await this.#receiving;
  }
}
