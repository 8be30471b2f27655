/** Certificates of files, which are read again when they change. @module */
import { MonoportError, type Runtime } from "../../core/base/mod.ts";
import type { Config } from "../config/config.ts";
import { describeFileError, isNotAllowed } from "../file_error.ts";
import type { Log } from "../log.ts";
import { type Certificate, certificateOf } from "./certificate.ts";

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

/** One pair of files in use. */
interface Watched {
  readonly files: Files;
  certificate: Certificate;
  /** Size and time of both files when they were last read, and when they were last looked at. */
  read: string;
  seen: string;
}

/** Whether a setting turns TLS on by itself. */
export function httpsEnabled(config: Config): boolean {
  return PREFIXES.some((prefix) => config[`${prefix}.enabled`]);
}

/**
 * Reads what is configured.
 *
 * @throws {MonoportError} `config-invalid` or `permission-missing`; the message names the setting.
 */
export async function openFiles(
  runtime: Runtime,
  config: Config,
  log: Log,
): Promise<CertificateFiles> {
  const watched: Watched[] = [];
  for (const files of pairsOf(config)) {
    const read = await stampOf(runtime, files);
    watched.push({ files, certificate: await readPair(runtime, files), read, seen: read });
  }
  return new CertificateFiles(runtime, log, watched);
}

export class CertificateFiles {
  readonly #runtime: Runtime;
  readonly #log: Log;
  readonly #watched: readonly Watched[];
  #poll: Disposable | undefined;
  #closed = false;

  constructor(runtime: Runtime, log: Log, watched: readonly Watched[]) {
    this.#runtime = runtime;
    this.#log = log;
    this.#watched = watched;
    if (watched.length > 0) this.#sleep();
  }

  /** In the order of the settings. */
  get certificates(): readonly Certificate[] {
    return this.#watched.map(({ certificate }) => certificate);
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
    const message =
      noPem(cert, pem.chain, "CERTIFICATE") ?? noPem(key, pem.key, "PRIVATE KEY") ?? wordsOf(error);
    throw new MonoportError(
      "config-invalid",
      `${prefix}.cert, ${prefix}.key: cannot use ${JSON.stringify(cert)} with ${JSON.stringify(key)}: ${message}`,
    );
  }
}

/** What OpenSSL calls `no start line`. */
function noPem(path: string, text: string, label: string): string | undefined {
  return new RegExp(`^-----BEGIN [A-Z0-9 ]*${label}-----`, "m").test(text)
    ? undefined
    : `there is no "-----BEGIN ${label}-----" in ${JSON.stringify(path)}`;
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
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
