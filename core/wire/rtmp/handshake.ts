/**
 * The handshake (RTMP 1.0 §5.2), and the one with digests that Flash Player 9 brought and encoders
 * still try first (never published; as librtmp and nginx-rtmp have it).
 *
 * ```
 *  C0, S0   1 byte   version 3
 *  C1, S1   1536     time (4), version (4; zero in the simple form), 1528 of random bytes
 *  C2, S2   1536     simple: the other side's C1 or S1 again
 *
 *  With digests, the 1528 bytes are a key block and a digest block of 764 each, in either order:
 *  digest block   offset (4; the sum of its bytes modulo 728 counts), then at 4 + offset:
 *                 HMAC-SHA256 over the other 1504 bytes of C1 or S1
 *  C2, S2         1504 random bytes, HMAC-SHA256 over them with a key made of the other's digest
 * ```
 *
 * @module
 */
import type { CryptoProvider } from "../../base/mod.ts";
import { latin1Bytes, u8, u32 } from "../../bytes/mod.ts";

export const RTMP_VERSION = 3;
/** Of C1, S1, C2 and S2. */
export const HANDSHAKE_BYTES = 1536;

const DIGEST_BYTES = 32;
const OFFSETS = 728;
const BLOCK_BYTES = 764;
/** Where the digest block begins: behind the key block, or right away. */
const DIGEST_BLOCKS = [8 + BLOCK_BYTES, 8] as const;

const PLAYER = "Genuine Adobe Flash Player 001";
const SERVER = "Genuine Adobe Flash Media Server 001";
const SUFFIX = Uint8Array.of(
  ...[0xf0, 0xee, 0xc2, 0x4a, 0x80, 0x68, 0xbe, 0xe8, 0x2e, 0x00, 0xd0, 0xd1, 0x02, 0x9e, 0x7e],
  ...[0x57, 0x6e, 0xec, 0x5d, 0x2d, 0x29, 0x80, 0x6f, 0xab, 0x93, 0xb8, 0xe6, 0x36, 0xcf, 0xeb],
  ...[0x31, 0xae],
);
/** What we call ourselves in S1 of the form with digests; any version above 3 will do. */
const SERVER_FORM = [4, 5, 0, 1] as const;

type Crypto = Pick<CryptoProvider, "hmac" | "random" | "equal">;

/** S0, S1 and S2 in one piece, for a whole C1. */
export function answerHandshake(c1: Uint8Array, crypto: Crypto): Uint8Array {
  const out = new Uint8Array(1 + 2 * HANDSHAKE_BYTES);
  out[0] = RTMP_VERSION;
  const s1 = out.subarray(1, 1 + HANDSHAKE_BYTES);
  const s2 = out.subarray(1 + HANDSHAKE_BYTES);
  s1.set(crypto.random(HANDSHAKE_BYTES - 8), 8);
  const block = u32(c1, 4) === 0 ? undefined : digestBlockOf(c1, PLAYER, crypto);
  if (block === undefined) {
    s2.set(c1.subarray(0, HANDSHAKE_BYTES));
    return out;
  }
  s1.set(SERVER_FORM, 4);
  putDigest(s1, block, SERVER, crypto);
  const at = digestAt(c1, block);
  s2.set(crypto.random(HANDSHAKE_BYTES - DIGEST_BYTES));
  const whole = keyOf(SERVER, true);
  const key = crypto.hmac("sha256", whole).sign(c1.subarray(at, at + DIGEST_BYTES));
  const proof = crypto.hmac("sha256", key).sign(s2.subarray(0, HANDSHAKE_BYTES - DIGEST_BYTES));
  s2.set(proof, HANDSHAKE_BYTES - DIGEST_BYTES);
  return out;
}

/** C0 and C1 of a client, with a digest or in the simple form. */
export function makeC0C1(crypto: Crypto, withDigest: boolean): Uint8Array {
  const out = new Uint8Array(1 + HANDSHAKE_BYTES);
  out[0] = RTMP_VERSION;
  const c1 = out.subarray(1);
  c1.set(crypto.random(HANDSHAKE_BYTES - 8), 8);
  if (withDigest) {
    c1.set([0x80, 0, 7, 2], 4);
    putDigest(c1, DIGEST_BLOCKS[0], PLAYER, crypto);
  }
  return out;
}

/** Whether S1 has a digest of a server; for tests and clients. */
export function hasServerDigest(s1: Uint8Array, crypto: Crypto): boolean {
  return digestBlockOf(s1, SERVER, crypto) !== undefined;
}

function putDigest(whole: Uint8Array, block: number, name: string, crypto: Crypto): void {
  whole.set(digestOf(whole, block, name, crypto), digestAt(whole, block));
}

/** Where the digest block is whose digest is right. */
function digestBlockOf(whole: Uint8Array, name: string, crypto: Crypto): number | undefined {
  return DIGEST_BLOCKS.find((block) => {
    const at = digestAt(whole, block);
    const digest = digestOf(whole, block, name, crypto);
    return crypto.equal(whole.subarray(at, at + DIGEST_BYTES), digest);
  });
}

function digestOf(whole: Uint8Array, block: number, name: string, crypto: Crypto): Uint8Array {
  const at = digestAt(whole, block);
  const hmac = crypto.hmac("sha256", keyOf(name, false));
  return hmac.sign(whole.subarray(0, at), whole.subarray(at + DIGEST_BYTES, HANDSHAKE_BYTES));
}

function digestAt(whole: Uint8Array, block: number): number {
  const sum = u8(whole, block) + u8(whole, block + 1) + u8(whole, block + 2) + u8(whole, block + 3);
  return block + 4 + (sum % OFFSETS);
}

function keyOf(name: string, whole: boolean): Uint8Array {
  const text = latin1Bytes(name);
  if (!whole) return text;
  const key = new Uint8Array(text.length + SUFFIX.length);
  key.set(text);
  key.set(SUFFIX, text.length);
  return key;
}
