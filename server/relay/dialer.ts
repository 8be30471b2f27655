/** Connects a session of ours to the far end: TCP where it is offered, then UDP. @module */
import type { Conn, Endpoint, Millis, Runtime } from "../../core/base/mod.ts";
import { words } from "./http_answer.ts";

/** Between two connection attempts, as in RFC 8305 §5. */
export const STAGGER_MILLIS: Millis = 300;
export const CONNECT_MILLIS: Millis = 5000;

/** How long TCP has to lead to a path before UDP is tried beside it. */
export const UDP_AFTER_MILLIS: Millis = 3000;

export interface DialerOptions {
  readonly runtime: Runtime;
  readonly tcp: readonly Endpoint[];
  readonly udp: readonly Endpoint[];
  /** A connection is there. */
  readonly attach: (conn: Conn) => void;
  /** Opens UDP paths to all of these. */
  readonly openUdp: (to: readonly Endpoint[]) => Promise<void>;
  /** Whether nothing more is to be tried: the session has its path, or is over. */
  readonly done: () => boolean;
  /** Every attempt has failed; the last one's reason. */
  readonly onFailed: (why: string) => void;
}

/** Dials one candidate after the other, each a while after the one before, until there is a path. */
export class Dialer {
  readonly #options: DialerOptions;
  #next = 0;
  #pending = 0;
  #timer: Disposable | undefined;
  #udpTimer: Disposable | undefined;
  #udpOpened = false;
  #connected = false;
  #why = "";

  constructor(options: DialerOptions) {
    this.#options = options;
  }

  start(): void {
    const { runtime, udp } = this.#options;
    if (udp.length > 0) {
      this.#udpTimer = runtime.wakeAt(runtime.now() + UDP_AFTER_MILLIS, () => this.#openUdp());
    }
    this.#dialNext();
  }

  stop(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#udpTimer?.[Symbol.dispose]();
    this.#next = this.#options.tcp.length;
  }

  #dialNext(): void {
    const { runtime, tcp, done } = this.#options;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    const to = done() ? undefined : tcp[this.#next++];
    if (to === undefined) {
      if (this.#pending === 0 && !this.#connected) this.#openUdp();
      return;
    }
    this.#pending++;
    this.#timer = runtime.wakeAt(runtime.now() + STAGGER_MILLIS, () => this.#dialNext());
    runtime.connect(to, { timeoutMillis: CONNECT_MILLIS }).then(
      (conn) => this.#there(conn),
      (error: unknown) => this.#failed(to, error),
    );
  }

  /** UDP, if the far end has it; then it is for ICE to say that nothing is reached. */
  #openUdp(): void {
    const { udp, openUdp, done, onFailed } = this.#options;
    if (done() || this.#udpOpened) return;
    if (udp.length === 0) {
      onFailed(this.#why);
      return;
    }
    this.#udpOpened = true;
    openUdp(udp).catch((error: unknown) => {
      if (!this.#connected) onFailed(`Cannot open a UDP socket: ${words(error)}`);
    });
  }

  #there(conn: Conn): void {
    this.#pending--;
    if (this.#options.done()) {
      conn.destroy();
      return;
    }
    this.#connected = true;
    this.#options.attach(conn);
  }

  #failed({ host, port }: Endpoint, error: unknown): void {
    this.#pending--;
    this.#why = `Cannot connect to ${host} port ${port}: ${words(error)}`;
    this.#dialNext();
  }
}
