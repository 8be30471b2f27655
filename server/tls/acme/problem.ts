/** What a CA says when it refuses: problem documents (RFC 7807, RFC 8555 §6.7). @module */
import * as v from "valibot";

export interface Problem {
  /** The last word of `urn:ietf:params:acme:error:...`, as `rateLimited`; else the whole type. */
  readonly type: string;
  readonly detail: string;
}

/** A failure of ACME, in words an operator can act on. */
export class AcmeError extends Error {
  override readonly name = "AcmeError";
  /** Empty when no problem document came. */
  readonly type: string;
  /** The CA's Retry-After, in ms from now. */
  readonly retryAfterMillis: number | undefined;

  constructor(
    message: string,
    more: { readonly type?: string; readonly retryAfterMillis?: number | undefined } = {},
  ) {
    super(message);
    this.type = more.type ?? "";
    this.retryAfterMillis = more.retryAfterMillis;
  }
}

/** Longest text of a CA's that is passed on. */
const DETAIL_MAX = 500;
const URN = "urn:ietf:params:acme:error:";

const schema = v.object({
  type: v.optional(v.string(), "about:blank"),
  detail: v.optional(v.string(), ""),
  subproblems: v.optional(
    v.array(
      v.object({
        type: v.optional(v.string(), ""),
        detail: v.optional(v.string(), ""),
        identifier: v.optional(v.object({ value: v.string() })),
      }),
    ),
    [],
  ),
});

/** `undefined` when it is no problem document. */
export function decodeProblem(value: unknown): Problem | undefined {
  const { success, output } = v.safeParse(schema, value);
  if (!success) return undefined;
  const more = output.subproblems
    .slice(0, 3)
    .map((one) => ` (${one.identifier?.value ?? ""} ${short(one.type)}: ${one.detail})`);
  const detail = (output.detail + more.join("")).slice(0, DETAIL_MAX);
  return { type: short(output.type), detail };
}

function short(type: string): string {
  return type.startsWith(URN) ? type.slice(URN.length) : type.slice(0, 100);
}

/** Seconds or an HTTP date (RFC 9110 §10.2.3), in ms from `now`; 0 for the past. */
export function decodeRetryAfter(text: string | null, now: number): number | undefined {
  if (text === null) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(at - now, 0);
}
