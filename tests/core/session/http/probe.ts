import { latin1, latin1Bytes } from "../../../../core/bytes/mod.ts";
import { type HttpEvent, HttpServerSession } from "../../../../core/session/http/mod.ts";

export const GET = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
export const POST = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n";

/** A session, its clock, and what it has said. */
export class Probe {
  now = 0;
  readonly session: HttpServerSession;
  readonly events: HttpEvent[] = [];
  sent = "";

  constructor(limits = {}) {
    this.session = new HttpServerSession({ limits }, 0);
  }

  input(text: string): this {
    this.session.handleInput(latin1Bytes(text), this.now);
    return this.poll();
  }

  poll(): this {
    for (let bytes = this.session.pollTransmit(); bytes; bytes = this.session.pollTransmit()) {
      this.sent += latin1(bytes);
    }
    for (let event = this.session.pollEvent(); event; event = this.session.pollEvent()) {
      this.events.push(event);
    }
    return this;
  }

  readBody(): this {
    this.session.readBody(this.now);
    return this.poll();
  }

  respond(status = 200, body = "ok"): this {
    this.session.respond({ status, fields: [] }, latin1Bytes(body), this.now);
    return this.poll();
  }

  end(): this {
    this.session.handleEnd(this.now);
    return this.poll();
  }

  at(now: number): this {
    this.now = now;
    this.session.handleTimeout(now);
    return this.poll();
  }

  /** The kinds of the events since the last call. */
  kinds(): string {
    return this.events
      .splice(0)
      .map((event) => event.kind)
      .join(" ");
  }

  /** What was sent since the last call. */
  take(): string {
    const { sent } = this;
    this.sent = "";
    return sent;
  }
}
