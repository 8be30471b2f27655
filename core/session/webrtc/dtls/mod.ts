/**
 * DTLS 1.2 for WebRTC (RFC 6347, RFC 5764, RFC 8827 §6.5), as a machine. Where the standards leave
 * a choice:
 *
 * - Extended master secret is used when the peer has it. A peer without is taken: what RFC 7627
 *   guards against needs a peer that can force a secret, which named curves with checked points do
 *   not allow.
 * - Over UDP a plaintext alert or a bad handshake message ends the handshake only when the peer has
 *   not gone on for 3 s, since anybody can forge one; over TCP the pair is authenticated, and it
 *   ends at once.
 * - No sessions to resume, no renegotiation, no compression, no DTLS 1.0, no SHA-1.
 * - ChangeCipherSpec alone changes nothing; epoch 1 is read after CertificateVerify was right.
 *
 * @module
 */
export type { CookieOptions } from "./cookie.ts";
export { DtlsEndpoint } from "./endpoint.ts";
export type { DtlsCertificate } from "./exchange.ts";
export type { Fingerprint } from "./identity.ts";
export {
  DEFAULT_HANDSHAKE_MILLIS,
  DEFAULT_MTU,
  type DtlsCounters,
  type DtlsEvent,
  type DtlsNetwork,
  type DtlsOptions,
  type DtlsRole,
  MIN_MTU,
} from "./options.ts";
