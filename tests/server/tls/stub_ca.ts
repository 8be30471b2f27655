/**
 * A CA in the test's own process, as strict as RFC 8555 §6: every request is signed by the account,
 * names its URL, and spends a nonce. It validates with OpenSSL's client.
 *
 * @module
 */
import "reflect-metadata";
import { spawn } from "node:child_process";
import { createHash, createPublicKey, type KeyObject, verify, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { Crypto } from "@peculiar/webcrypto";
import {
  AuthorityKeyIdentifierExtension,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { need } from "../../tools.ts";

const HOST = "https://ca.example";
const ACME_IDENTIFIER = Buffer.from("06082b0601050507011f", "hex");

/** What it does otherwise than a good CA. */
export type Mood =
  | "good"
  | "no-tls-alpn"
  | "already-valid"
  | "order-invalid"
  | "never-done"
  | "other-name"
  | "other-key";

interface Jws {
  readonly protected: string;
  readonly payload: string;
  readonly signature: string;
}

export class StubCa {
  readonly directory: string = `${HOST}/directory`;
  mood: Mood;
  /** Complaints about requests that break RFC 8555. */
  readonly complaints: string[] = [];
  /** When it wants certificates renewed, from now on; absent: it does not say. */
  window: { readonly start: number; readonly end: number } | undefined;
  /** What new orders were said to replace. */
  readonly replaced: unknown[] = [];
  /** Whether it knows nothing of what an order replaces. */
  forgetful = false;
  /** Ids it was asked about. */
  readonly asked: string[] = [];
  /** Validations that were right. */
  validated = 0;
  readonly #port: () => number;
  readonly #nonces = new Set<string>();
  readonly #token = "dG9rZW4tb2YtdGhlLXN0dWI";
  #made = 0;
  #key: KeyObject | undefined;
  #jwk: Record<string, string> = {};
  #authorization = "pending";
  #order = "pending";
  #looks = 0;
  #chain = "";

  constructor(mood: Mood, port: () => number) {
    this.mood = mood;
    this.#port = port;
  }

  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const path = url.slice(HOST.length);
    if (init.method === "GET" && path.startsWith("/renewal/")) {
      this.asked.push(path.slice("/renewal/".length));
      const time = (at = 0): string => new Date(at).toISOString();
      const { start, end } = this.window ?? {};
      const suggestedWindow = { start: time(start), end: time(end) };
      return new Response(JSON.stringify({ suggestedWindow }), {
        headers: { "retry-after": "3600" },
      });
    }
    if (init.method === "GET") {
      const names = {
        newNonce: "nonce",
        newAccount: "account",
        newOrder: "orders",
        ...(this.window ? { renewalInfo: "renewal" } : {}),
      };
      const entries = Object.entries(names).map(([name, at]) => [name, `${HOST}/${at}`]);
      return this.#answer(200, Object.fromEntries(entries));
    }
    if (init.method === "HEAD") return this.#answer(200);
    const body = this.#checked(url, init);
    if (body === undefined) return this.#answer(400, { detail: this.complaints.at(-1) });
    return await this.#handle(path, body);
  };

  /** The payload of a request that is as it should be. */
  #checked(url: string, init: RequestInit): Record<string, unknown> | undefined {
    const jws = JSON.parse(String(init.body)) as Jws;
    const header = JSON.parse(Buffer.from(jws.protected, "base64url").toString());
    const complain = (what: string): undefined => void this.complaints.push(`${url}: ${what}`);
    if (new Headers(init.headers).get("content-type") !== "application/jose+json")
      return complain("content type");
    if (header.url !== url || header.alg !== "ES256") return complain("url or alg");
    if (!this.#nonces.delete(header.nonce)) return complain("nonce");
    if (url.endsWith("/account")) {
      this.#jwk = header.jwk;
      this.#key = createPublicKey({ key: header.jwk, format: "jwk" });
    } else if (header.kid !== `${HOST}/account/1` || header.jwk) return complain("kid");
    const signed = Buffer.from(`${jws.protected}.${jws.payload}`);
    const signature = Buffer.from(jws.signature, "base64url");
    const right =
      this.#key !== undefined &&
      verify("sha256", signed, { key: this.#key, dsaEncoding: "ieee-p1363" }, signature);
    if (!right) return complain("signature");
    return jws.payload === "" ? {} : JSON.parse(Buffer.from(jws.payload, "base64url").toString());
  }

  async #handle(path: string, body: Record<string, unknown>): Promise<Response> {
    switch (path) {
      case "/account":
        if (body["termsOfServiceAgreed"] !== true) this.complaints.push("terms");
        return this.#answer(201, { status: "valid" }, `${HOST}/account/1`);
      case "/orders":
        if (this.forgetful && "replaces" in body)
          return this.#answer(409, { type: "urn:ietf:params:acme:error:alreadyReplaced" });
        this.replaced.push(body["replaces"]);
        this.#order = "pending";
        this.#authorization = this.mood === "already-valid" ? "valid" : "pending";
        return this.#answer(201, this.#orderNow(), `${HOST}/order`);
      case "/authorization":
        return this.#answer(200, {
          status: this.#authorization,
          identifier: { type: "dns", value: "media.example" },
          challenges: [
            { type: "http-01", url: `${HOST}/other`, token: "x" },
            ...(this.mood === "no-tls-alpn"
              ? []
              : [{ type: "tls-alpn-01", url: `${HOST}/challenge`, token: this.#token }]),
          ],
        });
      case "/challenge":
        if (await this.validates("other.example")) this.complaints.push("shown to another name");
        if (await this.validates("media.example", "h2,acme-tls/1"))
          this.complaints.push("shown to other protocols");
        this.#authorization = (await this.validates()) ? "valid" : "invalid";
        return this.#answer(200, {});
      case "/finalize":
        this.#chain = await this.#issue(Buffer.from(String(body["csr"]), "base64url"));
        this.#order = this.mood === "order-invalid" ? "invalid" : "processing";
        return this.#answer(200, this.#orderNow());
      case "/order":
        return this.#answer(200, this.#orderNow());
      default:
        return new Response(this.#chain, { headers: { "replay-nonce": this.#nonce() } });
    }
  }

  #orderNow(): object {
    if (this.#order === "pending" && this.#authorization === "valid") this.#order = "ready";
    else if (this.#order === "processing" && this.mood !== "never-done" && ++this.#looks > 1)
      this.#order = "valid";
    return {
      status: this.#order,
      authorizations: [`${HOST}/authorization`],
      finalize: `${HOST}/finalize`,
      ...(this.#order === "valid" ? { certificate: `${HOST}/certificate` } : {}),
      ...(this.#order === "invalid"
        ? { error: { type: "urn:ietf:params:acme:error:badCSR", detail: "no" } }
        : {}),
    };
  }

  /** What RFC 8737 §3 asks of who validates. */
  async validates(name = "media.example", alpn = "acme-tls/1"): Promise<boolean> {
    const at = ["-connect", `127.0.0.1:${this.#port()}`, "-servername", name];
    const child = spawn(need("openssl"), ["s_client", ...at, "-alpn", alpn], {
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 10_000,
    });
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
    });
    await once(child, "close");
    const [pem] = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/.exec(text) ?? [];
    if (pem === undefined || !text.includes("ALPN protocol: acme-tls/1")) return false;
    const certificate = new X509Certificate(pem);
    const { crv, kty, x, y } = this.#jwk;
    const thumbprint = createHash("sha256").update(JSON.stringify({ crv, kty, x, y }));
    const authorization = `${this.#token}.${thumbprint.digest("base64url")}`;
    const digest = createHash("sha256").update(authorization).digest();
    // OID, critical, OCTET STRING of an OCTET STRING of the digest.
    const extension = Buffer.concat([
      ACME_IDENTIFIER,
      Buffer.from("0101ff04220420", "hex"),
      digest,
    ]);
    const right =
      certificate.subjectAltName === "DNS:media.example" &&
      Buffer.from(certificate.raw).includes(extension);
    if (right) this.validated++;
    return right;
  }

  async #issue(csr: Buffer): Promise<string> {
    const crypto = new Crypto();
    const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const request = new Pkcs10CertificateRequest(new Uint8Array(csr));
    const names = request.extensions.find((one) => one instanceof SubjectAlternativeNameExtension);
    if (!(await request.verify(crypto))) this.complaints.push("signature of the CSR");
    if (names?.names.items.map(({ value }) => value).join() !== "media.example")
      this.complaints.push("names of the CSR");
    const ca = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const name = this.mood === "other-name" ? "other.example" : "media.example";
    const certificate = await X509CertificateGenerator.create(
      {
        serialNumber: "87654321",
        subject: `CN=${name}`,
        issuer: "CN=Stub CA",
        notBefore: new Date(Date.now() - 1000),
        notAfter: new Date(Date.now() + 86_400_000),
        publicKey:
          this.mood === "other-key" ? ca.publicKey : await request.publicKey.export(crypto),
        signingKey: ca.privateKey,
        signingAlgorithm: algorithm,
        extensions: [
          new SubjectAlternativeNameExtension([{ type: "dns", value: name }]),
          new AuthorityKeyIdentifierExtension("69885b6b87464041e1b37b847ba0ae2cde01c8d4"),
        ],
      },
      crypto,
    );
    return `${certificate.toString("pem")}\n`;
  }

  #answer(status: number, body?: object, location?: string): Response {
    const headers = { "replay-nonce": this.#nonce(), ...(location ? { location } : {}) };
    return new Response(body === undefined ? null : JSON.stringify(body), { status, headers });
  }

  #nonce(): string {
    const nonce = `nonce-${this.#made++}`;
    this.#nonces.add(nonce);
    return nonce;
  }
}
