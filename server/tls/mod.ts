/** Certificates for TLS on the shared port. @module */
export { type Certificates, openCertificates } from "./certificates.ts";
