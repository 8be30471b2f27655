/** The TLS handshake by which a CA validates a domain. @module */
export { type ValidationCertificate, ValidationResponder } from "./responder.ts";
