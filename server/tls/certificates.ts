/**
 * The certificates of TLS: from files, which are read again when they change, or a self-signed one.
 *
 * @module
 */
import "reflect-metadata"; // x509 asks for it, and must be loaded after it
import { SubjectAlternativeNameExtension, X509Certificate } from "@peculiar/x509";
import { MonoportError, type Runtime, type TlsContext } from "../../core/base/mod.ts";
import { fingerprintOf } from "../certificates.ts";
import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
import { describeFileError, isNotAllowed } from "./file_error.ts";
import { type Pem, selfSigned } from "./self_signed.ts";

/** How often files are looked at; one that changed is read when it has been still for as long. */
const POLL_MILLIS = 1000;

type Prefix = "http_api.https" | "http_server.https";
const PREFIXES: readonly Prefix[] = ["http_api.https", "http_server.https"];

/** A certificate and its key, and the setting that named them. */
interface Files {
  readonly prefix: Prefix;
  readonly cert: string;
  readonly key: string;
}

interface Certificate {
  readonly context: TlsContext;
  /** In lower case; `*.` stands for one label. */
  readonly names: readonly string[];
  readonly fingerprint: string;
}

/** One pair of files in use. */
interface Watched {
  readonly files: Files;
  certificate: Certificate;
  /** Size and time of both files when they were last read, and when they were last looked at. */
  read: string;
  seen: string;
}

/** Whether any listener is to speak TLS. */
function servesTls(config: Config): boolean {
  return PREFIXES.some((prefix) => config[`${prefix}.enabled`]);
}

/**
 * Reads what is configured; `undefined` when TLS is off.
 *
 * @throws {MonoportError} `config-invalid` or `permission-missing`; the message names the setting.
 */
export async function openCertificates(
  runtime: Runtime,
  config: Config,
  log: Log,
): Promise<Certificates | undefined> {
  if (!servesTls(config)) return undefined;
  const pairs = pairsOf(config);
  if (pairs.length > 0) {
    const watched: Watched[] = [];
    for (const files of pairs) {
      const read = await stampOf(runtime, files);
      watched.push({ files, certificate: await readPair(runtime, files), read, seen: read });
    }
    return new Certificates(runtime, log, watched, undefined);
  }
  const pem = await selfSigned(runtime, config);
  return new Certificates(runtime, log, [], await certificateOf(runtime, pem));
}

export class Certificates {
  /** The first certificate's SHA-256, as in `a=fingerprint`. */
  readonly fingerprint: string;
  readonly selfSigned: boolean;
  readonly #runtime: Runtime;
  readonly #log: Log;
  readonly #watched: readonly Watched[];
  readonly #own: Certificate | undefined;
  #poll: Disposable | undefined;
  #closed = false;

  constructor(
    runtime: Runtime,
    log: Log,
    watched: readonly Watched[],
    own: Certificate | undefined,
  ) {
    this.#runtime = runtime;
    this.#log = log;
    this.#watched = watched;
    this.#own = own;
    this.selfSigned = own !== undefined;
    this.fingerprint = (own ?? watched[0]?.certificate)?.fingerprint ?? "";
    if (watched.length > 0) this.#sleep();
  }

  /** The certificate for a server name: by that very name, by a wildcard, else the first. */
  contextFor(serverName: string | undefined): TlsContext {
    const all = this.#own ? [this.#own] : this.#watched.map(({ certificate }) => certificate);
    const parent = serverName?.replace(/^[^.]*/, "*");
    const found =
      all.find(({ names }) => names.some((name) => name === serverName)) ??
      all.find(({ names }) => names.some((name) => name === parent)) ??
      all[0];
    if (found === undefined) throw new MonoportError("api-misuse", "There is no certificate");
    return found.context;
  }

  close(): void {
    this.#closed = true;
    this.#poll?.[Symbol.dispose]();
  }

  #sleep(): void {
    if (this.#closed) return;
    this.#poll = this.#runtime.wakeAt(this.#runtime.now() + POLL_MILLIS, () => {
      this.#look().finally(() => this.#sleep());
    });
  }

  async #look(): Promise<void> {
    for (const one of this.#watched) {
      const stamp = await stampOf(this.#runtime, one.files);
      const still = stamp === one.seen;
      one.seen = stamp;
      // A key and its certificate are not replaced at the same moment.
      if (stamp !== one.read && still) {
        one.read = stamp;
        await this.#reload(one);
      }
    }
  }

  async #reload(one: Watched): Promise<void> {
    const { cert } = one.files;
    try {
      one.certificate = await readPair(this.#runtime, one.files);
      const { fingerprint } = one.certificate;
      this.#log.info("Read a changed certificate", { cert, fingerprint });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#log.error("Cannot use a changed certificate; the old one stays", {
        cert,
        error: message,
      });
    }
  }
}

function pairsOf(config: Config): Files[] {
  const pairs = new Map<string, Files>();
  for (const prefix of PREFIXES) {
    if (!config[`${prefix}.enabled`]) continue;
    const certs = config[`${prefix}.cert`];
    const keys = config[`${prefix}.key`];
    if (certs.length !== keys.length) {
      throw new MonoportError(
        "config-invalid",
        `${prefix}.cert, ${prefix}.key: there must be as many certificates as keys, not ${certs.length} and ${keys.length}`,
      );
    }
    certs.forEach((cert, i) => {
      const key = keys[i] ?? "";
      pairs.set(`${cert} ${key}`, { prefix, cert, key });
    });
  }
  return [...pairs.values()];
}

/** Changes when one of the files does. */
async function stampOf(runtime: Runtime, { cert, key }: Files): Promise<string> {
  const stamps: string[] = [];
  for (const path of [cert, key]) {
    try {
      const stat = await runtime.files.stat(path);
      stamps.push(stat === undefined ? "missing" : `${stat.size} ${stat.modified}`);
    } catch {
      stamps.push("unreadable");
    }
  }
  return stamps.join(", ");
}

async function readPair(runtime: Runtime, { prefix, cert, key }: Files): Promise<Certificate> {
  const pem = {
    chain: await readText(runtime, `${prefix}.cert`, cert),
    key: await readText(runtime, `${prefix}.key`, key),
  };
  try {
    return await certificateOf(runtime, pem);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new MonoportError(
      "config-invalid",
      `${prefix}.cert, ${prefix}.key: cannot use ${JSON.stringify(cert)} with ${JSON.stringify(key)}: ${message}`,
    );
  }
}

async function readText(runtime: Runtime, setting: string, path: string): Promise<string> {
  try {
    return new TextDecoder().decode(await runtime.files.read(path));
  } catch (error) {
    throw new MonoportError(
      isNotAllowed(error) ? "permission-missing" : "config-invalid",
      `${setting}: cannot read ${JSON.stringify(path)}: ${describeFileError(error, `--allow-read=${path}`)}`,
    );
  }
}

async function certificateOf(runtime: Runtime, pem: Pem): Promise<Certificate> {
  const context = runtime.tlsContext(pem.chain, pem.key);
  const certificate = new X509Certificate(pem.chain);
  return {
    context,
    names: namesOf(certificate),
    fingerprint: await fingerprintOf(new Uint8Array(certificate.rawData)),
  };
}

/** The DNS names of subjectAltName; without that extension the common name. */
function namesOf(certificate: X509Certificate): string[] {
  const alternatives = certificate.getExtension(SubjectAlternativeNameExtension);
  const names =
    alternatives?.names.items.filter(({ type }) => type === "dns").map(({ value }) => value) ??
    certificate.subjectName.getField("CN");
  return names.map((name) => name.toLowerCase());
}
