import type { HashName } from "../../../base/mod.ts";
import { CipherSuite } from "../../../wire/dtls/mod.ts";

/** What a cipher suite stands for. All are ECDHE with AES-GCM (RFC 5289). */
export interface Suite {
  readonly id: number;
  /** Kind of the server's certificate. */
  readonly keyType: "ec" | "rsa";
  /** Of the PRF, and so of the Finished messages. */
  readonly hash: HashName;
  readonly keyBytes: 16 | 32;
}

/** Ours, best first: AES-128 is the one every WebRTC peer has, and the cheaper one. */
export const SUITES: readonly Suite[] = [
  {
    id: CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    keyType: "ec",
    hash: "sha256",
    keyBytes: 16,
  },
  {
    id: CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    keyType: "rsa",
    hash: "sha256",
    keyBytes: 16,
  },
  {
    id: CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    keyType: "ec",
    hash: "sha384",
    keyBytes: 32,
  },
  {
    id: CipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    keyType: "rsa",
    hash: "sha384",
    keyBytes: 32,
  },
];
