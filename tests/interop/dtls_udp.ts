/** A DTLS endpoint of ours on a real UDP socket and a real clock. @module */

import { createSocket, type Socket } from "node:dgram";
import type { DtlsEndpoint, DtlsEvent } from "../../core/session/webrtc/dtls/mod.ts";

export type ConnectedEvent = DtlsEvent & { readonly type: "connected" };

const TIME_LIMIT_MILLIS = 25_000;

/** A UDP socket on a free port of the loopback interface. */
export async function openLoopbackUdp(port = 0): Promise<Socket> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(port, "127.0.0.1", resolve);
  });
  return socket;
}

/** Feeds, drains and wakes one endpoint. */
export class UdpPeer {
  readonly port: number;
  readonly endpoint: DtlsEndpoint;
  readonly events: DtlsEvent[] = [];
  /** Of the datagrams sent. */
  largestSent = 0;
  readonly #socket: Socket;
  #peerPort: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wake: () => void = () => {};
  #closed = false;

  /** `peerPort` 0: whoever sends first. */
  constructor(endpoint: DtlsEndpoint, socket: Socket, peerPort = 0) {
    this.endpoint = endpoint;
    this.#socket = socket;
    this.#peerPort = peerPort;
    this.port = socket.address().port;
    socket.on("error", () => {});
    socket.on("message", (bytes, from) => {
      if (this.#peerPort === 0) this.#peerPort = from.port;
      endpoint.handleInput(bytes, performance.now());
      this.drain();
    });
  }

  start(): void {
    this.endpoint.start(performance.now());
    this.drain();
  }

  drain(): void {
    const { endpoint } = this;
    for (let out = endpoint.pollTransmit(); out; out = endpoint.pollTransmit()) {
      this.largestSent = Math.max(this.largestSent, out.length);
      if (!this.#closed) this.#socket.send(out, this.#peerPort, "127.0.0.1");
    }
    for (let event = endpoint.pollEvent(); event; event = endpoint.pollEvent()) {
      this.events.push(event);
      this.#wake();
    }
    clearTimeout(this.#timer);
    const due = endpoint.nextTimeout();
    if (due === Number.POSITIVE_INFINITY || this.#closed) return;
    this.#timer = setTimeout(
      () => {
        endpoint.handleTimeout(performance.now());
        this.drain();
      },
      Math.max(0, due - performance.now()),
    );
  }

  /** The first event of `type`; rejects when another ends the endpoint, or after a while. */
  async event<T extends DtlsEvent["type"]>(type: T): Promise<DtlsEvent & { readonly type: T }> {
    const limit = performance.now() + TIME_LIMIT_MILLIS;
    for (;;) {
      const found = this.events.find((event) => event.type === type);
      if (found !== undefined) return found as DtlsEvent & { readonly type: T };
      if (this.endpoint.over) throw new Error(`no ${type}, but ${JSON.stringify(this.events)}`);
      const left = limit - performance.now();
      if (left <= 0) throw new Error(`no ${type} in time`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.endpoint.close(performance.now());
    this.drain();
    this.#closed = true;
    clearTimeout(this.#timer);
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }
}

/** What the exporter gave: keys of client and server, then their salts (RFC 5764 §4.2), in hex. */
export function keyingMaterial(role: "client" | "server", event: ConnectedEvent): string {
  const { localKeys, remoteKeys } = event;
  const [client, server] = role === "client" ? [localKeys, remoteKeys] : [remoteKeys, localKeys];
  return [client.masterKey, server.masterKey, client.masterSalt, server.masterSalt]
    .map((bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(""))
    .join("");
}
