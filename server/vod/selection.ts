/** Which bytes of a file a request is for (RFC 9110 §13 and §14). @module */
import type { Millis } from "../../core/base/mod.ts";

/** What a file's versions are told apart by. */
export interface Validators {
  /** Strong, with its quotes. */
  readonly etag: string;
  /** In ms since the Unix epoch. */
  readonly modified: Millis;
}

/** The status of the answer, and for a 206 the first and last byte. */
export type Selection =
  | { readonly status: 200 | 304 | 412 | 416 }
  | { readonly status: 206; readonly first: number; readonly last: number };

/** The value of Last-Modified, in whole seconds. */
export function httpDate(millis: Millis): string {
  return new Date(millis).toUTCString();
}

/** Asks the preconditions in the order of §13.2.2, then Range, which only GET knows (§14.2). */
export function select(
  method: string,
  headers: Headers,
  size: number,
  validators: Validators,
): Selection {
  const failed = failedCondition(headers, validators);
  if (failed !== undefined) return { status: failed };
  const range = headers.get("range");
  if (method !== "GET" || range === null || !ifRange(headers.get("if-range"), validators))
    return { status: 200 };
  return parseRange(range, size);
}

function failedCondition(headers: Headers, { etag, modified }: Validators): 304 | 412 | undefined {
  const seconds = Math.floor(modified / 1000);
  const since = (name: string): number => Date.parse(headers.get(name) ?? "") / 1000;
  const match = headers.get("if-match");
  if (match !== null) {
    if (!lists(match, etag, false)) return 412;
  } else if (seconds > since("if-unmodified-since")) return 412;
  const noneMatch = headers.get("if-none-match");
  if (noneMatch !== null) return lists(noneMatch, etag, true) ? 304 : undefined;
  return seconds <= since("if-modified-since") ? 304 : undefined;
}

/** Whether a list of entity-tags has one, `W/` before it or not. */
function lists(field: string, etag: string, weakly: boolean): boolean {
  if (field.trim() === "*") return true;
  return field
    .split(",")
    .map((one) => one.trim())
    .some((one) => one === etag || (weakly && one === `W/${etag}`));
}

/** §13.1.5: the very tag, or the very date. */
function ifRange(field: string | null, { etag, modified }: Validators): boolean {
  return field === null || field.trim() === etag || field.trim() === httpDate(modified);
}

/** One range of bytes; several, another unit or nonsense are as if there were none (§14.2). */
function parseRange(field: string, size: number): Selection {
  const [, from, to] = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(field) ?? [];
  if (from === undefined || to === undefined || from + to === "") return { status: 200 };
  if (from === "") {
    const length = Math.min(Number(to), size);
    return length === 0 ? { status: 416 } : { status: 206, first: size - length, last: size - 1 };
  }
  const first = Number(from);
  if (to !== "" && Number(to) < first) return { status: 200 };
  if (first >= size) return { status: 416 };
  return { status: 206, first, last: to === "" ? size - 1 : Math.min(Number(to), size - 1) };
}
