/** A decoded request head as a Fetch API request. @module */
import type { Endpoint } from "../../core/base/mod.ts";
import type { RequestHead } from "../../core/wire/http1/mod.ts";

/** A request whose `signal`, dear to make on some runtimes, is made when asked for. */
export class IncomingRequest extends Request {
  #controller: AbortController | undefined;
  #aborted = false;

  override get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** The client is gone. */
  abort(): void {
    this.#aborted = true;
    this.#controller?.abort();
  }
}

/** Whether the Fetch API lets the request have a body. */
export function mayHaveBody(head: RequestHead): boolean {
  return (
    (head.chunked || head.contentLength > 0) && head.method !== "GET" && head.method !== "HEAD"
  );
}

/** The request, or `undefined` when no URL can be made of its authority (a bad IDNA label). */
export function makeRequest(
  head: RequestHead,
  local: Endpoint,
  secure: boolean,
  body: ReadableStream<Uint8Array> | undefined,
): IncomingRequest | undefined {
  const authority = head.authority === "" ? formatEndpoint(local) : head.authority;
  const init: RequestInit & { duplex?: "half" } = {
    method: head.method,
    headers: head.fields as [string, string][],
  };
  if (body) {
    init.body = body;
    init.duplex = "half";
  }
  try {
    return new IncomingRequest(`${secure ? "https" : "http"}://${authority}${head.path}`, init);
  } catch {
    return undefined;
  }
}

function formatEndpoint(at: Endpoint): string {
  return at.host.includes(":") ? `[${at.host}]:${at.port}` : `${at.host}:${at.port}`;
}
