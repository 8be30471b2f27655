/** Certificates of a day for tests, made by OpenSSL. @module */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

export interface Issued extends Pem {
  /** The authority's own. */
  readonly ca: string;
}

/** An authority, and a certificate of it for `names.test` and 127.0.0.1. */
export function issue(): Issued {
  const folder = mkdtempSync(join(tmpdir(), "monoport-ca-"));
  try {
    const at = (name: string): string => join(folder, name);
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    const openssl = (...args: string[]): void => {
      execFileSync("openssl", args, { stdio: "ignore" });
    };
    openssl(
      "req",
      "-x509",
      ...curve,
      "-days",
      "2",
      "-subj",
      "/CN=Test CA",
      "-keyout",
      at("ca.key"),
      "-out",
      at("ca"),
    );
    openssl("req", ...curve, "-subj", "/CN=names.test", "-keyout", at("key"), "-out", at("csr"));
    writeFileSync(at("ext"), "subjectAltName=DNS:names.test,IP:127.0.0.1\n");
    openssl(
      "x509",
      "-req",
      "-in",
      at("csr"),
      "-CA",
      at("ca"),
      "-CAkey",
      at("ca.key"),
      "-CAcreateserial",
      "-days",
      "2",
      "-extfile",
      at("ext"),
      "-out",
      at("certificate"),
    );
    const read = (name: string): string => readFileSync(at(name), "latin1");
    return { ca: read("ca"), certificate: read("certificate"), key: read("key") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
