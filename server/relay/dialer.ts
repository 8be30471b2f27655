/** Connects a session of ours to the far end: TCP where it is offered, then UDP. @module */
import type { Conn, Endpoint, Millis, Runtime } from "../../core/base/mod.ts";
import { words } from "./http_answer.ts";

/** Between two connection attempts, as in RFC 8305 §5. */
export const STAGGER_MILLIS: Millis = 300;
export const CONNECT_MILLIS: Millis = 5000;

export interface DialerOptions {
  readonly runtime: Runtime;
  readonly tcp: readonly Endpoint[];
  /** A connection is there. */
  readonly attach: (conn: Conn) => void;
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
  #connected = false;
  #why = "";

  constructor(options: DialerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#dialNext();
  }

  stop(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#next = this.#options.tcp.length;
  }

  #dialNext(): void {
    const { runtime, tcp, done } = this.#options;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    const to = done() ? undefined : tcp[this.#next++];
    if (to === undefined) {
      if (this.#pending === 0 && !this.#connected && !done()) this.#options.onFailed(this.#why);
      return;
    }
    this.#pending++;
    this.#timer = runtime.wakeAt(runtime.now() + STAGGER_MILLIS, () => this.#dialNext());
    runtime.connect(to, { timeoutMillis: CONNECT_MILLIS }).then(
      (conn) => this.#there(conn),
      (error: unknown) => this.#failed(to, error),
    );
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
