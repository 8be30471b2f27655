/** The JSON envelope of SRS's API: every answer carries a code, and who answers. @module */
import type { Runtime } from "../../core/base/mod.ts";

/** SRS's error numbers, as its API gives them. */
export const SRS_CODE = {
  ok: 0,
  badRequest: 400,
  streamBusy: 1028,
  forbidden: 1053,
  vhostNotFound: 2014,
  streamNotFound: 2048,
  clientNotFound: 2049,
  badSdp: 5018,
  noSession: 5022,
} as const;

/** Who this server is, for as long as it runs. */
export interface Identity {
  /** `vid-` and 7 characters. */
  readonly server: string;
  /** 8 characters. */
  readonly service: string;
  readonly pid: string;
}

export function makeIdentity(runtime: Runtime): Identity {
  return { server: `vid-${word(runtime, 7)}`, service: word(runtime, 8), pid: String(runtime.pid) };
}

/** Random lower-case letters and digits; 5 bits each. */
export function word(runtime: Runtime, length: number): string {
  let out = "";
  for (const byte of runtime.crypto.random(length))
    out += "abcdefghijklmnopqrstuvwxyz234567"[byte & 31];
  return out;
}

export function json(identity: Identity, fields: object, code: number = SRS_CODE.ok): Response {
  return Response.json({ code, ...identity, ...fields });
}

/**
 * An answer without data; SRS gives errors of its API as 200 with a code, so `status` is 200 unless
 * said.
 */
export function jsonCode(code: number, message?: string, status = 200): Response {
  return Response.json(message === undefined ? { code } : { code, message }, { status });
}
