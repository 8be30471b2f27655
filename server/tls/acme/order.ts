/** One certificate: order, tls-alpn-01, finalization (RFC 8555 §7.4, §7.5; RFC 8737). @module */
import { Crypto } from "@peculiar/webcrypto";
import { Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension } from "@peculiar/x509";
import * as v from "valibot";
import type { ValidationCertificate } from "../../../core/session/acme_tls/mod.ts";
import { encodeKey, type Pem } from "../pem.ts";
import { base64url } from "./account_key.ts";
import { type AcmeClient, type Answer, locationOf, parseAnswer } from "./client.ts";
import { AcmeError, decodeProblem, decodeRetryAfter } from "./problem.ts";
import { makeValidation } from "./validation.ts";

const CHALLENGE = "tls-alpn-01";
/** Between two looks at what the CA is working on; its Retry-After counts up to the longest. */
const LOOK_MILLIS = 1000;
const LOOK_MILLIS_MAX = 15_000;
const LOOKS_MAX = 60;
/** An order of one name has one authorization. */
const AUTHORIZATIONS_MAX = 10;

/** What an order needs of the server. */
export interface OrderContext {
  readonly client: AcmeClient;
  /** Shows the certificate to who validates `domain`, until it is taken back. */
  readonly show: (domain: string, validation: ValidationCertificate) => Disposable;
  readonly pause: (millis: number) => Promise<void>;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

const url = v.pipe(v.string(), v.regex(/^https:\/\//, "an https URL"));
const orderSchema = v.object({
  status: v.string(),
  authorizations: v.pipe(v.array(url), v.maxLength(AUTHORIZATIONS_MAX)),
  finalize: url,
  certificate: v.optional(url),
  error: v.optional(v.unknown()),
});
const authorizationSchema = v.object({
  status: v.string(),
  identifier: v.object({ value: v.string() }),
  challenges: v.array(
    v.object({
      type: v.string(),
      url,
      token: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,256}$/, "a token"))),
      error: v.optional(v.unknown()),
    }),
  ),
});
type Order = v.InferOutput<typeof orderSchema>;
type Authorization = v.InferOutput<typeof authorizationSchema>;

/**
 * A certificate for `domain` with a key of its own; `replaces` is the id of the one it had.
 *
 * @throws {AcmeError}
 */
export async function order(
  context: OrderContext,
  domain: string,
  replaces: string | undefined,
): Promise<Pem> {
  const { client } = context;
  const made = await begin(client, domain, replaces);
  const at = locationOf(made.headers, "order");
  const { authorizations } = parseAnswer(orderSchema, made, "order");
  for (const one of authorizations) await authorize(context, domain, one);
  // Some CAs notice a little late that the last authorization is valid.
  const ready = await lookUntil(
    context,
    at,
    orderSchema,
    "order",
    ({ status }) => status !== "pending",
  );
  const { csr, key } = await makeRequest(domain);
  if (ready.status === "ready") await client.post(ready.finalize, { csr: base64url(csr) });
  const isDone = ({ status }: Order): boolean => status !== "processing" && status !== "ready";
  const done = await lookUntil(context, at, orderSchema, "order", isDone);
  if (done.status !== "valid" || done.certificate === undefined) {
    throw refused(domain, `the order is ${done.status}`, done.error);
  }
  const accept = "application/pem-certificate-chain";
  const { text } = await client.post(done.certificate, undefined, accept);
  return { chain: text, key };
}

async function begin(
  client: AcmeClient,
  domain: string,
  replaces: string | undefined,
): Promise<Answer> {
  const { newOrder, renewalInfo } = await client.directory();
  const identifiers = [{ type: "dns", value: domain }];
  if (renewalInfo === undefined || replaces === undefined)
    return await client.post(newOrder, { identifiers });
  try {
    return await client.post(newOrder, { identifiers, replaces });
  } catch (error) {
    // It was replaced already, or is another CA's (RFC 9773 §5).
    const without = ["alreadyReplaced", "malformed", "unauthorized"];
    if (!(error instanceof AcmeError) || !without.includes(error.type)) throw error;
    return await client.post(newOrder, { identifiers });
  }
}

async function authorize(context: OrderContext, domain: string, at: string): Promise<void> {
  const { client } = context;
  const found = parseAnswer(authorizationSchema, await client.post(at), "authorization");
  if (found.status === "valid") return;
  const challenge = found.challenges.find(({ type }) => type === CHALLENGE);
  if (challenge?.token === undefined) {
    const offered = found.challenges.map(({ type }) => type.slice(0, 40)).join(", ");
    throw new AcmeError(
      `The CA offers no ${CHALLENGE} for ${domain}, but: ${offered || "nothing"}`,
    );
  }
  const authorization = `${challenge.token}.${client.key.thumbprint}`;
  const shown = context.show(domain, await makeValidation(domain, authorization));
  try {
    await client.post(challenge.url, {});
    const isDone = ({ status }: Authorization): boolean => status !== "pending";
    const done = await lookUntil(context, at, authorizationSchema, "authorization", isDone);
    if (done.status === "valid") return;
    const { error } = done.challenges.find(({ type }) => type === CHALLENGE) ?? {};
    throw refused(domain, `the authorization is ${done.status}`, error);
  } finally {
    shown[Symbol.dispose]();
  }
}

/** Looks at something until the CA is done with it. */
async function lookUntil<Output>(
  { client, pause, now }: OrderContext,
  at: string,
  schema: v.GenericSchema<unknown, Output>,
  what: string,
  isDone: (value: Output) => boolean,
): Promise<Output> {
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    const answer: Answer = await client.post(at);
    const value = parseAnswer(schema, answer, what);
    if (isDone(value)) return value;
    const wanted = decodeRetryAfter(answer.headers.get("retry-after"), now()) ?? LOOK_MILLIS;
    await pause(Math.min(Math.max(wanted, LOOK_MILLIS), LOOK_MILLIS_MAX));
  }
  throw new AcmeError(`The CA does not come to an end with the ${what}`);
}

function refused(domain: string, what: string, error: unknown): AcmeError {
  const problem = decodeProblem(error);
  if (problem === undefined) return new AcmeError(`The CA refused ${domain}: ${what}`);
  const { type, detail } = problem;
  return new AcmeError(`The CA refused ${domain}: ${type}: ${detail}`, { type });
}

/** A certificate signing request (RFC 2986) and the PEM of its new P-256 key. */
async function makeRequest(domain: string): Promise<{ csr: Uint8Array; key: string }> {
  const crypto = new Crypto();
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const request = await Pkcs10CertificateRequestGenerator.create(
    {
      keys,
      signingAlgorithm: algorithm,
      extensions: [new SubjectAlternativeNameExtension([{ type: "dns", value: domain }])],
    },
    crypto,
  );
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  return { csr: new Uint8Array(request.rawData), key: encodeKey(pkcs8) };
}
