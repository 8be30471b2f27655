/**
 * A UDP proxy on the loopback interface that loses, doubles, reorders and changes datagrams.
 *
 * @module
 */

import type { Socket } from "node:dgram";
import type { Copy, Script, Side } from "../sim/network.ts";
import { SeededRandom } from "../sim/random.ts";
import { openLoopbackUdp } from "./dtls_udp.ts";

/** Loss, duplication and reordering at fixed rates, the same for the same seed and datagrams. */
export function badNetwork(seed: number, loss: number, doubled: number, late: number): Script {
  const random = new SeededRandom(seed);
  return (bytes) => {
    if (random.chance(loss)) return [];
    const extraMillis = random.chance(late) ? random.below(60) : 0;
    const copy: Copy = { bytes, extraMillis };
    return random.chance(doubled) ? [copy, copy] : [copy];
  };
}

/** Stands between a client (side a) and a server (side b). */
export class LossyUdp {
  readonly port: number;
  /** Datagrams that never arrived. */
  lost = 0;
  readonly #front: Socket;
  readonly #back: Socket;
  readonly #script: Script;
  readonly #timers: Set<ReturnType<typeof setTimeout>> = new Set();
  #clientPort = 0;

  private constructor(front: Socket, back: Socket, serverPort: number, script: Script) {
    this.#front = front;
    this.#back = back;
    this.#script = script;
    this.port = front.address().port;
    front.on("error", () => {});
    back.on("error", () => {});
    front.on("message", (bytes, from) => {
      this.#clientPort = from.port;
      this.#pass(bytes, "a", (copy) => back.send(copy, serverPort, "127.0.0.1"));
    });
    back.on("message", (bytes) => {
      this.#pass(bytes, "b", (copy) => front.send(copy, this.#clientPort, "127.0.0.1"));
    });
  }

  static async open(serverPort: number, script: Script): Promise<LossyUdp> {
    return new LossyUdp(await openLoopbackUdp(), await openLoopbackUdp(), serverPort, script);
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#front.close();
    this.#back.close();
  }

  #pass(bytes: Uint8Array, from: Side, send: (copy: Uint8Array) => void): void {
    const copies = this.#script(bytes, from, performance.now()) ?? [{ bytes }];
    if (copies.length === 0) this.lost++;
    for (const copy of copies) {
      if (copy.extraMillis === undefined || copy.extraMillis === 0) {
        send(copy.bytes);
        continue;
      }
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        send(copy.bytes);
      }, copy.extraMillis);
      this.#timers.add(timer);
    }
  }
}
