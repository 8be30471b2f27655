/** Integers, text, checksums in byte arrays; knows no protocol. @module */
export * from "./be.ts";
export * from "./bits.ts";
export * from "./concat.ts";
export * from "./crc32.ts";
export * from "./text.ts";
