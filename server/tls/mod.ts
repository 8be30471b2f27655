/** Certificates for TLS on the shared port. @module */
export { ACME_TLS, type Fetch, showValidation } from "./acme/mod.ts";
export { type Certificates, openCertificates, type TlsChoice } from "./certificates.ts";
