/**
 * The certificates of TLS: of files, of a CA by ACME, or a self-signed one.
 *
 * @module
 */
import { MonoportError, type TlsContext } from "../../core/base/mod.ts";
import type { ValidationCertificate } from "../../core/session/acme_tls/mod.ts";
import type { ClientHello } from "../../core/wire/clienthello/mod.ts";
import { ACME_TLS, type Acme, type AcmeParts, openAcme } from "./acme/mod.ts";
import type { Certificate } from "./certificate.ts";
import { type CertificateFiles, httpsEnabled, openFiles } from "./certificate_files.ts";
import { OwnCertificate } from "./self_signed.ts";

/** What ALPN may agree on, best first; who offers nothing by ALPN gets the same. */
const SERVED: readonly string[] = ["http/1.1", "http/1.0"];

/** How a ClientHello is answered: by TLS, or, to a CA that validates a domain, as it wants. */
export type TlsChoice =
  | { readonly context: TlsContext; readonly alpn: readonly string[] }
  | { readonly validation: ValidationCertificate };

/**
 * Reads what is configured; `undefined` when TLS is off.
 *
 * @throws {MonoportError} `config-invalid` or `permission-missing`; the message names the setting.
 */
export async function openCertificates(parts: AcmeParts): Promise<Certificates | undefined> {
  const { runtime, config, log } = parts;
  const acme = await openAcme(parts);
  if (acme === undefined && !httpsEnabled(config)) return undefined;
  const files = await openFiles(runtime, config, log);
  const own =
    files.certificates.length > 0 ? undefined : await OwnCertificate.open(runtime, config, log);
  const certificates = new Certificates(files, acme, own);
  parts.metrics.gauge(
    "monoport_tls_not_after_seconds",
    "When the first TLS certificate ends, in seconds since the Unix epoch",
    () => certificates.notAfter / 1000,
  );
  return certificates;
}

export class Certificates {
  readonly #files: CertificateFiles;
  readonly #acme: Acme | undefined;
  readonly #own: OwnCertificate | undefined;

  constructor(files: CertificateFiles, acme: Acme | undefined, own: OwnCertificate | undefined) {
    this.#files = files;
    this.#acme = acme;
    this.#own = own;
  }

  /** SHA-256 of the certificate for those who name no server, as in `a=fingerprint`. */
  get fingerprint(): string {
    return this.#first.fingerprint;
  }

  /** Whether that one was made here. */
  get selfSigned(): boolean {
    return this.#first === this.#own?.certificate;
  }

  /** When the first of all certificates ends, in ms since the Unix epoch. */
  get notAfter(): number {
    return Math.min(...this.#all.map(({ notAfter }) => notAfter));
  }

  /** Begins to ask a CA; the port must be listened on by now. */
  start(): void {
    this.#acme?.start();
  }

  /** `undefined`: the client offers only protocols that are not served (RFC 7301 §3.2). */
  choose({ serverName, alpn }: ClientHello): TlsChoice | undefined {
    if (alpn.length === 0 || SERVED.some((one) => alpn.includes(one)))
      return { context: this.#contextFor(serverName), alpn: SERVED };
    const validates = alpn.length === 1 && alpn[0] === ACME_TLS;
    const validation = validates ? this.#acme?.challengeFor(serverName) : undefined;
    return validation && { validation };
  }

  close(): void {
    this.#files.close();
    this.#acme?.close();
    this.#own?.close();
  }

  /** The certificate for a server name: by that very name, by a wildcard, else the first. */
  #contextFor(serverName: string | undefined): TlsContext {
    const all = this.#all;
    const parent = serverName?.replace(/^[^.]*/, "*");
    const found =
      all.find(({ names }) => names.some((name) => name === serverName)) ??
      all.find(({ names }) => names.some((name) => name === parent));
    return (found ?? this.#first).context;
  }

  get #first(): Certificate {
    const [first] = this.#all;
    if (first === undefined) throw new MonoportError("api-misuse", "There is no certificate");
    return first;
  }

  get #all(): readonly Certificate[] {
    const given = [...this.#files.certificates, ...(this.#acme?.certificates ?? [])];
    return this.#own === undefined ? given : [...given, this.#own.certificate];
  }
}
