/** Certificates of a day for tests, made by OpenSSL. @module */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Pem {
  readonly certificate: string;
  readonly key: string;
}

/** Self-signed, P-256. */
export function makeCertificate(commonName: string): Pem {
  const folder = mkdtempSync(join(tmpdir(), "monoport-tls-"));
  try {
    const [certificate, key] = [join(folder, "certificate"), join(folder, "key")];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
    const args = ["req", "-x509", ...curve, "-nodes", "-days", "2", "-subj", `/CN=${commonName}`];
    execFileSync("openssl", [...args, "-keyout", key, "-out", certificate], { stdio: "ignore" });
    return {
      certificate: readFileSync(certificate, "latin1"),
      key: readFileSync(key, "latin1"),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
