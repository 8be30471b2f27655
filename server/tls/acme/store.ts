/** What ACME keeps in `tls.dir`: the account's key, and per domain certificate and key. @module */
import { PemConverter } from "@peculiar/x509";
import type { Files } from "../../../core/base/mod.ts";
import { isMissing } from "../../file_error.ts";
import { encodeKey, type Pem, splitPem } from "../pem.ts";
import { AccountKey } from "./account_key.ts";

const SECRET = 0o600;

export class AcmeStore {
  readonly #files: Files;
  readonly #folder: string;
  /** First line of a kept certificate: one of a test CA does not stand in for the real one's. */
  readonly #origin: string;

  constructor(files: Files, folder: string, directory: string) {
    this.#files = files;
    this.#folder = folder.replace(/\/+$/, "");
    this.#origin = `${directory}\n`;
  }

  /**
   * The account's key, made when there is none. Rejects when the folder cannot be used or the file
   * is no key.
   */
  async accountKey(): Promise<AccountKey> {
    const path = `${this.#folder}/acme_account.pem`;
    const kept = await this.#read(path);
    if (kept !== undefined) {
      const [der] = PemConverter.decode(kept);
      if (der === undefined) throw new Error(`there is no key in ${path}`);
      return await AccountKey.open(new Uint8Array(der));
    }
    const pkcs8 = await AccountKey.make();
    await this.#write(path, encodeKey(pkcs8));
    return await AccountKey.open(pkcs8);
  }

  /** `undefined` when there is none of this CA. */
  async certificate(domain: string): Promise<Pem | undefined> {
    const text = await this.#read(this.#pathOf(domain));
    if (text?.startsWith(this.#origin) !== true) return undefined;
    return splitPem(text.slice(this.#origin.length));
  }

  async keep(domain: string, { chain, key }: Pem): Promise<void> {
    await this.#write(this.#pathOf(domain), `${this.#origin}${chain.trimEnd()}\n${key}`);
  }

  #pathOf(domain: string): string {
    return `${this.#folder}/acme_${domain}.pem`;
  }

  async #read(path: string): Promise<string | undefined> {
    try {
      return new TextDecoder().decode(await this.#files.read(path));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async #write(path: string, text: string): Promise<void> {
    await this.#files.makeDir(this.#folder);
    await this.#files.write(path, new TextEncoder().encode(text), SECRET);
  }
}
