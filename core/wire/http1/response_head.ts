/**
 * The head of a response (RFC 9112 §4), decoded: for what we ask of other servers.
 *
 * ```
 *  "HTTP/1.1" SP status SP [ reason ] CR LF
 *  *( field-name ":" OWS field-value OWS CR LF )
 *  CR LF
 * ```
 *
 * @module
 */
import { Fault } from "../../base/mod.ts";
import { latin1, u8 } from "../../bytes/mod.ts";
import { LF } from "./char.ts";
import * as faults from "./fault.ts";
import { decodeFields, type Field, HEAD_MAX_BYTES } from "./head.ts";

/** Bytes of a status line; servers send reasons of a few words. */
const STATUS_LINE_MAX_BYTES = 1024;

export interface ResponseHead {
  /** 100 to 599. */
  readonly status: number;
  readonly fields: readonly Field[];
  /** Whether the body is chunked. */
  readonly chunked: boolean;
  /**
   * Bytes of the body; `undefined` when it is chunked or lasts until the connection closes (RFC
   * 9112 §6.3).
   */
  readonly contentLength: number | undefined;
}

/** Decodes a whole head, from the version to its empty line. */
export function decodeResponseHead(
  bytes: Uint8Array,
  from = 0,
  to: number = bytes.length,
): ResponseHead | Fault {
  if (to - from > HEAD_MAX_BYTES) return faults.HEAD_TOO_LARGE;
  let at = from;
  while (at < to && u8(bytes, at) !== LF) at++;
  if (at === to || at - from > STATUS_LINE_MAX_BYTES) return faults.BAD_STATUS_LINE;
  const line = latin1(bytes, from, at + 1);
  const status = /^HTTP\/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?\r\n$/.exec(line)?.[1];
  if (status === undefined) return faults.BAD_STATUS_LINE;
  const fields: Field[] = [];
  const end = decodeFields(bytes, at + 1, to, fields);
  if (end instanceof Fault) return end;
  if (end !== to) return faults.BAD_FIELD_NAME;
  const length = bodyLength(Number(status), fields);
  if (length instanceof Fault) return length;
  return { status: Number(status), fields, ...length };
}

/** RFC 9112 §6.3, for the answer to anything but HEAD and CONNECT. */
function bodyLength(
  status: number,
  fields: readonly Field[],
): Pick<ResponseHead, "chunked" | "contentLength"> | Fault {
  const codings = valuesOf(fields, "transfer-encoding");
  const lengths = new Set(valuesOf(fields, "content-length"));
  if (status < 200 || status === 204 || status === 304) return { chunked: false, contentLength: 0 };
  if (codings.length > 0) {
    if (lengths.size > 0) return faults.TRANSFER_ENCODING_AND_LENGTH;
    if (codings.length > 1 || codings[0]?.toLowerCase() !== "chunked") {
      return faults.TRANSFER_CODING_UNKNOWN;
    }
    return { chunked: true, contentLength: undefined };
  }
  if (lengths.size > 1) return faults.SECOND_CONTENT_LENGTH;
  for (const length of lengths) {
    if (!/^[0-9]{1,15}$/.test(length)) return faults.BAD_CONTENT_LENGTH;
    return { chunked: false, contentLength: Number(length) };
  }
  return { chunked: false, contentLength: undefined };
}

function valuesOf(fields: readonly Field[], name: string): string[] {
  return fields.filter((field) => field[0] === name).map((field) => field[1]);
}
