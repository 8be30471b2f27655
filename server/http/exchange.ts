/** One request and its answer. @module */
import type { Conn } from "../../core/base/mod.ts";
import type { HttpEvent, ResponseHead } from "../../core/session/http/mod.ts";
import type { Field, RequestHead } from "../../core/wire/http1/mod.ts";
import type { HttpConnection } from "./http_connection.ts";
import type { RequestInfo, TakeOverHead } from "./options.ts";
import { type IncomingRequest, makeRequest, mayHaveBody } from "./request.ts";
import { acceptWebSocket, type WebSocketHandlers, type WebSocketOptions } from "./web_socket.ts";

type BodyEvent = Extract<HttpEvent, { kind: "body" | "body-end" | "body-abort" }>;
type Start = (conn: Conn, rest: Uint8Array) => void;

/**
 * Pieces in which a body is handed to the connection, so that a huge chunk does not pile up there.
 */
const SLICE_BYTES: number = 64 * 1024;
/**
 * Turns of the microtask queue that a body may take to bring a chunk or its end, and still have its
 * length told and go out with the head in one write.
 */
const PATIENCE_TURNS = 16;

const EMPTY = new Uint8Array(0);

export class Exchange {
  readonly #connection: HttpConnection;
  readonly #head: RequestHead;
  #request: IncomingRequest | undefined;
  #bodyOut: ReadableStreamDefaultController<Uint8Array> | undefined;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #start: Start | undefined;
  /** Whether the head of the answer was given to the session; whether all of it was. */
  #begun = false;
  #done = false;
  #takeOverHead: TakeOverHead = {};

  constructor(connection: HttpConnection, head: RequestHead) {
    this.#connection = connection;
    this.#head = head;
  }

  /** Asks the application. */
  start(): void {
    const connection = this.#connection;
    if (this.#head.form === "asterisk") {
      // RFC 9110 §9.3.7: OPTIONS for the server as a whole.
      this.#respond({ status: 204, fields: [] }, EMPTY);
      return;
    }
    const body = mayHaveBody(this.#head) ? this.#makeBody() : undefined;
    const { local } = connection.conn;
    const request = makeRequest(this.#head, local, connection.secure, body);
    if (!request) {
      this.#respond({ status: 400, fields: [] }, EMPTY);
      return;
    }
    this.#request = request;
    try {
      const answer = connection.server.options.fetch(request, this.#info());
      if (answer instanceof Response) this.#receive(answer);
      else {
        answer.then(
          (response) => this.#receive(response),
          (error) => this.#fail(error),
        );
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  handleBody(event: BodyEvent): void {
    const out = this.#bodyOut;
    if (!out) return;
    if (event.kind === "body") out.enqueue(event.bytes);
    else {
      this.#bodyOut = undefined;
      if (event.kind === "body-end") out.close();
      else out.error(new Error(`The request body broke off: ${event.fault.code}`));
    }
  }

  /**
   * The client sent FIN. It may still read an answer, but most that do so are gone: the signal
   * tells an application that waits. One that has begun to answer learns it by the answer's fate.
   */
  handleEnd(): void {
    if (!this.#begun) this.#request?.abort();
  }

  /** The client is gone. */
  disconnect(): void {
    if (this.#done) return;
    const gone = new Error("The client has disconnected");
    const out = this.#bodyOut;
    this.#bodyOut = undefined;
    out?.error(gone);
    this.#request?.abort();
    this.#reader?.cancel(gone).catch(() => {});
  }

  #makeBody(): ReadableStream<Uint8Array> {
    const connection = this.#connection;
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#bodyOut = controller;
        },
        pull: () => {
          connection.session.readBody(connection.server.now());
          connection.pump();
        },
        cancel: () => {
          this.#bodyOut = undefined;
        },
      },
      // Nothing is read ahead: the first pull says that the application wants the body.
      { highWaterMark: 0 },
    );
  }

  #info(): RequestInfo {
    const connection = this.#connection;
    return {
      remote: connection.remote,
      local: connection.conn.local,
      secure: connection.secure,
      chunked: this.#head.minorVersion === 1,
      hold: () => connection.hold(),
      takeOver: (start: Start, head: TakeOverHead = {}): Response => {
        this.#start = start;
        this.#takeOverHead = head;
        return new Response(null, {
          status: 200,
          headers: [...(head.fields ?? [])] as [string, string][],
        });
      },
      upgradeWebSocket: (handlers: WebSocketHandlers, options?: WebSocketOptions): Response => {
        const accepted = acceptWebSocket(connection, this.#head, handlers, options ?? {});
        if (accepted instanceof Response) return accepted;
        this.#start = accepted.start;
        this.#takeOverHead = { status: 101 };
        return new Response(null, {
          status: 200,
          headers: [...accepted.fields] as [string, string][],
        });
      },
    };
  }

  /** The application failed: 500, or a broken connection when its answer has begun. */
  #fail(error: unknown): void {
    const connection = this.#connection;
    if (connection.closed) return;
    const [path = ""] = this.#head.path.split("?", 1); // a query may hold a token
    connection.reportError(error, `${this.#head.method} ${path}`);
    this.#done = true;
    this.#reader?.cancel(error).catch(() => {});
    this.#reader = undefined;
    if (connection.session.awaitsAnswer) {
      const fields: Field[] = [["content-type", "text/plain"]];
      this.#respond({ status: 500, fields }, new TextEncoder().encode("Internal Server Error\n"));
    } else {
      // What was sent must not look whole.
      connection.session.abort();
      connection.pump();
    }
  }

  #receive(response: Response): void {
    try {
      this.#answer(response);
    } catch (error) {
      this.#fail(error);
    }
  }

  #answer(response: Response): void {
    if (this.#connection.closed) {
      response.body?.cancel().catch(() => {});
      return;
    }
    this.#begun = true;
    if (this.#start && response.status === 200 && this.#head.method !== "HEAD") {
      this.#takeOver(this.#start, response);
      return;
    }
    const head = { status: response.status, fields: fieldsOf(response.headers) };
    const { status, body } = response;
    // Response.error() has status 0.
    if (status < 200) throw new TypeError(`A response of status ${status} cannot be sent`);
    if (body === null || this.#head.method === "HEAD" || status === 204 || status === 304) {
      body?.cancel().catch(() => {});
      const length = body === null && this.#head.method !== "HEAD" ? 0 : undefined;
      this.#finish(() => this.#connection.session.startResponse(head, length));
      return;
    }
    this.#reader = body.getReader();
    this.#stream(head, this.#reader).catch((error) => this.#fail(error));
  }

  #takeOver(start: Start, response: Response): void {
    const connection = this.#connection;
    this.#done = true;
    if (this.#head.chunked || this.#head.contentLength > 0) {
      // A body would be taken for the next protocol.
      this.#respond({ status: 400, fields: [] }, EMPTY);
      return;
    }
    const fields = fieldsOf(response.headers);
    const rest = connection.session.takeOver({ status: this.#takeOverHead.status ?? 200, fields });
    connection.release((conn) => start(conn, rest));
  }

  /** Sends a body as its chunks come; in one write when it is there at once. */
  async #stream(
    head: ResponseHead,
    reader: ReadableStreamDefaultReader<Uint8Array>,
  ): Promise<void> {
    const { session } = this.#connection;
    let reading = reader.read();
    let chunk = await settled(reading);
    const declared = lengthOf(head.fields);
    if (chunk?.done) return this.#respond(head, EMPTY);
    if (chunk && declared === undefined) {
      const first = checkChunk(chunk.value);
      reading = reader.read();
      chunk = await settled(reading);
      if (chunk?.done && first.length <= SLICE_BYTES) return this.#respond(head, first);
      session.startResponse(head, chunk?.done ? first.length : undefined);
      await this.#write(first);
    } else {
      session.startResponse(head, declared);
    }
    this.#connection.pump();
    for (let next = await reading; !next.done; next = await reader.read()) {
      await this.#write(next.value);
      if (this.#connection.closed) return;
    }
    this.#reader = undefined;
    this.#finish(() => {});
  }

  async #write(bytes: Uint8Array): Promise<void> {
    checkChunk(bytes);
    const connection = this.#connection;
    for (let at = 0; at < bytes.length && !connection.closed; at += SLICE_BYTES) {
      connection.session.writeBody(bytes.subarray(at, at + SLICE_BYTES));
      connection.pump();
      await connection.writable();
    }
  }

  #respond(head: ResponseHead, body: Uint8Array): void {
    const connection = this.#connection;
    this.#reader = undefined;
    this.#done = true;
    connection.session.respond(head, body, connection.server.now());
    connection.pump();
  }

  #finish(begin: () => void): void {
    const connection = this.#connection;
    begin();
    this.#done = true;
    connection.session.endResponse(connection.server.now());
    connection.pump();
  }
}

/** What `promise` brings within `PATIENCE_TURNS`, or `undefined`. */
async function settled<T>(promise: Promise<T>): Promise<T | undefined> {
  let value: T | undefined;
  promise.then(
    (result) => {
      value = result;
    },
    () => {}, // The caller awaits it again.
  );
  for (let turn = 0; turn < PATIENCE_TURNS && value === undefined; turn++) await null;
  return value;
}

/** A body may bring what its type does not say. */
function checkChunk(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  throw new TypeError("A body's chunks must be Uint8Array");
}

function fieldsOf(headers: Headers): Field[] {
  const fields: Field[] = [];
  headers.forEach((value, name) => {
    if (name !== "set-cookie") fields.push([name, value]);
  });
  for (const cookie of headers.getSetCookie()) fields.push(["set-cookie", cookie]);
  return fields;
}

function lengthOf(fields: readonly Field[]): number | undefined {
  const text = fields.find(([name]) => name === "content-length")?.[1];
  return text !== undefined && /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
}
