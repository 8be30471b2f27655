import type { DatagramHandler, Endpoint, ListenOptions, UdpSocket } from "../../core/base/io.ts";
import { endpoint, onHost } from "../common/endpoint.ts";
import { reportBug } from "../common/process.ts";

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
    udp.receiveAll(onDatagram).catch(reportBug);
    return udp;
  });
}

class DenoUdpSocket implements UdpSocket {
  readonly local: Endpoint;
  readonly #socket: Deno.DatagramConn;
  #closed = false;

  constructor(socket: Deno.DatagramConn) {
    const { hostname, port } = socket.addr as Deno.NetAddr;
    this.local = endpoint(hostname, port);
    this.#socket = socket;
  }

  async receiveAll(onDatagram: DatagramHandler): Promise<void> {
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
    const address: Deno.NetAddr = { transport: "udp", hostname: to.host, port: to.port };
    this.#socket.send(bytes, address).catch(ignore);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }
}

function ignore(): void {}
