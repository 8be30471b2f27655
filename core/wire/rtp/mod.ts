/** RTP packets: header, extensions, sequence numbers, RTX and RED payloads. @module */
export * from "./extension.ts";
export * from "./faults.ts";
export * from "./header.ts";
export * from "./red.ts";
export * from "./rtx.ts";
export * from "./sequence.ts";
