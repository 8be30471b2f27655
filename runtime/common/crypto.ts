/**
 * Cryptography on node:crypto, the same code on Node, Deno and Bun.
 *
 * Node 20.19 has `crypto.hash`, one call without a hash object, so an HMAC is two such calls over
 * a kept buffer: cheaper than `createHmac` on all of them. They answer in hexadecimal: a string
 * costs Node and Deno half of what a Buffer of twenty bytes does.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import crypto from "node:crypto";
import type {
  AesEcb,
  AesGcm,
  CryptoProvider,
  EcdhGroup,
  EcdhKey,
  HashName,
  Hmac,
  PrivateKey,
  PublicKey,
  SignatureKind,
} from "../../core/base/crypto.ts";
import type { SrtpLanes } from "../../core/base/srtp_lanes.ts";
import { WasmSrtpLanes } from "./srtp_lanes.ts";

/** The native provider. */
export const nodeCrypto: CryptoProvider = {
  random: (size) => plain(crypto.randomBytes(size)),
  hash: hashParts,
  hmac,
  aesEcb,
  aesGcm,
  ecdh: (group) => ecdhKey(group),
  certificateKey,
  privateKey,
  equal: (a, b) => a.length === b.length && crypto.timingSafeEqual(a, b),
  srtpLanes,
};

const GCM_TAG_BYTES = 16;
const NOTHING = new Uint8Array(0);

/** A Buffer's `slice` shares memory, a Uint8Array's copies: nobody outside shall meet a Buffer. */
function plain(b: Uint8Array): Uint8Array {
  return new Uint8Array(b.buffer, b.byteOffset, b.length);
}

function hashParts(name: HashName, ...parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only) return plain(crypto.hash(name, only, "buffer"));
  const hash = crypto.createHash(name);
  for (const part of parts) hash.update(part);
  return plain(hash.digest());
}

let lanes: SrtpLanes | undefined;
let lanesOpened = false;

/** Opened with the first engine. */
function srtpLanes(): SrtpLanes | undefined {
  if (!lanesOpened) lanes = WasmSrtpLanes.open();
  lanesOpened = true;
  return lanes;
}

/** RFC 2104: H(K ^ opad, H(K ^ ipad, text)). */
function hmac(name: HashName, key: Uint8Array): Hmac {
  const blockBytes = name === "sha384" || name === "sha512" ? 128 : 64;
  const padded = new Uint8Array(blockBytes);
  padded.set(key.length > blockBytes ? crypto.hash(name, key, "buffer") : key);
  let inner = padded.map((b) => b ^ 0x36);
  const outer = new Uint8Array(blockBytes + crypto.hash(name, NOTHING, "buffer").length);
  outer.set(padded.map((b) => b ^ 0x5c));
  return {
    sign(...parts: readonly Uint8Array[]): Uint8Array {
      let end = blockBytes;
      for (const part of parts) end += part.length;
      if (end > inner.length) {
        const grown = new Uint8Array(end + 1024);
        grown.set(inner.subarray(0, blockBytes));
        inner = grown;
      }
      let at = blockBytes;
      for (const part of parts) {
        inner.set(part, at);
        at += part.length;
      }
      putHex(crypto.hash(name, inner.subarray(0, end), "hex"), outer, blockBytes);
      const mac = new Uint8Array(outer.length - blockBytes);
      putHex(crypto.hash(name, outer, "hex"), mac, 0);
      return mac;
    },
  };
}

/** `hex` is in lower case. */
function putHex(hex: string, out: Uint8Array, at: number): void {
  for (let i = 0; i < hex.length; i += 2) {
    out[at + (i >> 1)] = (nibble(hex.charCodeAt(i)) << 4) | nibble(hex.charCodeAt(i + 1));
  }
}

function nibble(code: number): number {
  return code < 0x3a ? code - 0x30 : code - 0x57;
}

function aesEcb(key: Uint8Array): AesEcb {
  const cipher = crypto.createCipheriv(`aes-${key.length * 8}-ecb`, key, null);
  cipher.setAutoPadding(false);
  return {
    encrypt: (blocks) => plain(cipher.update(blocks)),
    encryptInto(blocks: Uint8Array, target: Uint8Array, at: number): void {
      const made: Uint8Array = cipher.update(blocks);
      target.set(made, at);
      release(made);
    },
  };
}

/** Newer than Node 20. */
interface Transferable {
  transfer?(size: number): unknown;
}

/** Gives memory back at once, unless others share it: cheaper than leaving it to the collector. */
function release({ buffer, length }: Uint8Array): void {
  if (buffer.byteLength === length) (buffer as Transferable).transfer?.(0);
}

function aesGcm(key: Uint8Array): AesGcm {
  const name = key.length === 32 ? "aes-256-gcm" : "aes-128-gcm";
  const secret = crypto.createSecretKey(key);
  const options = { authTagLength: GCM_TAG_BYTES };
  // Only now would a key of a wrong length be noticed.
  crypto.createCipheriv(name, secret, new Uint8Array(12), options);
  return {
    seal(nonce: Uint8Array, additional: Uint8Array, plaintext: Uint8Array): Uint8Array {
      const cipher = crypto.createCipheriv(name, secret, nonce, options);
      cipher.setAAD(additional);
      const sealed = new Uint8Array(plaintext.length + GCM_TAG_BYTES);
      if (plaintext.length > 0) sealed.set(cipher.update(plaintext));
      cipher.final();
      sealed.set(cipher.getAuthTag(), plaintext.length);
      return sealed;
    },
    open(nonce: Uint8Array, additional: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
      const end = sealed.length - GCM_TAG_BYTES;
      if (end < 0) return undefined;
      try {
        const decipher = crypto.createDecipheriv(name, secret, nonce, options);
        decipher.setAAD(additional);
        decipher.setAuthTag(sealed.subarray(end));
        const plaintext = end > 0 ? plain(decipher.update(sealed.subarray(0, end))) : NOTHING;
        decipher.final();
        return plaintext;
      } catch {
        return undefined;
      }
    },
  };
}

/** A key pair; `privateKey` (32 bytes or the scalar) is for test vectors, else it is made anew. */
export function ecdhKey(group: EcdhGroup, privateKey?: Uint8Array): EcdhKey {
  return group === "x25519" ? x25519Key(privateKey) : nistKey(group, privateKey);
}

/** RFC 8410 SubjectPublicKeyInfo and PKCS #8 of X25519 up to the 32 bytes of the key. */
const X25519_SPKI = new Uint8Array([0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 3, 0x21, 0]);
const X25519_PKCS8 = new Uint8Array([
  0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20,
]);

function x25519Key(raw: Uint8Array | undefined): EcdhKey {
  const own =
    raw === undefined
      ? crypto.generateKeyPairSync("x25519").privateKey
      : crypto.createPrivateKey({ key: joined(X25519_PKCS8, raw), format: "der", type: "pkcs8" });
  const spki = crypto.createPublicKey(own).export({ format: "der", type: "spki" });
  return {
    publicKey: new Uint8Array(spki.subarray(-32)),
    derive(peer: Uint8Array): Uint8Array | undefined {
      if (peer.length !== 32) return undefined;
      try {
        const key = joined(X25519_SPKI, peer);
        const publicKey = crypto.createPublicKey({ key, format: "der", type: "spki" });
        const secret = plain(crypto.diffieHellman({ privateKey: own, publicKey }));
        // RFC 7748 §6.1; the libraries below check too, but none promises it.
        return secret.some((b) => b !== 0) ? secret : undefined;
      } catch {
        return undefined;
      }
    },
  };
}

function nistKey(group: "secp256r1" | "secp384r1", raw: Uint8Array | undefined): EcdhKey {
  const own = crypto.createECDH(group === "secp256r1" ? "prime256v1" : group);
  if (raw === undefined) own.generateKeys();
  else own.setPrivateKey(raw);
  const pointBytes = group === "secp256r1" ? 65 : 97;
  return {
    publicKey: plain(own.getPublicKey()),
    derive(peer: Uint8Array): Uint8Array | undefined {
      // Node takes compressed and hybrid points too; TLS allows only uncompressed ones (RFC 8422
      // §5.4.1).
      if (peer.length !== pointBytes || peer[0] !== 4) return undefined;
      try {
        return plain(own.computeSecret(peer));
      } catch {
        return undefined;
      }
    },
  };
}

function joined(a: Uint8Array, b: Uint8Array): Buffer {
  return Buffer.concat([a, b]);
}

function certificateKey(der: Uint8Array): PublicKey | undefined {
  // Node would take PEM and trailing bytes too.
  if (!isOneSequence(der)) return undefined;
  try {
    const key = new crypto.X509Certificate(der).publicKey;
    const kind = kindOf(key);
    if (kind === undefined) return undefined;
    const { type } = kind;
    return {
      ...kind,
      verify(kind: SignatureKind, hash: HashName, data: Uint8Array, signature: Uint8Array) {
        if ((kind === "ecdsa") !== (type === "ec")) return false;
        try {
          return crypto.verify(hash, data, { key, ...signing(kind) }, signature);
        } catch {
          return false;
        }
      },
    };
  } catch {
    return undefined;
  }
}

function privateKey(pkcs8: Uint8Array): PrivateKey {
  const key = crypto.createPrivateKey({ key: Buffer.from(pkcs8), format: "der", type: "pkcs8" });
  const kind = kindOf(key);
  if (kind === undefined) throw new TypeError(`Not a usable key: ${key.asymmetricKeyType}`);
  const { type } = kind;
  return {
    type,
    sign(kind: SignatureKind, hash: HashName, data: Uint8Array): Uint8Array {
      if ((kind === "ecdsa") !== (type === "ec")) throw new TypeError(`${type} cannot do ${kind}`);
      return plain(crypto.sign(hash, data, { key, ...signing(kind) }));
    },
  };
}

function signing(kind: SignatureKind): crypto.SigningOptions {
  if (kind === "ecdsa") return { dsaEncoding: "der" };
  if (kind === "rsa-pkcs1") return { padding: crypto.constants.RSA_PKCS1_PADDING };
  return {
    padding: crypto.constants.RSA_PKCS1_PSS_PADDING,
    saltLength: crypto.constants.RSA_PSS_SALTLEN_DIGEST,
  };
}

interface KeyKind {
  readonly type: "ec" | "rsa";
  readonly curve?: string;
  readonly modulusBits?: number;
}

/** Curves by their SEC 2 names. */
const CURVES: Readonly<Record<string, string>> = {
  prime256v1: "secp256r1",
  secp384r1: "secp384r1",
  secp521r1: "secp521r1",
};

/** What all three runtimes can do: `rsa-pss` keys and other curves are refused everywhere. */
function kindOf(key: crypto.KeyObject): KeyKind | undefined {
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === "ec") {
    const curve = CURVES[details?.namedCurve ?? ""];
    return curve === undefined ? undefined : { type: "ec", curve };
  }
  if (key.asymmetricKeyType !== "rsa") return undefined;
  const modulusBits = details?.modulusLength;
  return modulusBits === undefined ? { type: "rsa" } : { type: "rsa", modulusBits };
}

/** Whether `der` is one definite-length SEQUENCE and nothing behind it (X.690 §8.1.3). */
function isOneSequence(der: Uint8Array): boolean {
  const [tag, first = 0] = der;
  if (tag !== 0x30) return false;
  if (first < 0x80) return der.length === 2 + first;
  const size = first & 0x7f;
  if (size < 1 || size > 3 || der.length < 2 + size) return false;
  let length = 0;
  for (const byte of der.subarray(2, 2 + size)) length = length * 256 + byte;
  return der.length === 2 + size + length;
}
