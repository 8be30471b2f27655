/** HTTP requests of the check: to any server, whatever its certificate says. @module */
import type { Conn, Runtime, TlsPeer } from "../../core/base/mod.ts";
import { concat } from "../../core/bytes/mod.ts";
import { AnswerReader, type HttpAnswer, words } from "../relay/http_answer.ts";
import { SERVER_NAME } from "../version.ts";
import type { CheckOptions } from "./arguments.ts";
import { hostAndPort } from "./line.ts";

export interface Target {
  readonly runtime: Runtime;
  readonly options: CheckOptions;
  /** What HOST resolved to, the one that answers. */
  readonly address: string;
}

/** A TLS handshake; words say why there is none. */
export async function connectTls(target: Target): Promise<{ conn: Conn; peer: TlsPeer } | string> {
  const { runtime, options, address } = target;
  let peer: TlsPeer | undefined;
  const tls = {
    serverName: options.host,
    onPeer: (shown: TlsPeer) => {
      peer = shown;
    },
  };
  try {
    const to = { host: address, port: options.port };
    const conn = await runtime.connect(to, { timeoutMillis: options.timeoutMillis, tls });
    if (peer !== undefined) return { conn, peer };
    conn.destroy();
    return "no certificate was shown";
  } catch (error) {
    return words(error);
  }
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  /** An SDP offer. */
  readonly sdp?: string;
}

/** The answer and how long it took, or why there is none. */
export async function ask(
  target: Target,
  secure: boolean,
  { method, path, sdp }: Asked,
): Promise<{ readonly answer: HttpAnswer; readonly millis: number } | string> {
  const { runtime, options, address } = target;
  const begun = runtime.now();
  let conn: Conn | undefined;
  try {
    if (secure) {
      const made = await connectTls(target);
      if (typeof made === "string") return made;
      conn = made.conn;
    } else {
      const { port, timeoutMillis } = options;
      conn = await runtime.connect({ host: address, port }, { timeoutMillis });
    }
    const reader = new AnswerReader(runtime, conn, runtime.now() + options.timeoutMillis);
    conn.write(request(options, secure, method, path, sdp));
    return { answer: await reader.answer, millis: runtime.now() - begun };
  } catch (error) {
    return words(error);
  } finally {
    conn?.destroy();
  }
}

function request(
  { host, port, token }: CheckOptions,
  secure: boolean,
  method: string,
  path: string,
  sdp: string | undefined,
): Uint8Array {
  const body = new TextEncoder().encode(sdp ?? "");
  const usual = port === (secure ? 443 : 80);
  const plain = hostAndPort(host, port);
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${usual ? plain.slice(0, plain.lastIndexOf(":")) : plain}`,
    `User-Agent: ${SERVER_NAME} check`,
    "Connection: close",
    ...(token === "" ? [] : [`Authorization: Bearer ${token}`]),
    ...(sdp === undefined
      ? []
      : ["Content-Type: application/sdp", `Content-Length: ${body.length}`]),
  ];
  return concat([new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`), body]);
}
