/**
 * DTLS 1.2 (RFC 6347) records, handshake messages and extensions: bytes to values and back.
 *
 * @module
 */
export * from "./alert.ts";
export * from "./certificate.ts";
export * from "./extension.ts";
export * from "./faults.ts";
export * from "./handshake.ts";
export * from "./hello.ts";
export * from "./key_exchange.ts";
export * from "./record.ts";
export * from "./registry.ts";
