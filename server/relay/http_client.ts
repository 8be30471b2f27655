/**
 * HTTP/1.1 requests to listed hosts: one connection each, to the very address that was checked.
 * `fetch` would resolve the name once more, and follow redirects by itself.
 *
 * @module
 */
import type { Conn, Endpoint, Millis, Runtime } from "../../core/base/mod.ts";
import { concat } from "../../core/bytes/mod.ts";
import { isAddress } from "../candidates/candidates.ts";
import { SERVER_NAME } from "../version.ts";
import type { AllowList } from "./allow_list.ts";
import { AnswerReader, type HttpAnswer, RequestFailed, words } from "./http_answer.ts";

/** From the look-up of the name to the last byte of the answer. */
export const REQUEST_MILLIS: Millis = 10_000;
/** Addresses of a name that are tried. */
const ADDRESSES_MAX = 4;

export interface HttpClientOptions {
  readonly runtime: Runtime;
  readonly allow: AllowList;
  /** PEM of authorities trusted besides the runtime's. */
  readonly ca: string | undefined;
  /** Default `REQUEST_MILLIS`. */
  readonly millis?: Millis;
}

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  /** Without Host, Connection and Content-Length. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Made when the connection is there, by our end of it. */
  readonly body?: (local: Endpoint) => string | Promise<string>;
}

export class HttpClient {
  readonly #options: HttpClientOptions;

  constructor(options: HttpClientOptions) {
    this.#options = options;
  }

  /** @throws {RequestFailed} */
  async request(request: HttpRequest): Promise<HttpAnswer> {
    const { runtime, millis = REQUEST_MILLIS } = this.#options;
    const deadline = runtime.now() + millis;
    const conn = await this.#connect(request.url, deadline);
    try {
      const body = await request.body?.(conn.local);
      const head = requestHead(request, body);
      const reader = new AnswerReader(runtime, conn, deadline);
      conn.write(head);
      return await reader.answer;
    } finally {
      conn.destroy();
    }
  }

  async #connect(url: URL, deadline: Millis): Promise<Conn> {
    const { runtime, allow, ca } = this.#options;
    const { host, port, secure } = targetOf(url);
    if (!allow.mayAsk(host, port)) throw notListed(`${host}:${port}`);
    const addresses = isAddress(host) ? [host] : await this.#resolve(host, deadline);
    const allowed = addresses.filter((address) => allow.allows(host, address, port));
    if (allowed.length === 0) {
      const found = addresses.slice(0, ADDRESSES_MAX).join(", ");
      throw notListed(`${found} port ${port} (${host})`);
    }
    let failure = new RequestFailed(`${host} has no address`);
    for (const address of allowed.slice(0, ADDRESSES_MAX)) {
      const timeoutMillis = Math.max(1, deadline - runtime.now());
      const tls = { serverName: host, ...(ca === undefined ? {} : { ca }) };
      try {
        return await runtime.connect(
          { host: address, port },
          { timeoutMillis, ...(secure ? { tls } : {}) },
        );
      } catch (error) {
        failure = new RequestFailed(`Cannot connect to ${address} port ${port}: ${words(error)}`);
      }
    }
    throw failure;
  }

  async #resolve(host: string, deadline: Millis): Promise<readonly string[]> {
    const { runtime } = this.#options;
    let timer: Disposable | undefined;
    try {
      return await Promise.race([
        runtime.resolve(host),
        new Promise<never>((_resolve, reject) => {
          timer = runtime.wakeAt(deadline, () => reject(new Error("the resolver does not answer")));
        }),
      ]);
    } catch (error) {
      throw new RequestFailed(`Cannot look up ${host}: ${words(error)}`);
    } finally {
      timer?.[Symbol.dispose]();
    }
  }
}

function notListed(what: string): RequestFailed {
  return new RequestFailed(`${what} is not listed in relay.allow`, true);
}

function targetOf(url: URL): { host: string; port: number; secure: boolean } {
  const secure = url.protocol === "https:";
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return { host, port: url.port === "" ? (secure ? 443 : 80) : Number(url.port), secure };
}

function requestHead({ method, url, fields }: HttpRequest, body: string | undefined): Uint8Array {
  const bytes = new TextEncoder().encode(body ?? "");
  const lines = [
    `${method} ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    `User-Agent: ${SERVER_NAME}`,
    "Connection: close",
    ...fields.map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined ? [] : [`Content-Length: ${bytes.length}`]),
  ];
  return concat([new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`), bytes]);
}
