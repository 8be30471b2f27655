/** When the CA wants a certificate renewed (RFC 9773). @module */
import "reflect-metadata"; // x509 asks for it, and must be loaded after it
import { AuthorityKeyIdentifierExtension, X509Certificate } from "@peculiar/x509";
import * as v from "valibot";
import { base64url } from "./account_key.ts";
import { type AcmeClient, parseAnswer } from "./client.ts";
import { decodeRetryAfter } from "./problem.ts";

/** Until it is asked again, when the CA does not say; and the bounds of what it may say. */
const ASK_MILLIS = 6 * 3_600_000;
const ASK_MILLIS_MIN = 60_000;
const ASK_MILLIS_MAX = 24 * 3_600_000;

export interface RenewalInfo {
  /** In ms since the Unix epoch. */
  readonly start: number;
  readonly end: number;
  /** Until it is to be asked again. */
  readonly askAgainMillis: number;
}

const time = v.pipe(
  v.string(),
  v.transform((text) => Date.parse(text)),
  v.finite("a time (RFC 3339)"),
);
const schema = v.object({ suggestedWindow: v.object({ start: time, end: time }) });

/**
 * What a certificate is called in requests (RFC 9773 §4.1): key identifier of the authority and serial
 * number. `chain` is PEM; `undefined` without authorityKeyIdentifier.
 */
export function certificateId(chain: string): string | undefined {
  const certificate = new X509Certificate(chain);
  const authority = certificate.getExtension(AuthorityKeyIdentifierExtension)?.keyId;
  if (authority === undefined) return undefined;
  const serial = fromHex(certificate.serialNumber);
  // As in DER, where a leading zero keeps it positive.
  const positive = (serial[0] ?? 0) > 0x7f ? Uint8Array.of(0, ...serial) : serial;
  return `${base64url(fromHex(authority))}.${base64url(positive)}`;
}

/**
 * Asks the CA; `undefined` when it does not offer that.
 *
 * @throws {AcmeError}
 */
export async function askRenewalInfo(
  client: AcmeClient,
  id: string,
  now: number,
): Promise<RenewalInfo | undefined> {
  const { renewalInfo } = await client.directory();
  if (renewalInfo === undefined) return undefined;
  const answer = await client.get(`${renewalInfo.replace(/\/$/, "")}/${id}`);
  const { start, end } = parseAnswer(schema, answer, "renewal information").suggestedWindow;
  const wanted = decodeRetryAfter(answer.headers.get("retry-after"), now) ?? ASK_MILLIS;
  const askAgainMillis = Math.min(Math.max(wanted, ASK_MILLIS_MIN), ASK_MILLIS_MAX);
  return { start, end: Math.max(start, end), askAgainMillis };
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}
