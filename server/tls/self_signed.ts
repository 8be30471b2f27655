/** The certificate that is made when none is configured. @module */
import { PemConverter, X509Certificate } from "@peculiar/x509";
import { MonoportError, type Runtime } from "../../core/base/mod.ts";
import { parseCandidate } from "../candidates.ts";
import { makeCertificate } from "../certificates.ts";
import type { Config } from "../config.ts";
import { describeFileError, isMissing, isNotAllowed } from "./file_error.ts";

/** Certificate chain and private key. */
export interface Pem {
  readonly chain: string;
  readonly key: string;
}

/** Safari refuses a longer validity. */
const VALID_DAYS = 825;
/** With less left than this a kept certificate is replaced at the start. */
const LEFT_MILLIS: number = 30 * 86_400_000;
/** Certificate and key in one file, so that they are replaced together. */
const FILE_NAME = "self_signed.pem";
const KEY_LABEL = "PRIVATE KEY";

/**
 * The kept certificate of `tls.dir`, or a new one that is kept there.
 *
 * @throws {MonoportError} `config-invalid` or `permission-missing` when the folder cannot be used.
 */
export async function selfSigned(runtime: Runtime, config: Config): Promise<Pem> {
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
  const keyAt = text.indexOf(`-----BEGIN ${KEY_LABEL}`);
  const pem = { chain: text.slice(0, Math.max(keyAt, 0)), key: text.slice(Math.max(keyAt, 0)) };
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
  });
  return {
    chain: `${PemConverter.encode(
      chain.map((der) => der.slice().buffer),
      "CERTIFICATE",
    )}\n`,
    key: `${PemConverter.encode(pkcs8.slice().buffer, KEY_LABEL)}\n`,
  };
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
