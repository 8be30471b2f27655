/**
 * The conversation with a CA: directory, nonces, signed requests, the account (RFC 8555 §6, §7.1 to
 * §7.3).
 *
 * @module
 */
import * as v from "valibot";
import { causeOf, readAnswer } from "../../fetched.ts";
import { SERVER_NAME } from "../../version.ts";
import type { AccountKey, ExternalAccount } from "./account_key.ts";
import { AcmeError, decodeProblem, decodeRetryAfter } from "./problem.ts";

/** `fetch`, or a test's. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Bytes of an answer; a chain is some 10 KB. */
export const ANSWER_MAX_BYTES: number = 256 * 1024;
const REQUEST_MILLIS = 30_000;
/** A nonce may have expired; each refusal brings a new one. */
const NONCE_TRIES = 5;

export interface ClientOptions {
  readonly fetch: Fetch;
  /** URL of the directory. */
  readonly directory: string;
  readonly key: AccountKey;
  /** Empty: none. */
  readonly email: string;
  readonly agreeTos: boolean;
  readonly externalAccount: ExternalAccount | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

const httpsUrl = v.pipe(v.string(), v.regex(/^https:\/\//, "an https URL"));

/** What we use of a directory (RFC 8555 §7.1.1). */
export interface Directory {
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
  /** RFC 9773. */
  readonly renewalInfo?: string | undefined;
  readonly meta: { readonly externalAccountRequired?: boolean | undefined };
}

const directorySchema: v.GenericSchema<unknown, Directory> = v.object({
  newNonce: httpsUrl,
  newAccount: httpsUrl,
  newOrder: httpsUrl,
  renewalInfo: v.optional(httpsUrl),
  meta: v.optional(v.object({ externalAccountRequired: v.optional(v.boolean()) }), {}),
});

export class AcmeClient {
  readonly #options: ClientOptions;
  #directory: Directory | undefined;
  /** The account's URL. */
  #kid: string | undefined;
  #nonce: string | undefined;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  get key(): AccountKey {
    return this.#options.key;
  }

  /** Asks for directory and account again: either may have changed. */
  forget(): void {
    this.#directory = undefined;
    this.#kid = undefined;
    this.#nonce = undefined;
  }

  async directory(): Promise<Directory> {
    this.#directory ??= parseAnswer(
      directorySchema,
      await this.#request(this.#options.directory, { method: "GET" }),
      "directory",
    );
    return this.#directory;
  }

  /** What needs no account. @throws {AcmeError} with the CA's own words. */
  async get(url: string): Promise<Answer> {
    return await this.#request(url, { method: "GET" });
  }

  /**
   * A signed request by the account, which is made when there is none yet. Without `payload` it is
   * POST-as-GET.
   *
   * @throws {AcmeError} with the CA's own words.
   */
  async post(url: string, payload?: unknown, accept = "application/json"): Promise<Answer> {
    this.#kid ??= await this.#account();
    return await this.#post(url, { kid: this.#kid }, payload, accept);
  }

  /** Makes the account, or finds the one the key has (RFC 8555 §7.3, §7.3.1). */
  async #account(): Promise<string> {
    const { newAccount, meta } = await this.directory();
    const { key, email, agreeTos, externalAccount } = this.#options;
    if (meta.externalAccountRequired === true && externalAccount === undefined) {
      throw new AcmeError(
        "The CA wants an external account: set acme.eab_kid and acme.eab_hmac_key",
      );
    }
    const payload = {
      ...(agreeTos ? { termsOfServiceAgreed: true } : {}),
      ...(email === "" ? {} : { contact: [`mailto:${email}`] }),
      ...(externalAccount === undefined
        ? {}
        : { externalAccountBinding: await key.bind(externalAccount, newAccount) }),
    };
    const { headers } = await this.#post(newAccount, { jwk: key.jwk }, payload, "application/json");
    return locationOf(headers, "account");
  }

  async #post(
    url: string,
    by: Readonly<Record<string, unknown>>,
    payload: unknown,
    accept: string,
  ): Promise<Answer> {
    for (let left = NONCE_TRIES; ; left--) {
      const nonce = this.#nonce ?? (await this.#freshNonce());
      this.#nonce = undefined;
      const body = JSON.stringify(await this.key.sign({ nonce, url, ...by }, payload));
      try {
        return await this.#request(url, {
          method: "POST",
          headers: { "content-type": "application/jose+json", accept },
          body,
        });
      } catch (error) {
        const again = error instanceof AcmeError && error.type === "badNonce" && left > 1;
        if (!again) throw error;
      }
    }
  }

  async #freshNonce(): Promise<string> {
    const { newNonce } = await this.directory();
    await this.#request(newNonce, { method: "HEAD" });
    const nonce = this.#nonce;
    if (nonce === undefined) throw new AcmeError("The CA gives no nonce");
    return nonce;
  }

  async #request(url: string, init: RequestInit): Promise<Answer> {
    const { host } = new URL(url);
    const timeout = AbortSignal.timeout(REQUEST_MILLIS);
    let answer: Answer;
    try {
      const response = await this.#options.fetch(url, {
        ...init,
        headers: { "user-agent": SERVER_NAME, "accept-language": "en", ...init.headers },
        redirect: "error",
        signal: AbortSignal.any([timeout, this.#options.signal]),
      });
      const { status, headers } = response;
      answer = { status, headers, text: await readText(response) };
    } catch (error) {
      if (error instanceof AcmeError) throw error;
      if (timeout.aborted) throw new AcmeError(`${host} did not answer in ${REQUEST_MILLIS} ms`);
      throw new AcmeError(`Cannot reach ${host}: ${causeOf(error)}`);
    }
    this.#nonce = answer.headers.get("replay-nonce") ?? this.#nonce;
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw this.#refusal(host, answer);
  }

  #refusal(host: string, { status, headers, text }: Answer): AcmeError {
    const problem = decodeProblem(parseJson(text));
    const retryAfterMillis = decodeRetryAfter(headers.get("retry-after"), this.#options.now());
    if (problem === undefined)
      return new AcmeError(`${host} answered ${status}`, { retryAfterMillis });
    const { type, detail } = problem;
    return new AcmeError(`${host} refused: ${type}: ${detail}`, { type, retryAfterMillis });
  }
}

/** The value of an answer's JSON. @throws {AcmeError} when it is not what it should be. */
export function parseAnswer<Output>(
  schema: v.GenericSchema<unknown, Output>,
  { text }: Pick<Answer, "text">,
  what: string,
): Output {
  const { success, output, issues } = v.safeParse(schema, parseJson(text));
  if (success) return output;
  const where = v.getDotPath(issues[0]) ?? "";
  throw new AcmeError(`The CA's ${what} cannot be read: ${where} ${issues[0].message}`);
}

/** The URL of what was made. */
export function locationOf(headers: Headers, what: string): string {
  const url = headers.get("location") ?? "";
  if (!v.is(httpsUrl, url)) throw new AcmeError(`The CA gives no URL of the ${what}`);
  return url;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function readText(response: Response): Promise<string> {
  const text = await readAnswer(response, ANSWER_MAX_BYTES);
  if (text === undefined)
    throw new AcmeError(`The CA's answer is longer than ${ANSWER_MAX_BYTES} bytes`);
  return text;
}
