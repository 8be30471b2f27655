/** Integers, text, checksums, IP addresses in byte arrays; knows no protocol. @module */
export * from "./be.ts";
export * from "./bits.ts";
export * from "./concat.ts";
export * from "./crc32.ts";
export * from "./ip_address.ts";
export * from "./text.ts";
