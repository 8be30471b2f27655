/**
 * Certificates from a CA by ACME (RFC 8555), one per domain, got and renewed while the server runs.
 * The CA validates a domain by a TLS connection to the shared port (RFC 8737).
 *
 * @module
 */
import { MonoportError, type Runtime } from "../../../core/base/mod.ts";
import type { ValidationCertificate } from "../../../core/session/acme_tls/mod.ts";
import type { Config } from "../../config/config.ts";
import { describeFileError, isNotAllowed } from "../../file_error.ts";
import type { Log } from "../../log.ts";
import type { Metrics } from "../../metrics.ts";
import { type Certificate, certificateOf } from "../certificate.ts";
import type { Pem } from "../pem.ts";
import { AcmeClient, type Fetch } from "./client.ts";
import { order } from "./order.ts";
import { AcmeError } from "./problem.ts";
import { askRenewalInfo, certificateId } from "./renewal_info.ts";
import { AcmeStore } from "./store.ts";

/** Sleeps end at least so often: the wall clock may jump, and a machine may be suspended. */
const LOOK_MILLIS = 3_600_000;
/**
 * After a failure; three times as long after each further one. Five attempts come in the first hour:
 * Let's Encrypt allows five failures per hour and name.
 */
const RETRY_MILLIS = 60_000;
const RETRY_MILLIS_MAX = 6 * 3_600_000;
/** A CA's Retry-After counts up to here. */
const RETRY_AFTER_MILLIS_MAX = 7 * 86_400_000;
/** A certificate that is due as soon as it comes, as with a wrong clock, is not ordered at once again. */
const BETWEEN_ORDERS_MILLIS = 3_600_000;

/** Problems of a CA that did not find us where the domain leads (RFC 8555 §6.7). */
const NOT_REACHED: ReadonlySet<string> = new Set([
  "connection",
  "dns",
  "tls",
  "unauthorized",
  "incorrectResponse",
]);

export interface AcmeParts {
  readonly runtime: Runtime;
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly fetch: Fetch;
}

interface Domain {
  readonly name: string;
  certificate: Certificate | undefined;
  /** What the CA calls it (RFC 9773 §4.1). */
  id: string | undefined;
  /** When to order, in ms since the Unix epoch. */
  due: number;
  /** Not before; the CA may want it at once. */
  earliest: number;
  /** When to ask the CA when it wants the certificate renewed. */
  ask: number;
  failures: number;
}

/**
 * Reads what is kept; `undefined` when no domains are configured.
 *
 * @throws {MonoportError} `config-invalid` or `permission-missing`; the message names the setting.
 */
export async function openAcme(parts: AcmeParts): Promise<Acme | undefined> {
  const { runtime, config } = parts;
  const names = config["acme.domains"];
  if (names.length === 0) return undefined;
  const folder = config["tls.dir"];
  if (folder === "") throw invalid("tls.dir: a folder is needed to keep what acme.domains gets");
  if (!config["acme.agree_tos"]) {
    throw invalid(
      `acme.agree_tos: must be on to get certificates for acme.domains: it says that you agree to the terms of the CA at ${config["acme.directory"]}`,
    );
  }
  if ((config["acme.eab_kid"] === "") !== (config["acme.eab_hmac_key"] === ""))
    throw invalid("acme.eab_kid, acme.eab_hmac_key: give both or none");
  const store = new AcmeStore(runtime.files, folder, config["acme.directory"]);
  try {
    const key = await store.accountKey();
    const ends = new AbortController();
    const client = new AcmeClient({
      fetch: parts.fetch,
      directory: config["acme.directory"],
      key,
      email: config["acme.email"],
      agreeTos: config["acme.agree_tos"],
      externalAccount:
        config["acme.eab_kid"] === ""
          ? undefined
          : { kid: config["acme.eab_kid"], hmacKey: config["acme.eab_hmac_key"] },
      now: () => runtime.wallClock(),
      signal: ends.signal,
    });
    const acme = new Acme(parts, store, client, ends);
    for (const name of new Set(names)) await acme.add(name);
    return acme;
  } catch (error) {
    throw new MonoportError(
      isNotAllowed(error) ? "permission-missing" : "config-invalid",
      `tls.dir: cannot keep what acme.domains gets in ${JSON.stringify(folder)}: ${describeFileError(error, "--allow-read and --allow-write for it")}`,
    );
  }
}

export class Acme {
  readonly #parts: AcmeParts;
  readonly #store: AcmeStore;
  readonly #client: AcmeClient;
  readonly #ends: AbortController;
  readonly #domains: Domain[] = [];
  /** What is shown to a CA, by domain. */
  readonly #challenges = new Map<string, ValidationCertificate>();
  #timer: Disposable | undefined;

  constructor(parts: AcmeParts, store: AcmeStore, client: AcmeClient, ends: AbortController) {
    this.#parts = parts;
    this.#store = store;
    this.#client = client;
    this.#ends = ends;
  }

  /** Those there are, in the order of the setting. */
  get certificates(): readonly Certificate[] {
    return this.#domains
      .map(({ certificate }) => certificate)
      .filter((certificate) => certificate !== undefined);
  }

  /** What is shown to who validates `domain`, while a challenge is pending. */
  challengeFor(domain: string | undefined): ValidationCertificate | undefined {
    return domain === undefined ? undefined : this.#challenges.get(domain);
  }

  /** Adds a domain with its kept certificate, unless that is another's or over. */
  async add(name: string): Promise<void> {
    const { runtime } = this.#parts;
    const now = runtime.wallClock();
    const domain: Domain = {
      ...{ name, certificate: undefined, id: undefined },
      ...{ due: now, earliest: now, ask: now, failures: 0 },
    };
    this.#domains.push(domain);
    const pem = await this.#store.certificate(name);
    if (pem === undefined) return;
    const kept = await certificateOf(runtime, pem).catch(() => undefined);
    if (!kept?.names.includes(name) || kept.notAfter <= now) return;
    domain.certificate = kept;
    domain.id = certificateId(pem.chain);
    domain.due = this.#dueOf(kept);
  }

  /** Begins to work; the port must be listened on by now. */
  start(): void {
    for (const { name, certificate } of this.#domains) {
      if (certificate !== undefined) continue;
      this.#parts.log.warn("No certificate yet: another is shown until the CA has given one", {
        domain: name,
        directory: this.#parts.config["acme.directory"],
      });
    }
    this.#work();
  }

  close(): void {
    this.#ends.abort();
    this.#timer?.[Symbol.dispose]();
    this.#challenges.clear();
  }

  /** Orders what is due, one domain after the other, and sleeps until the next one is. */
  #work(): void {
    this.#orderDue().finally(() => {
      if (this.#ends.signal.aborted) return;
      const { runtime } = this.#parts;
      const next = Math.min(...this.#domains.map(({ due, ask }) => Math.min(due, ask)));
      const millis = Math.min(Math.max(next - runtime.wallClock(), 0), LOOK_MILLIS);
      this.#timer = runtime.wakeAt(runtime.now() + millis, () => this.#work());
    });
  }

  async #orderDue(): Promise<void> {
    const { runtime, metrics } = this.#parts;
    for (const domain of this.#domains) {
      if (domain.ask <= runtime.wallClock()) await this.#askWhen(domain);
      if (domain.due > runtime.wallClock()) continue;
      try {
        await this.#order(domain);
        metrics.count("monoport_acme_orders_total", "valid");
      } catch (error) {
        if (this.#ends.signal.aborted) return;
        metrics.count("monoport_acme_orders_total", "failed");
        this.#postpone(domain, error);
      }
    }
  }

  /** Moves the renewal to where the CA wants it, though never behind nine tenths of the life. */
  async #askWhen(domain: Domain): Promise<void> {
    const { runtime, log } = this.#parts;
    const now = runtime.wallClock();
    domain.ask = now + LOOK_MILLIS * 6;
    const { certificate, id, failures } = domain;
    if (certificate === undefined || id === undefined || failures > 0) return;
    try {
      const info = await askRenewalInfo(this.#client, id, now);
      if (info === undefined) return;
      const due = info.start + this.#chance() * (info.end - info.start);
      const last = certificate.notAfter - (certificate.notAfter - certificate.notBefore) / 10;
      domain.due = Math.max(Math.min(due, last), domain.earliest);
      domain.ask = now + info.askAgainMillis;
    } catch (error) {
      if (this.#ends.signal.aborted) return;
      log.debug("Cannot ask when to renew", { domain: domain.name, error: String(error) });
    }
  }

  async #order(domain: Domain): Promise<void> {
    const { runtime, log } = this.#parts;
    const pem = await order(
      {
        client: this.#client,
        show: (name, validation) => this.#show(name, validation),
        pause: (millis) => this.#pause(millis),
        now: () => runtime.wallClock(),
      },
      domain.name,
      domain.id,
    );
    const certificate = await certificateOf(runtime, pem).catch((error) => {
      throw new AcmeError(`The CA's certificate cannot be used: ${String(error)}`);
    });
    if (!certificate.names.includes(domain.name))
      throw new AcmeError("The CA's certificate is for another name");
    domain.certificate = certificate;
    domain.id = certificateId(pem.chain);
    domain.failures = 0;
    domain.earliest = runtime.wallClock() + BETWEEN_ORDERS_MILLIS;
    domain.due = Math.max(this.#dueOf(certificate), domain.earliest);
    domain.ask = runtime.wallClock();
    log.info("Got a certificate", {
      domain: domain.name,
      issuer: certificate.issuer,
      until: new Date(certificate.notAfter).toISOString(),
      fingerprint: certificate.fingerprint,
    });
    await this.#keep(domain.name, pem);
  }

  /** A certificate that cannot be kept is used all the same. */
  async #keep(name: string, pem: Pem): Promise<void> {
    try {
      await this.#store.keep(name, pem);
    } catch (error) {
      this.#parts.log.error("Cannot keep a certificate: the next start must get another", {
        domain: name,
        error: describeFileError(error, "--allow-write for tls.dir"),
      });
    }
  }

  #postpone(domain: Domain, error: unknown): void {
    const { runtime, log } = this.#parts;
    this.#client.forget();
    const own = Math.min(RETRY_MILLIS * 3 ** domain.failures, RETRY_MILLIS_MAX);
    const wanted = (error instanceof AcmeError ? error.retryAfterMillis : undefined) ?? 0;
    const millis = Math.max(
      own * (1 + this.#chance() / 10),
      Math.min(wanted, RETRY_AFTER_MILLIS_MAX),
    );
    domain.failures++;
    domain.due = runtime.wallClock() + millis;
    log.error("Cannot get a certificate", {
      domain: domain.name,
      error: error instanceof Error ? error.message : String(error),
      advice:
        error instanceof AcmeError && NOT_REACHED.has(error.type)
          ? `TCP port 443 of ${domain.name} must lead to this server, which ends TLS itself`
          : undefined,
      again: `in ${Math.round(millis / 1000)} s`,
      until: domain.certificate && new Date(domain.certificate.notAfter).toISOString(),
    });
  }

  /** When a third of its life is left, and a little before, so that not everybody comes at once. */
  #dueOf({ notBefore, notAfter }: Certificate): number {
    const life = notAfter - notBefore;
    return notAfter - life / 3 - (this.#chance() * life) / 30;
  }

  /** 0 to 1. */
  #chance(): number {
    const [high = 0, low = 0] = this.#parts.runtime.crypto.random(2);
    return (high * 256 + low) / 65_536;
  }

  #show(domain: string, validation: ValidationCertificate): Disposable {
    this.#challenges.set(domain, validation);
    return { [Symbol.dispose]: () => void this.#challenges.delete(domain) };
  }

  /** Never ends after `close`. */
  #pause(millis: number): Promise<void> {
    const { runtime } = this.#parts;
    return new Promise((wake) => {
      this.#timer = runtime.wakeAt(runtime.now() + millis, wake);
      if (this.#ends.signal.aborted) this.#timer[Symbol.dispose]();
    });
  }
}

function invalid(message: string): MonoportError {
  return new MonoportError("config-invalid", message);
}
