/** One RTMP connection: joins the session in core, the connection of the runtime, and the hub. @module */
import type { Conn, Millis, Runtime } from "../../core/base/mod.ts";
import { type RtmpEvent, RtmpServerSession, type RtmpTarget } from "../../core/session/rtmp/mod.ts";
import type { Publisher, StreamName } from "../../core/stream/mod.ts";
import type { Outlet, Viewer } from "../cast/mod.ts";
import type { Traffic, Visit } from "../hooks/mod.ts";
import { addressKey } from "../limits/address_key.ts";
import type { HeldBytes, Holding } from "../limits/held_bytes.ts";
import type { Inflow } from "../limits/inflow.ts";
import { linger } from "../port/linger.ts";
import type { Ingest } from "./ingest.ts";

/** More than that which the peer does not take, and he is closed: what we say is small. */
const QUEUE_MAX = 256 * 1024;

/** What a connection has of its server. */
export interface RtmpHost {
  readonly runtime: Runtime;
  /** What connections that publish nothing yet may keep of messages. */
  readonly held: HeldBytes;
  /** What it may send. */
  inflowOf(connection: RtmpConnection): Inflow | undefined;
  /** A connection kept too much. */
  onShed(connection: RtmpConnection): void;
  /** Decides on a publisher, and calls `admitted` or `refused` of the connection, now or later. */
  onPublish(connection: RtmpConnection, target: RtmpTarget): void;
  onPlay(connection: RtmpConnection, target: RtmpTarget): void;
  onEvent(event: RtmpEvent, connection: RtmpConnection): void;
  /** The hub was fed: look at its events. */
  afterInput(): void;
  forget(connection: RtmpConnection): void;
}

/** What an admitted publisher feeds. */
export interface Publishing {
  readonly id: string;
  readonly name: StreamName;
  readonly publisher: Publisher;
  readonly ingest: Ingest;
  /** Keeps its last group of pictures. */
  readonly kept: Disposable;
  /** Its place among all sessions. */
  readonly session: Disposable;
  readonly visit: Visit | undefined;
}

export class RtmpConnection {
  readonly conn: Conn;
  readonly since: Millis;
  readonly #host: RtmpHost;
  readonly #session: RtmpServerSession;
  readonly #holding: Holding;
  readonly inflow: Inflow | undefined;
  /** What its inflow knows of. */
  #counted = 0;
  #held: Disposable | undefined;
  #timer: Disposable | undefined;
  #over = false;
  publishing: Publishing | undefined;
  #viewer: Viewer | undefined;
  receivedBytes = 0;
  sentBytes = 0;
  /** What keeps viewers from seeing or hearing the stream, in words. */
  readonly troubles: string[] = [];

  constructor(host: RtmpHost, conn: Conn) {
    this.#host = host;
    this.conn = conn;
    this.since = host.runtime.now();
    this.inflow = host.inflowOf(this);
    this.#holding = host.held.begin(addressKey(conn.remote.host));
    this.#session = new RtmpServerSession({ crypto: host.runtime.crypto, now: this.since });
  }

  start(first: Uint8Array): void {
    this.conn.handler = {
      data: (chunk) => this.#input(chunk),
      drain: () => this.#viewer?.drained(),
      end: () => this.#end(true),
      close: () => this.#end(false),
    };
    this.#input(first);
  }

  /** Whether it neither publishes nor plays. */
  get idle(): boolean {
    return this.publishing === undefined && this.#viewer === undefined;
  }

  admitted(publishing: Publishing): void {
    if (this.#over || this.#session.closed) {
      publishing.publisher.end();
      publishing.kept[Symbol.dispose]();
      publishing.session[Symbol.dispose]();
      publishing.visit?.left();
      return;
    }
    this.publishing = publishing;
    publishing.visit?.began();
    this.#session.accept(this.#host.runtime.now());
    this.#turn();
  }

  /** Lets the client play; `begin` makes the viewer. */
  play(begin: (outlet: Outlet) => Viewer, visit: Visit | undefined): void {
    if (!this.#over && !this.#session.closed) {
      this.#session.accept(this.#host.runtime.now());
      this.#turn();
    }
    if (this.#over || this.#session.closed) visit?.left();
    else this.#viewer = begin(this.#outlet());
  }

  refused(busy: boolean, reason: string): void {
    if (this.#over) return;
    this.#session.refuse(busy, reason);
    this.#turn();
  }

  /** Says goodbye, or why a publisher is sent away, and closes. */
  close(why?: string): void {
    if (this.#over) return;
    this.#session.end(why);
    this.#turn();
  }

  destroy(): void {
    this.#end(false);
    this.conn.destroy();
  }

  get #traffic(): Traffic {
    const { sentBytes, receivedBytes } = this;
    return { sentBytes, receivedBytes };
  }

  #outlet(): Outlet {
    const { conn } = this;
    return {
      get buffered(): number {
        return conn.buffered;
      },
      write: (bytes) => conn.write(bytes),
      end: () => this.close(),
      destroy: () => this.destroy(),
    };
  }

  #input(chunk: Uint8Array): void {
    if (this.#over) return;
    this.receivedBytes += chunk.length;
    this.#session.handleInput(chunk, this.#host.runtime.now());
    this.#turn();
    if (this.#over) return;
    const exceeded = this.#holding.set(this.idle ? this.#session.keptBytes : 0);
    if (exceeded === undefined) {
      this.#holdBack(chunk.length);
      return;
    }
    this.#host.onShed(this);
    this.destroy();
  }

  /** Who sends more than he may is read from later: TCP holds him back. */
  #holdBack(bytes: number): void {
    const { inflow, conn } = this;
    if (inflow === undefined) return;
    const { runtime } = this.#host;
    const { cost } = this.#session.reader;
    const wait = inflow.take(bytes, cost - this.#counted, runtime.now());
    this.#counted = cost;
    if (wait === 0 || conn.closed) return;
    conn.pause();
    this.#held = runtime.wakeAt(runtime.now() + wait, () => conn.resume());
    const limit = inflow.exceeded;
    if (limit !== undefined) this.close(`More is sent than ${limit} allows`);
  }

  #turn(): void {
    const now = this.#host.runtime.now();
    this.#transmit();
    for (let event = this.#session.pollEvent(); event; event = this.#session.pollEvent()) {
      this.#handle(event, now);
      if (this.#over) return;
    }
    this.#transmit();
    const { publishing } = this;
    if (publishing?.publisher.ended) this.close(); // another client took the stream over
    publishing?.publisher.flush(now);
    this.#host.afterInput();
    this.#schedule();
  }

  #handle(event: RtmpEvent, now: Millis): void {
    switch (event.type) {
      case "audio":
        this.publishing?.ingest.handleAudio(event.payload, event.timestamp, now);
        break;
      case "video":
        this.publishing?.ingest.handleVideo(event.payload, event.timestamp, now);
        break;
      case "publish":
        this.#host.onPublish(this, event.target);
        break;
      case "play":
        this.#host.onPlay(this, event.target);
        break;
      case "stopped":
        this.#stop();
        break;
      case "close":
        this.#transmit();
        this.#end(true);
        break;
      default:
        this.#host.onEvent(event, this);
    }
  }

  #transmit(): void {
    for (let out = this.#session.pollTransmit(); out; out = this.#session.pollTransmit()) {
      this.sentBytes += out.length;
      this.conn.write(out);
    }
    if (this.#viewer === undefined && this.conn.buffered > QUEUE_MAX) this.destroy();
  }

  #stop(): void {
    this.publishing?.publisher.end();
    this.publishing?.kept[Symbol.dispose]();
    this.publishing?.session[Symbol.dispose]();
    this.publishing?.visit?.left(this.#traffic);
    this.publishing = undefined;
    this.#viewer?.leave();
    this.#viewer = undefined;
  }

  #end(gently: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer?.[Symbol.dispose]();
    this.#held?.[Symbol.dispose]();
    if (!this.conn.closed) this.conn.resume();
    this.#holding.release();
    this.#host.forget(this);
    this.#stop();
    this.#host.afterInput();
    if (gently && !this.conn.closed) linger(this.#host.runtime, this.conn);
  }

  #schedule(): void {
    this.#timer?.[Symbol.dispose]();
    if (this.#over) return;
    const due = this.#session.nextTimeout();
    if (due === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#host.runtime.wakeAt(due, () => {
      this.#session.handleTimeout(this.#host.runtime.now());
      this.#turn();
    });
  }
}
