/**
 * A server with the routes that the tests of server/http ask for, and a client that sends bytes.
 */
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Hono } from "hono";
import type { Conn, Fault, Runtime } from "../../../core/base/mod.ts";
import { concat, latin1, latin1Bytes } from "../../../core/bytes/mod.ts";
import { sniff } from "../../../core/session/sniff/mod.ts";
import { encodeFrame } from "../../../core/wire/websocket/mod.ts";
import { loadRuntime } from "../../../runtime/mod.ts";
import {
  type ConnectionFacts,
  type HttpOptions,
  HttpServer,
  type RequestInfo,
} from "../../../server/http/mod.ts";

export interface Seen {
  /** Bytes that the stream of /stream was asked for. */
  pulled: number;
  /** Bodies of answers that were cancelled. */
  cancelled: number;
  /** Requests whose signal fired. */
  aborted: number;
  /** What came of the request body of /drain and /wait: bytes, or an error. */
  bodies: (number | Error)[];
  faults: Fault[];
  errors: unknown[];
  closes: number[];
  conns: Conn[];
}

export interface Server {
  readonly port: number;
  readonly http: HttpServer;
  readonly seen: Seen;
  readonly runtime: Runtime;
  close(): Promise<void>;
}

const CHUNK = new Uint8Array(65536).fill(0x61);

export async function startServer(
  options: Partial<HttpOptions> = {},
  facts: ConnectionFacts = {},
): Promise<Server> {
  const runtime = await loadRuntime();
  const seen: Seen = {
    pulled: 0,
    cancelled: 0,
    aborted: 0,
    bodies: [],
    faults: [],
    errors: [],
    closes: [],
    conns: [],
  };
  const app = makeApp(seen);
  const http = new HttpServer({
    runtime,
    server: "Monoport/test",
    fetch: (request, info) => app.fetch(request, { info }),
    onFault: (fault) => seen.faults.push(fault),
    onError: (error) => seen.errors.push(error),
    ...options,
  });
  const listener = await runtime.listen({ host: "127.0.0.1", port: 0 }, (conn) => {
    seen.conns.push(conn);
    let first: Uint8Array = new Uint8Array(0);
    conn.handler = {
      data: (chunk) => {
        first = concat([first, chunk]);
        const protocol = sniff(first);
        if (protocol === "rtmp") conn.write(first);
        else if (protocol === "http") http.serve(conn, first, facts);
      },
      close: () => {},
    };
  });
  return {
    port: listener.local.port,
    http,
    seen,
    runtime,
    close: async () => {
      http.close();
      for (const conn of seen.conns) conn.destroy();
      await listener.close();
    },
  };
}

function makeApp(seen: Seen): Hono<{ Bindings: { info: RequestInfo } }> {
  const app = new Hono<{ Bindings: { info: RequestInfo } }>();
  app.get("/json", (c) => c.json({ ok: true, n: 42 }));
  app.get("/url", (c) => c.json({ url: c.req.url, remote: c.env.info.remote.host }));
  app.post("/echo", async (c) => {
    const bytes = new Uint8Array(await c.req.arrayBuffer());
    return c.json({
      len: bytes.length,
      sum: bytes.reduce((sum, byte) => (sum + byte) & 0xffff, 0),
    });
  });
  app.post("/refuse", (c) => c.text("no", 403));
  app.post("/drain", async (c) => {
    const bytes = await c.req.arrayBuffer().catch((error: Error) => error);
    seen.bodies.push(bytes instanceof Error ? bytes : bytes.byteLength);
    return c.text("drained");
  });
  app.get("/wait", async (c) => {
    const { signal } = c.req.raw;
    await new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => {
        seen.aborted++;
        resolve();
      });
    });
    return c.text("too late");
  });
  app.get("/throw", () => {
    throw new Error("planted");
  });
  app.get("/error-response", () => Response.error());
  app.get("/locked", () => {
    const response = new Response("used");
    response.body?.getReader();
    return response;
  });
  app.get("/bad-chunk", () => {
    const body = new ReadableStream({
      start: (controller) => {
        controller.enqueue(12);
        controller.close();
      },
    });
    return new Response(body);
  });
  app.get("/take-throw", (c) =>
    c.env.info.takeOver(() => {
      throw new Error("planted");
    }),
  );
  app.onError((error) => {
    throw error;
  });
  app.get("/stream", (c) => {
    let left = Number(c.req.query("mb") ?? 10) * 16;
    c.req.raw.signal.addEventListener("abort", () => seen.aborted++);
    const body = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          if (left-- <= 0) return controller.close();
          seen.pulled += CHUNK.length;
          controller.enqueue(CHUNK.slice());
        },
        cancel: () => {
          seen.cancelled++;
        },
      },
      { highWaterMark: 1 },
    );
    return new Response(body, { headers: { "content-type": "video/x-flv" } });
  });
  app.get("/huge", () => new Response(new Uint8Array(8 * 1024 * 1024)));
  app.get("/slow", () => new Response(slowBody(3)));
  app.get("/broken", () => new Response(slowBody(2, true)));
  app.get("/short", () => new Response(slowBody(1), { headers: { "content-length": "100" } }));
  app.get("/long", () => new Response(slowBody(3), { headers: { "content-length": "4" } }));
  app.get("/known", () => new Response(slowBody(3), { headers: { "content-length": "6" } }));
  app.get("/cookies", () => {
    const headers = new Headers();
    headers.append("set-cookie", "a=1");
    headers.append("set-cookie", "b=2");
    return new Response(null, { status: 204, headers });
  });
  app.get("/not-modified", () => new Response(null, { status: 304, headers: { etag: '"1"' } }));
  app.get("/empty", (c) => c.body(null));
  app.get("/take", (c) =>
    c.env.info.takeOver(
      (conn, rest) => {
        conn.handler = {
          data: (bytes) => conn.write(bytes),
          end: () => conn.end(),
          close: () => seen.closes.push(-1),
        };
        conn.write(latin1Bytes(`rest=${latin1(rest)};`));
      },
      { fields: [["content-type", "video/x-flv"]] },
    ),
  );
  app.get("/ws", (c) =>
    c.env.info.upgradeWebSocket(
      {
        open: (socket) => socket.sendFrame(encodeFrame(1, latin1Bytes("hello"))),
        message: (socket, data) => {
          if (data === "throw") throw new Error("planted");
          if (data === "bye") socket.close(4000, "bye");
          else socket.send(data);
        },
        close: (_, code) => seen.closes.push(code),
      },
      { limits: { messageMaxBytes: 100_000, closeMillis: 300, lingerMillis: 300 } },
    ),
  );
  return app;
}

function slowBody(count: number, breaks = false): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    start: async (controller) => {
      for (let i = 0; i < count; i++) {
        controller.enqueue(latin1Bytes(`c${i}`));
        await sleep(30);
      }
      if (breaks) controller.error(new Error("planted"));
      else controller.close();
    },
  });
}

export interface Answer {
  readonly status: number;
  /** Names in lower case; the last of several. */
  readonly fields: Readonly<Record<string, string>>;
  readonly lines: readonly string[];
  readonly body: Buffer;
}

/** One TCP connection, with half-close; reads answers as they come. */
export class Client {
  readonly socket: net.Socket;
  received: Buffer = Buffer.alloc(0);
  ended = false;
  closed = false;
  error: Error | undefined;

  constructor(port: number) {
    this.socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    this.socket.setNoDelay(true);
    this.socket.on("data", (bytes: Buffer) => {
      this.received = Buffer.concat([this.received, bytes]);
    });
    this.socket.on("end", () => {
      this.ended = true;
    });
    this.socket.on("error", (error) => {
      this.error = error;
    });
    this.socket.on("close", () => {
      this.ended = this.closed = true;
    });
  }

  write(data: string | Uint8Array): void {
    this.socket.write(typeof data === "string" ? Buffer.from(data, "latin1") : data);
  }

  async until<T>(read: () => T | undefined | false, millis = 30_000): Promise<T> {
    for (const from = performance.now(); ; await sleep(2)) {
      const found = read();
      if (found !== undefined && found !== false) return found;
      if (performance.now() - from > millis) {
        const text = this.received.toString("latin1").slice(0, 200);
        throw new Error(`Waited in vain; received ${JSON.stringify(text)}, ended ${this.ended}`);
      }
    }
  }

  async answer(options: { head?: boolean; millis?: number } = {}): Promise<Answer> {
    return await this.until(() => this.#take(options.head ?? false), options.millis);
  }

  destroy(): void {
    this.socket.destroy();
  }

  #take(head: boolean): Answer | undefined {
    const bytes = this.received;
    const end = bytes.indexOf("\r\n\r\n");
    if (end < 0) return undefined;
    const [first = "", ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
    const fields: Record<string, string> = {};
    for (const line of lines) {
      const colon = line.indexOf(":");
      fields[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
    const status = Number(first.split(" ")[1]);
    const none = head || status < 200 || status === 204 || status === 304;
    const read = none ? { body: Buffer.alloc(0), end: end + 4 } : this.#body(end + 4, fields);
    if (!read) return undefined;
    this.received = bytes.subarray(read.end);
    return { status, fields, lines, body: read.body };
  }

  #body(from: number, fields: Record<string, string>): { body: Buffer; end: number } | undefined {
    const bytes = this.received;
    const length = fields["content-length"];
    if (length !== undefined) {
      const end = from + Number(length);
      return bytes.length < end ? undefined : { body: bytes.subarray(from, end), end };
    }
    if (fields["transfer-encoding"] !== "chunked") {
      return this.ended ? { body: bytes.subarray(from), end: bytes.length } : undefined;
    }
    const parts: Buffer[] = [];
    for (let at = from; ; ) {
      const lineEnd = bytes.indexOf("\r\n", at);
      if (lineEnd < 0) return undefined;
      const size = Number.parseInt(bytes.subarray(at, lineEnd).toString(), 16);
      if (Number.isNaN(size)) throw new Error("Not a chunk");
      at = lineEnd + 2 + size + 2;
      if (bytes.length < at) return undefined;
      if (size === 0) return { body: Buffer.concat(parts), end: at };
      parts.push(bytes.subarray(lineEnd + 2, at - 2));
    }
  }
}

export { sleep };
