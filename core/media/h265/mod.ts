/** H.265: what an RTP payload holds, and its parameter sets. @module */

export * from "./decoder_configuration.ts";
export * from "./depacketize.ts";
export * from "./packetize.ts";
export * from "./payload.ts";
export * from "./pictures.ts";
export * from "./sps.ts";
