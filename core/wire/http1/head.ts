/**
 * The head of an HTTP/1.1 request (RFC 9112 §3, §5).
 *
 * ```
 *  method SP request-target SP "HTTP/1.1" CR LF
 *  *( field-name ":" OWS field-value OWS CR LF )
 *  CR LF
 * ```
 *
 * Read as strictly as the standard lets us, since two readers that differ are how requests are
 * smuggled: lines end in CR LF and in nothing else, nothing is folded, trimmed or repaired, and
 * whatever could frame the body in two ways is a fault.
 *
 * @module
 */
import { Fault } from "../../base/mod.ts";
import { latin1, u8 } from "../../bytes/mod.ts";
import { CR, HTAB, isFieldChar, isTargetChar, isToken, LF, SP } from "./char.ts";
import * as faults from "./fault.ts";
import { type BodyFraming, checkFraming } from "./framing.ts";
import { isAuthority } from "./host.ts";

/** Bytes of a request head, the final empty line included. */
export const HEAD_MAX_BYTES: number = 16 * 1024;
/** Bytes of a request target. */
export const TARGET_MAX_BYTES: number = 8 * 1024;
/** Field lines in a head, and in a trailer section. */
export const FIELDS_MAX = 100;
/** Bytes of a method. */
const METHOD_MAX_BYTES = 20;

/**
 * A field line: name in lower case, value without surrounding white space, one character per byte.
 */
export type Field = readonly [name: string, value: string];

export interface RequestHead extends BodyFraming {
  /** Case-sensitive, as sent. */
  readonly method: string;
  /** Which of the four forms of RFC 9112 §3.2 the target has. */
  readonly form: "origin" | "absolute" | "authority" | "asterisk";
  /**
   * `host[:port]` that the request is for: of the target if it names one, else of Host. Empty
   * only for HTTP/1.0 without Host.
   */
  readonly authority: string;
  /**
   * Path and query, beginning with `/`; `*` for the asterisk form, empty for the authority form.
   */
  readonly path: string;
  readonly minorVersion: 0 | 1;
  readonly fields: readonly Field[];
}

/**
 * Where the head that begins at `start` ends: the index behind its empty line, or -1 while that
 * has not come. Bytes before `from` were searched by an earlier call, so that a head that comes
 * byte by byte costs no more than one that comes at once. A CR or LF out of place is a fault.
 */
export function findHeadEnd(
  bytes: Uint8Array,
  start: number,
  from: number,
  to: number,
): number | Fault {
  for (let i = from; i < to; i++) {
    const byte = u8(bytes, i);
    const afterCr = i > start && u8(bytes, i - 1) === CR;
    if (byte === LF) {
      if (!afterCr) return faults.BARE_LF;
      if (i >= start + 3 && u8(bytes, i - 2) === LF) return i + 1;
    } else if (afterCr) return faults.BARE_CR;
  }
  return -1;
}

/** Decodes a whole head, from the method to its empty line. */
export function decodeRequestHead(
  bytes: Uint8Array,
  from = 0,
  to: number = bytes.length,
): RequestHead | Fault {
  if (to - from > HEAD_MAX_BYTES) return faults.HEAD_TOO_LARGE;
  const line = decodeRequestLine(bytes, from, to);
  if (line instanceof Fault) return line;
  const fields: Field[] = [];
  const end = decodeFields(bytes, line.end, to, fields);
  if (end instanceof Fault) return end;
  if (end !== to) return faults.BAD_FIELD_NAME;
  const framing = checkFraming(fields, line.minorVersion);
  if (framing instanceof Fault) return framing;
  const target = decodeTarget(line.method, line.target);
  if (target instanceof Fault) return target;
  const host = checkHost(fields, line.minorVersion);
  if (host instanceof Fault) return host;
  return {
    method: line.method,
    form: target.form,
    // RFC 9112 §3.2.2: a target in absolute form overrides Host.
    authority: target.authority ?? host,
    path: target.path,
    minorVersion: line.minorVersion,
    fields,
    ...framing,
  };
}

interface RequestLine {
  readonly method: string;
  readonly target: string;
  readonly minorVersion: 0 | 1;
  /** Index behind the line's LF. */
  readonly end: number;
}

function decodeRequestLine(bytes: Uint8Array, from: number, to: number): RequestLine | Fault {
  let at = from;
  while (at < to && isToken(u8(bytes, at))) at++;
  if (at === from || at - from > METHOD_MAX_BYTES || at >= to) return faults.BAD_METHOD;
  if (u8(bytes, at) !== SP) return faults.BAD_METHOD;
  const method = latin1(bytes, from, at);
  const targetAt = ++at;
  while (at < to && isTargetChar(u8(bytes, at))) at++;
  if (at - targetAt > TARGET_MAX_BYTES) return faults.TARGET_TOO_LONG;
  if (at === targetAt || at >= to || u8(bytes, at) !== SP) return faults.BAD_TARGET;
  const target = latin1(bytes, targetAt, at);
  const end = at + 11;
  if (end > to || u8(bytes, end - 2) !== CR || u8(bytes, end - 1) !== LF) {
    return faults.BAD_REQUEST_LINE;
  }
  const version = latin1(bytes, at + 1, end - 2);
  if (!/^HTTP\/[0-9]\.[0-9]$/.test(version)) return faults.BAD_VERSION;
  if (version !== "HTTP/1.1" && version !== "HTTP/1.0") return faults.VERSION_NOT_SUPPORTED;
  return { method, target, minorVersion: version === "HTTP/1.1" ? 1 : 0, end };
}

/**
 * Decodes field lines up to and with the empty line behind them, adding to `into`. Returns the
 * index behind it. Also for trailer sections.
 */
export function decodeFields(
  bytes: Uint8Array,
  from: number,
  to: number,
  into: Field[],
): number | Fault {
  let at = from;
  while (at + 1 < to) {
    if (u8(bytes, at) === CR) return u8(bytes, at + 1) === LF ? at + 2 : faults.BARE_CR;
    if (into.length === FIELDS_MAX) return faults.TOO_MANY_FIELDS;
    const next = decodeField(bytes, at, to, into);
    if (next instanceof Fault) return next;
    at = next;
  }
  return faults.BAD_FIELD_NAME;
}

function decodeField(bytes: Uint8Array, from: number, to: number, into: Field[]): number | Fault {
  const first = u8(bytes, from);
  if (first === SP || first === HTAB) return faults.OBS_FOLD;
  let at = from;
  while (at < to && isToken(u8(bytes, at))) at++;
  if (at === from || at >= to || u8(bytes, at) !== 0x3a) return faults.BAD_FIELD_NAME;
  const name = latin1(bytes, from, at).toLowerCase();
  at++;
  while (at < to && isBlank(u8(bytes, at))) at++;
  const valueAt = at;
  while (at < to && isFieldChar(u8(bytes, at))) at++;
  if (at + 1 >= to || u8(bytes, at) !== CR) {
    return at < to && u8(bytes, at) === LF ? faults.BARE_LF : faults.BAD_FIELD_VALUE;
  }
  if (u8(bytes, at + 1) !== LF) return faults.BARE_CR;
  let valueEnd = at;
  while (valueEnd > valueAt && isBlank(u8(bytes, valueEnd - 1))) valueEnd--;
  into.push([name, latin1(bytes, valueAt, valueEnd)]);
  return at + 2;
}

function isBlank(byte: number): boolean {
  return byte === SP || byte === HTAB;
}

type Target = Pick<RequestHead, "form" | "path"> & { readonly authority?: string };

/** RFC 9112 §3.2: a form that does not go with the method is a fault. */
function decodeTarget(method: string, target: string): Target | Fault {
  if (method === "CONNECT") {
    const named = isAuthority(target) && /:[0-9]+$/.test(target);
    return named ? { form: "authority", path: "", authority: target } : faults.BAD_TARGET;
  }
  if (target === "*") {
    return method === "OPTIONS" ? { form: "asterisk", path: "*" } : faults.BAD_TARGET;
  }
  if (target.startsWith("/")) return checkPath({ form: "origin", path: target });
  const absolute = /^https?:\/\/([^/?]*)(.*)$/i.exec(target);
  if (!absolute) return faults.BAD_TARGET;
  const [, authority = "", rest = ""] = absolute;
  // Also refuses user information (RFC 9110 §4.2.4).
  if (!isAuthority(authority)) return faults.BAD_HOST;
  return checkPath({
    form: "absolute",
    path: rest.startsWith("/") ? rest : `/${rest}`,
    authority,
  });
}

/** URL parsers read a backslash in a path as a slash; proxies in front of us may not. */
function checkPath(target: Target): Target | Fault {
  const query = target.path.indexOf("?");
  const path = query < 0 ? target.path : target.path.slice(0, query);
  return path.includes("\\") ? faults.BAD_TARGET : target;
}

function checkHost(fields: readonly Field[], minorVersion: 0 | 1): string | Fault {
  let host: string | undefined;
  for (const [name, value] of fields) {
    if (name !== "host") continue;
    if (host !== undefined) return faults.SECOND_HOST;
    host = value;
  }
  if (host === undefined) return minorVersion === 1 ? faults.NO_HOST : "";
  return isAuthority(host) ? host : faults.BAD_HOST;
}
