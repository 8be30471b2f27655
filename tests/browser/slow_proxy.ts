/** A TCP proxy on loopback that lets through so many bytes per second towards the client. @module */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

const TICK_MILLIS = 20;

export class SlowProxy {
  readonly port: number;
  /** Towards the client, in bytes per second. */
  bytesPerSecond: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, target: () => number, bytesPerSecond: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    this.bytesPerSecond = bytesPerSecond;
    server.on("connection", (client) => this.#relay(client, target()));
  }

  static async start(port: number, bytesPerSecond: number): Promise<SlowProxy> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new SlowProxy(server, () => port, bytesPerSecond);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #relay(client: Socket, port: number): void {
    const upstream = connect(port, "127.0.0.1");
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#sockets.add(one);
      one.on("error", () => {});
      one.on("close", () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
    client.pipe(upstream);
    upstream.pause();
    let room = 0;
    const timer = setInterval(() => {
      const perTick = (this.bytesPerSecond * TICK_MILLIS) / 1000;
      room = Math.min(perTick * 4, room + perTick);
      while (room > 0) {
        const chunk: Buffer | null = upstream.read(
          Math.min(upstream.readableLength, Math.ceil(room)),
        );
        if (chunk === null) break;
        room -= chunk.length;
        client.write(chunk);
      }
    }, TICK_MILLIS);
    // Only what is read is taken from the kernel.
    upstream.on("readable", () => {});
    client.on("close", () => clearInterval(timer));
  }
}
