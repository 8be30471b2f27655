/** UDP paths to the far end: a socket of the session's own for each family. @module */
import type { Endpoint, Runtime, UdpSocket } from "../../core/base/mod.ts";
import { UdpPath } from "../rtc/path.ts";
import type { RtcSession } from "../rtc/session.ts";

export class UdpDialer {
  readonly #runtime: Runtime;
  readonly #session: RtcSession;
  /** By address and port of the far end. */
  readonly #pairs = new Map<string, number>();
  readonly #sockets: UdpSocket[] = [];
  #open = 0;

  constructor(runtime: Runtime, session: RtcSession) {
    this.#runtime = runtime;
    this.#session = session;
  }

  /** Opens a path to each; rejects when there is no socket for any. */
  async dial(remotes: readonly Endpoint[], done: () => boolean): Promise<void> {
    for (const six of [false, true]) {
      const own = remotes.filter(({ host }) => host.includes(":") === six);
      if (own.length === 0 || done()) continue;
      const socket = await this.#runtime.openUdp(
        { host: six ? "::" : "0.0.0.0", port: 0 },
        (bytes, from) => this.#take(bytes, from),
      );
      if (done()) {
        await socket.close();
        return;
      }
      this.#sockets.push(socket);
      for (const remote of own) this.#path(socket, remote);
    }
  }

  #path(socket: UdpSocket, remote: Endpoint): void {
    this.#open++;
    const path = new UdpPath(socket, remote, () => this.#released(remote));
    this.#pairs.set(keyOf(remote), this.#session.dial(path));
  }

  /** From anywhere else: nobody was asked there. */
  #take(bytes: Uint8Array, from: Endpoint): void {
    const pair = this.#pairs.get(keyOf(from));
    if (pair !== undefined) this.#session.handleDatagram(pair, bytes);
  }

  #released(remote: Endpoint): void {
    this.#pairs.delete(keyOf(remote));
    this.#open--;
    if (this.#open > 0) return;
    // What the session still says, as its goodbye, is on its way: sockets send in order.
    for (const socket of this.#sockets.splice(0)) socket.close().catch(() => {});
  }
}

function keyOf({ host, port }: Endpoint): string {
  return `${host} ${port}`;
}
