/**
 * The head of a response (RFC 9112 §4) and chunks (§7.1), encoded.
 *
 * ```
 *  "HTTP/1.1" SP status SP [ reason ] CR LF
 *  *( field-name ": " field-value CR LF )
 *  CR LF
 * ```
 *
 * @module
 */
import { MonoportError } from "../../base/mod.ts";
import { latin1Bytes, putLatin1 } from "../../bytes/mod.ts";
import type { Field } from "./head.ts";

/** The end of a chunked body without trailers. */
export const LAST_CHUNK: Uint8Array = latin1Bytes("0\r\n\r\n");
/** The interim answer that asks for the body (RFC 9110 §15.2.1). */
export const CONTINUE: Uint8Array = latin1Bytes("HTTP/1.1 100 Continue\r\n\r\n");

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const NOT_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

const REASONS: Readonly<Record<number, string>> = {
  101: "Switching Protocols",
  200: "OK",
  201: "Created",
  202: "Accepted",
  204: "No Content",
  206: "Partial Content",
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  304: "Not Modified",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  411: "Length Required",
  412: "Precondition Failed",
  413: "Content Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  416: "Range Not Satisfiable",
  417: "Expectation Failed",
  422: "Unprocessable Content",
  426: "Upgrade Required",
  428: "Precondition Required",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};

/** The usual reason phrase of a status, or `""`. */
export function reasonOf(status: number): string {
  return REASONS[status] ?? "";
}

/**
 * A response head with, behind it, `body` in the same array. Names and values that would break
 * the framing throw: they are ours, not the peer's.
 */
export function encodeResponseHead(
  status: number,
  fields: readonly Field[],
  body?: Uint8Array,
): Uint8Array {
  let text = `HTTP/1.1 ${status} ${reasonOf(status)}\r\n`;
  for (const [name, value] of fields) {
    if (!NAME.test(name) || NOT_VALUE.test(value)) {
      throw new MonoportError("api-misuse", `Cannot send the header field ${JSON.stringify(name)}`);
    }
    text += `${name}: ${value}\r\n`;
  }
  text += "\r\n";
  if (body === undefined) return latin1Bytes(text);
  const out = new Uint8Array(text.length + body.length);
  out.set(body, putLatin1(out, 0, text));
  return out;
}

/** `data`, which is not empty, as one chunk. */
export function encodeChunk(data: Uint8Array): Uint8Array {
  const line = `${data.length.toString(16)}\r\n`;
  const out = new Uint8Array(line.length + data.length + 2);
  const at = putLatin1(out, 0, line);
  out.set(data, at);
  out[at + data.length] = 0x0d;
  out[at + data.length + 1] = 0x0a;
  return out;
}
