/** One row of the table of attacks, and what the rows are made with. @module */

import { putU16 } from "../../../../../core/bytes/mod.ts";
import type { DtlsOptions } from "../../../../../core/session/webrtc/dtls/mod.ts";
import type { AlertDescription } from "../../../../../core/wire/dtls/mod.ts";
import { makeFreshCertificate } from "../../../../certificate.ts";
import { type Identity, identityOf, type Tamper } from "./peers.ts";

export type Side = "client" | "server";

export interface Attack {
  readonly name: string;
  /** Who must refuse. */
  readonly victim: Side;
  readonly fault: string;
  readonly alert: keyof typeof AlertDescription;
  readonly client?: Partial<DtlsOptions>;
  readonly server?: Partial<DtlsOptions>;
  readonly tamper?: Tamper;
}

/** Somebody with a certificate of his own. */
export const mallory: Identity = identityOf(await makeFreshCertificate("p256"));

export function flip(body: Uint8Array, at: number): Uint8Array {
  const out = body.slice();
  out[at] = out[at]! ^ 1;
  return out;
}

export function putAt(body: Uint8Array, at: number, value: number): Uint8Array {
  const out = body.slice();
  putU16(out, at, value);
  return out;
}
