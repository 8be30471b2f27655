/** OpenSSL's s_client and s_server as DTLS 1.2 peers. @module */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SrtpProfile } from "../../core/base/mod.ts";
import { pem, type TestCertificate } from "../certificate.ts";
import { need } from "../tools.ts";

const TIME_LIMIT_MILLIS = 25_000;

/** OpenSSL's names of the profiles, and the bytes to export for them. */
export const opensslProfiles: Readonly<Record<SrtpProfile, { name: string; bytes: number }>> = {
  SRTP_AES128_CM_HMAC_SHA1_80: { name: "SRTP_AES128_CM_SHA1_80", bytes: 60 },
  SRTP_AEAD_AES_128_GCM: { name: "SRTP_AEAD_AES_128_GCM", bytes: 56 },
  SRTP_AEAD_AES_256_GCM: { name: "SRTP_AEAD_AES_256_GCM", bytes: 88 },
};

export interface OpensslOptions {
  readonly certificate?: TestCertificate;
  /** Best first. */
  readonly profiles?: readonly SrtpProfile[];
  /** The one whose length of keys is exported; default the first. */
  readonly exported?: SrtpProfile;
  readonly extra?: readonly string[];
}

/** A running s_client or s_server. */
export class Openssl {
  #output = "";
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #exited: Promise<void>;
  #wake: () => void = () => {};

  constructor(command: readonly string[], options: OpensslOptions) {
    this.#folder = mkdtempSync(join(tmpdir(), "monoport-openssl-"));
    const args = [...command, "-dtls1_2", ...this.#arguments(options), ...(options.extra ?? [])];
    this.#child = spawn(need("openssl"), args, { stdio: ["pipe", "pipe", "pipe"] });
    const take = (chunk: Uint8Array): void => {
      this.#output += String(chunk);
      this.#wake();
    };
    this.#child.stdout?.on("data", take);
    this.#child.stderr?.on("data", take);
    this.#child.stdin?.on("error", () => {});
    this.#exited = new Promise((resolve) => this.#child.on("close", () => resolve()));
  }

  get output(): string {
    return this.#output;
  }

  /** Types something. */
  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Waits for a line; what its first group caught. */
  async prints(pattern: RegExp): Promise<string> {
    const limit = performance.now() + TIME_LIMIT_MILLIS;
    for (;;) {
      const found = pattern.exec(this.#output);
      if (found !== null) return found[1] ?? found[0];
      const left = limit - performance.now();
      if (left <= 0 || this.#child.exitCode !== null) {
        throw new Error(`openssl never printed ${pattern}:\n${this.#output}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(left, 200));
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** The UDP port an s_server with `-accept 127.0.0.1:0` got. */
  async acceptPort(): Promise<number> {
    return Number(await this.prints(/ACCEPT 127\.0\.0\.1:(\d+)/));
  }

  /** The exported keying material in lower-case hex. */
  async keyingMaterial(): Promise<string> {
    return (await this.prints(/Keying material: ([0-9A-F]+)\s/)).toLowerCase();
  }

  async stop(): Promise<void> {
    this.#child.stdin?.end();
    this.#child.kill("SIGKILL");
    await this.#exited;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #arguments(options: OpensslOptions): string[] {
    const args: string[] = [];
    const { certificate, profiles } = options;
    if (certificate !== undefined) {
      const [own, ...others] = certificate.chain;
      args.push("-cert", this.#file("own.crt", own === undefined ? "" : pem("CERTIFICATE", own)));
      args.push("-key", this.#file("own.key", pem("PRIVATE KEY", certificate.pkcs8)));
      const rest = others.map((der) => pem("CERTIFICATE", der)).join("");
      if (rest !== "") args.push("-cert_chain", this.#file("chain.crt", rest));
    }
    if (profiles !== undefined && profiles[0] !== undefined) {
      const { bytes } = opensslProfiles[options.exported ?? profiles[0]];
      args.push("-use_srtp", profiles.map((profile) => opensslProfiles[profile].name).join(":"));
      args.push("-keymatexport", "EXTRACTOR-dtls_srtp", "-keymatexportlen", String(bytes));
    }
    return args;
  }

  #file(name: string, text: string): string {
    const path = join(this.#folder, name);
    writeFileSync(path, text);
    return path;
  }
}
