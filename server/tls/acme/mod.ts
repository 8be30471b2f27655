/** Certificates from a CA by ACME. @module */
export { type Acme, type AcmeParts, openAcme } from "./acme.ts";
export type { Fetch } from "./client.ts";
export { showValidation } from "./show.ts";
export { ACME_TLS } from "./validation.ts";
