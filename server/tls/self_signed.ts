/** The certificate that is made when none is configured. @module */
import { X509Certificate } from "@peculiar/x509";
import { MonoportError, type Runtime } from "../../core/base/mod.ts";
import { parseCandidate } from "../candidates/candidates.ts";
import { makeCertificate } from "../certificates.ts";
import type { Config } from "../config/config.ts";
import { describeFileError, isMissing, isNotAllowed } from "../file_error.ts";
import type { Log } from "../log.ts";
import { type Certificate, certificateOf } from "./certificate.ts";
import { encodeChain, encodeKey, type Pem, splitPem } from "./pem.ts";

/** Safari refuses a longer validity. */
const VALID_DAYS = 825;
/** With less left than this a certificate is replaced. */
const LEFT_MILLIS = 30 * 86_400_000;
/** Certificate and key in one file, so that they are replaced together. */
const FILE_NAME = "self_signed.pem";

/** How often it is looked at whether the end is near. */
const LOOK_MILLIS = 6 * 3_600_000;

/** A self-signed certificate that is replaced before it ends. */
export class OwnCertificate {
  readonly #runtime: Runtime;
  readonly #config: Config;
  readonly #log: Log;
  #certificate: Certificate;
  #timer: Disposable | undefined;
  #closed = false;

  /** @throws {MonoportError} as `selfSigned`. */
  static async open(runtime: Runtime, config: Config, log: Log): Promise<OwnCertificate> {
    const certificate = await certificateOf(runtime, await selfSigned(runtime, config));
    return new OwnCertificate(runtime, config, log, certificate);
  }

  private constructor(runtime: Runtime, config: Config, log: Log, certificate: Certificate) {
    this.#runtime = runtime;
    this.#config = config;
    this.#log = log;
    this.#certificate = certificate;
    this.#sleep();
  }

  get certificate(): Certificate {
    return this.#certificate;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.[Symbol.dispose]();
  }

  #sleep(): void {
    if (this.#closed) return;
    this.#timer = this.#runtime.wakeAt(this.#runtime.now() + LOOK_MILLIS, () => {
      this.#look().finally(() => this.#sleep());
    });
  }

  async #look(): Promise<void> {
    if (this.#certificate.notAfter - this.#runtime.wallClock() > LEFT_MILLIS) return;
    try {
      const pem = await selfSigned(this.#runtime, this.#config);
      this.#certificate = await certificateOf(this.#runtime, pem);
      const { fingerprint } = this.#certificate;
      this.#log.info("Replaced the self-signed certificate before its end", { fingerprint });
    } catch (error) {
      this.#log.error("Cannot replace the self-signed certificate", { error: String(error) });
    }
  }
}

/**
 * The kept certificate of `tls.dir`, or a new one that is kept there.
 *
 * @throws {MonoportError} `config-invalid` or `permission-missing` when the folder cannot be used.
 */
async function selfSigned(runtime: Runtime, config: Config): Promise<Pem> {
  const folder = config["tls.dir"];
  if (folder === "") return await makePem(runtime, config);
  const path = `${folder.replace(/\/+$/, "")}/${FILE_NAME}`;
  try {
    const kept = await readKept(runtime, path);
    if (kept !== undefined) return kept;
    const pem = await makePem(runtime, config);
    await runtime.files.makeDir(folder);
    await runtime.files.write(path, new TextEncoder().encode(pem.chain + pem.key), 0o600);
    return pem;
  } catch (error) {
    throw new MonoportError(
      isNotAllowed(error) ? "permission-missing" : "config-invalid",
      `tls.dir: cannot keep a certificate in ${JSON.stringify(folder)}: ${describeFileError(error, "--allow-read and --allow-write for it")}`,
    );
  }
}

/** `undefined` when there is none that will do. */
async function readKept(runtime: Runtime, path: string): Promise<Pem | undefined> {
  let text: string;
  try {
    text = new TextDecoder().decode(await runtime.files.read(path));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  const pem = splitPem(text);
  try {
    runtime.tlsContext(pem.chain, pem.key);
    const { notAfter } = new X509Certificate(pem.chain);
    return notAfter.getTime() - runtime.wallClock() > LEFT_MILLIS ? pem : undefined;
  } catch {
    return undefined;
  }
}

async function makePem(runtime: Runtime, config: Config): Promise<Pem> {
  const { chain, pkcs8 } = await makeCertificate({
    days: VALID_DAYS,
    names: namesOf(runtime, config),
    now: runtime.wallClock(),
  });
  return { chain: encodeChain(chain), key: encodeKey(pkcs8) };
}

/** Everything people may call this machine by. */
function namesOf(runtime: Runtime, config: Config): string[] {
  const configured = config["rtc_server.candidate"]
    .filter((one) => one !== "*")
    .map((one) => parseCandidate(one)?.host ?? "");
  const found = runtime.interfaces().map(({ address }) => address.replace(/%.*$/, ""));
  const names = ["localhost", "127.0.0.1", "::1", ...configured, ...found];
  return [...new Set(names.filter((name) => name !== ""))];
}
