/** AV1: what an RTP payload holds, and whole temporal units. @module */
export * from "./depacketize.ts";
export * from "./packetize.ts";
export * from "./payload.ts";
export * from "./pictures.ts";
export { av1Level, av1Profile } from "./sequence_header.ts";
export * from "./temporal_unit.ts";
