/**
 * Datagrams find their session: by the 5-tuple they come on, or by the ufrag of a check that shows
 * the session's password. Whoever has not shown it gets no answer, and nothing of his is kept.
 *
 * @module
 */
import type { Endpoint, Fault, UdpSocket } from "../../core/base/mod.ts";
import { peekLocalUfrag } from "../../core/wire/stun/mod.ts";
import { UdpPath } from "./path.ts";
import type { RtcSession } from "./session.ts";

/** Why a datagram was dropped: a label of `monoport_datagrams_dropped_total`. */
export type DatagramDrop =
  /** No STUN, from an address that has shown no password. */
  | "unknown-sender"
  /** STUN without a USERNAME. */
  | "no-username"
  /** A ufrag that is no session's. */
  | "no-session"
  /** A check that does not prove itself: the session says why by its fault. */
  | "unproven"
  /** One of too many checks for a session from addresses it does not know; not even looked at. */
  | "check-rate"
  /** One of a client that sends more than it may (`limits.publisher_bitrate` and `_packets`). */
  | "publisher-rate";

export interface DatagramsOptions {
  /** The session whose local ufrag this is. */
  readonly find: (ufrag: string) => RtcSession | undefined;
  readonly onFault: (fault: Fault) => void;
  readonly onDrop: (reason: DatagramDrop) => void;
  /** Whether one more check from a strange address may be looked at, for the session of this ufrag. */
  readonly mayCheck: (ufrag: string) => boolean;
}

interface Known {
  readonly session: RtcSession;
  readonly path: UdpPath;
  readonly pair: number;
}

/** The 5-tuples of one socket. A session has no more of them than pairs (`MAX_PAIRS`). */
export class Datagrams {
  readonly #options: DatagramsOptions;
  /** By address, then by port: so a look-up makes neither string nor object. */
  readonly #known = new Map<string, Map<number, Known>>();
  /** Of sessions, as far as they came. */
  received = 0;

  constructor(options: DatagramsOptions) {
    this.#options = options;
  }

  /** 5-tuples that belong to sessions. */
  get size(): number {
    let size = 0;
    for (const ports of this.#known.values()) size += ports.size;
    return size;
  }

  /** Takes one datagram; `bytes` is not kept. */
  handle(socket: UdpSocket, bytes: Uint8Array, from: Endpoint): void {
    const known = this.#known.get(from.host)?.get(from.port);
    // RFC 7983 §7: STUN begins with 0 to 3.
    if ((bytes[0] ?? 0xff) > 3) {
      if (known === undefined) this.#options.onDrop("unknown-sender");
      else this.#pass(known, bytes);
      return;
    }
    const ufrag = peekLocalUfrag(bytes);
    const session = ufrag === undefined ? undefined : this.#options.find(ufrag);
    if (known !== undefined && (session === undefined || session === known.session)) {
      this.#pass(known, bytes);
    } else if (session === undefined) {
      this.#options.onDrop(ufrag === undefined ? "no-username" : "no-session");
    } else if (!this.#options.mayCheck(ufrag ?? "")) {
      this.#options.onDrop("check-rate");
    } else {
      this.#admit(socket, bytes, from, session, known);
    }
  }

  #pass(known: Known, bytes: Uint8Array): void {
    this.received++;
    if (!known.session.handleDatagram(known.pair, bytes)) this.#options.onDrop("publisher-rate");
  }

  /** A check for a session from an address that is not its own. */
  #admit(
    socket: UdpSocket,
    bytes: Uint8Array,
    from: Endpoint,
    session: RtcSession,
    before: Known | undefined,
  ): void {
    const wrong = session.vet(bytes);
    if (wrong !== undefined) {
      this.#options.onFault(wrong);
      this.#options.onDrop("unproven");
      return;
    }
    // A peer has the same port for another session now.
    before?.session.losePath(before.pair);
    this.received++;
    const { host, port } = from;
    const path = new UdpPath(socket, { host, port }, (gone) => this.#forget(gone));
    const pair = session.acceptDatagram(path, bytes);
    if (pair !== undefined) this.#keep({ session, path, pair });
  }

  #keep(known: Known): void {
    const { host, port } = known.path.remote;
    let ports = this.#known.get(host);
    if (ports === undefined) {
      ports = new Map();
      this.#known.set(host, ports);
    }
    ports.set(port, known);
  }

  #forget(path: UdpPath): void {
    const { host, port } = path.remote;
    const ports = this.#known.get(host);
    if (ports?.get(port)?.path !== path) return;
    ports.delete(port);
    if (ports.size === 0) this.#known.delete(host);
  }
}
