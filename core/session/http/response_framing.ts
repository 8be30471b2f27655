/** How the body of an answer is framed (RFC 9112 §6, RFC 9110 §6.4.1, §9.3.2). @module */
import type { Field, RequestHead } from "../../wire/http1/mod.ts";

/** Status and fields of an answer. The fields that frame the message are the session's to add. */
export interface ResponseHead {
  readonly status: number;
  readonly fields: readonly Field[];
}

export interface ResponseFraming {
  readonly fields: readonly Field[];
  /** `close`: the end of the connection is the end of the body. */
  readonly coding: "none" | "length" | "chunked" | "close";
  /** Bytes still owed when the length was promised. */
  left: number;
  readonly keepAlive: boolean;
}

/**
 * Adds Content-Length, Transfer-Encoding and Connection as the request and the status want them.
 */
export function frameResponse(
  head: ResponseHead,
  length: number | undefined,
  request: RequestHead,
  keepAlive: boolean,
): ResponseFraming {
  const fields: Field[] = [];
  const connection: string[] = [];
  let stays = keepAlive;
  let given: string | undefined;
  for (const field of head.fields) {
    const name = field[0].toLowerCase();
    if (name === "content-length") given = field[1];
    else if (name === "connection") stays &&= !/(?:^|,)[ \t]*close[ \t]*(?:,|$)/i.test(field[1]);
    else if (name !== "transfer-encoding" && name !== "keep-alive") fields.push(field);
    if (name === "upgrade") connection.push("upgrade"); // RFC 9110 §7.8
  }
  const coding = codingOf(head.status, length, request);
  if (coding === "length") fields.push(["content-length", `${length}`]);
  else if (coding === "chunked") fields.push(["transfer-encoding", "chunked"]);
  else if (coding === "none" && hasLength(head.status)) {
    // An answer to HEAD and a 304 tell the length that GET would bring, if it is known.
    const told = given ?? (head.status === 304 ? undefined : length?.toString());
    if (told !== undefined) fields.push(["content-length", told]);
  }
  if (coding === "close") stays = false;
  if (!stays) connection.push("close");
  else if (request.minorVersion === 0) connection.push("keep-alive");
  if (connection.length > 0) fields.push(["connection", connection.join(", ")]);
  return { fields, coding, left: coding === "length" ? (length ?? 0) : 0, keepAlive: stays };
}

function codingOf(
  status: number,
  length: number | undefined,
  request: RequestHead,
): ResponseFraming["coding"] {
  if (request.method === "HEAD" || status === 304 || !hasLength(status)) return "none";
  if (length !== undefined) return "length";
  return request.minorVersion === 1 ? "chunked" : "close";
}

/** RFC 9110 §8.6: no Content-Length in 1xx and 204. */
function hasLength(status: number): boolean {
  return status >= 200 && status !== 204;
}

/** `fields`, and those of `common`, whose names are in lower case, that it does not have. */
export function withCommon(fields: readonly Field[], common: readonly Field[]): readonly Field[] {
  const lacking = common.filter(([name]) => !fields.some(([have]) => have.toLowerCase() === name));
  return [...fields, ...lacking];
}
