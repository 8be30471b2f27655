/** DTLS 1.2 for WebRTC (RFC 6347, RFC 5764, RFC 8827 §6.5), as a machine. @module */
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
