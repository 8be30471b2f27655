/** How long a request's body is, and what becomes of the connection (RFC 9112 §6, §9). @module */
import type { Fault } from "../../base/mod.ts";
import * as faults from "./fault.ts";
import type { Field } from "./head.ts";

export interface BodyFraming {
  /** Whether the body is chunked; `contentLength` is 0 then. */
  readonly chunked: boolean;
  /** Bytes of a body that is not chunked. */
  readonly contentLength: number;
  /** Whether the client is willing to go on with this connection after the answer. */
  readonly keepAlive: boolean;
  /** Whether the client waits for `100 Continue` before it sends the body. */
  readonly expectContinue: boolean;
  /** Protocols of Upgrade, in lower case, when Connection names it; else empty. */
  readonly upgrade: readonly string[];
}

/** A length of 15 digits is exact as a number. */
const CONTENT_LENGTH = /^[0-9]{1,15}$/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** The fields that matter here, as sent. */
class Found {
  transferEncoding: string | undefined;
  length: string | undefined;
  expect: string | undefined;
  readonly options: string[] = [];
  readonly upgrade: string[] = [];

  add(name: string, value: string): Fault | undefined {
    switch (name) {
      case "content-length":
        if (this.length !== undefined) return faults.SECOND_CONTENT_LENGTH;
        this.length = value;
        return undefined;
      case "transfer-encoding":
        if (this.transferEncoding !== undefined) return faults.SECOND_TRANSFER_ENCODING;
        this.transferEncoding = value;
        return undefined;
      case "connection":
        return addList(this.options, value) ? undefined : faults.BAD_CONNECTION;
      case "upgrade":
        addList(this.upgrade, value);
        return undefined;
      case "expect":
        this.expect = this.expect === undefined ? value : `${this.expect}, ${value}`;
        return undefined;
      default:
        return undefined;
    }
  }
}

/** What the fields say about the body and the connection. */
export function checkFraming(fields: readonly Field[], minorVersion: 0 | 1): BodyFraming | Fault {
  const found = new Found();
  for (const [name, value] of fields) {
    const bad = found.add(name, value);
    if (bad !== undefined) return bad;
  }
  const { transferEncoding, length, options } = found;
  const bad = checkLength(transferEncoding, length, minorVersion);
  if (bad !== undefined) return bad;
  // RFC 9110 §10.1.1: an Expect in HTTP/1.0 is ignored.
  const expect = minorVersion === 1 ? found.expect?.toLowerCase() : undefined;
  if (expect !== undefined && expect !== "100-continue") return faults.EXPECTATION_UNKNOWN;
  const chunked = transferEncoding !== undefined;
  const contentLength = length === undefined ? 0 : Number(length);
  const persistent = minorVersion === 1 || options.includes("keep-alive");
  return {
    chunked,
    contentLength,
    keepAlive: persistent && !options.includes("close"),
    expectContinue: expect !== undefined && (chunked || contentLength > 0),
    upgrade: minorVersion === 1 && options.includes("upgrade") ? found.upgrade : [],
  };
}

function checkLength(
  transferEncoding: string | undefined,
  length: string | undefined,
  minorVersion: 0 | 1,
): Fault | undefined {
  if (transferEncoding !== undefined) {
    if (minorVersion === 0) return faults.TRANSFER_ENCODING_ON_1_0;
    if (length !== undefined) return faults.TRANSFER_ENCODING_AND_LENGTH;
    if (transferEncoding.toLowerCase() === "chunked") return undefined;
    // RFC 9112 §6.1: 501 for codings we do not know, §6.3: 400 when chunked is not the last one.
    const codings: string[] = [];
    const known = addList(codings, transferEncoding);
    const last = codings.at(-1) === "chunked" && codings.indexOf("chunked") === codings.length - 1;
    return known && last ? faults.TRANSFER_CODING_UNKNOWN : faults.BAD_TRANSFER_ENCODING;
  }
  if (length !== undefined && !CONTENT_LENGTH.test(length)) return faults.BAD_CONTENT_LENGTH;
  return undefined;
}

/** Adds the members of a comma-separated list in lower case. False when one is not a token. */
function addList(into: string[], value: string): boolean {
  for (const member of value.split(",")) {
    const text = member.replace(/^[ \t]+|[ \t]+$/g, "");
    if (text === "") continue; // RFC 9110 §5.6.1: empty members are passed over
    if (!TOKEN.test(text.replace("/", ""))) return false;
    into.push(text.toLowerCase());
  }
  return true;
}
