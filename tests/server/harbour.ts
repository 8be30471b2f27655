/** A port whose network and clock are the test's. @module */
import type { Conn, ConnHandler, Endpoint, ListenOptions, Runtime } from "../../core/base/mod.ts";
import type { Sniffed } from "../../core/session/sniff/mod.ts";
import { Log } from "../../server/log.ts";
import { type Metrics, serverMetrics } from "../../server/metrics.ts";
import { Port } from "../../server/port/port.ts";
import type { PortOptions } from "../../server/port/port_options.ts";

const none: ConnHandler = { data: () => {}, close: () => {} };

export class FakeConn {
  handler: ConnHandler = none;
  destroyed = false;
  readonly remote: Endpoint;

  constructor(host: string) {
    this.remote = { host, port: 5000 };
  }

  destroy(): void {
    this.destroyed = true;
  }

  say(text: string): void {
    this.handler.data(Uint8Array.from(text, (c) => c.charCodeAt(0)));
  }
}

export class Harbour {
  now = 0;
  readonly metrics: Metrics = serverMetrics();
  readonly lines: string[] = [];
  /** What was handed over: protocol and first bytes. */
  readonly taken: (readonly [Sniffed, string])[] = [];
  /** Idle connections that HTTP would close. */
  idle = 0;
  readonly port: Port;
  readonly conns: FakeConn[] = [];
  #listening: { options: ListenOptions; accept: (conn: Conn) => void } | undefined;
  #timers: { at: number; call: () => void }[] = [];

  constructor(options: Partial<PortOptions> = {}) {
    const take =
      (protocol: Sniffed) =>
      (_conn: Conn, first: Uint8Array): void => {
        this.taken.push([protocol, String.fromCharCode(...first)]);
      };
    const runtime = {
      now: () => this.now,
      wakeAt: (at: number, call: () => void) => {
        const timer = { at, call };
        this.#timers.push(timer);
        return {
          [Symbol.dispose]: () => {
            this.#timers = this.#timers.filter((one) => one !== timer);
          },
        };
      },
      listen: async (listen: ListenOptions, accept: (conn: Conn) => void) => {
        this.#listening = { options: listen, accept };
        return { local: { host: "192.0.2.9", port: 8080 }, close: async () => {} };
      },
    } as unknown as Runtime;
    const sink = { wallClock: () => this.now, print: (line: string) => this.lines.push(line) };
    this.port = new Port(runtime, new Log(sink, "info"), this.metrics, {
      maxConnections: 1000,
      maxUnproven: 1000,
      firstBytesMillis: 10_000,
      protocols: { http: take("http"), "stun-tcp": take("stun-tcp") },
      shedIdle: (count) => {
        const shed = Math.min(count, this.idle);
        this.idle -= shed;
        return shed;
      },
      ...options,
    });
  }

  async open(): Promise<this> {
    await this.port.listen({ port: 8080 });
    return this;
  }

  accept(host = "192.0.2.1"): FakeConn {
    const conn = new FakeConn(host);
    this.conns.push(conn);
    this.#listening?.accept(conn as unknown as Conn);
    return conn;
  }

  acceptMany(count: number, host?: string): FakeConn[] {
    return Array.from({ length: count }, () => this.accept(host));
  }

  /** The runtime tells that destroyed connections are gone. */
  settle(): void {
    for (const conn of this.conns.filter(({ destroyed }) => destroyed)) {
      this.#listening?.options.onConnClosed?.(conn as unknown as Conn);
    }
  }

  fail(code: string): void {
    this.#listening?.options.onAcceptError?.(Object.assign(new Error(code), { code }));
  }

  until(now: number): void {
    for (;;) {
      const [next] = this.#timers.filter(({ at }) => at <= now).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.now = next.at;
      next.call();
    }
    this.now = now;
  }

  shed(reason: string): number {
    return this.metrics.value("monoport_connections_shed_total", reason);
  }
}
