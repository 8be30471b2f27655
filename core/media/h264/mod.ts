/** H.264: what an RTP payload holds, and its parameter sets. @module */

export { BAD_UNIT, splitSample } from "../nal_sample.ts";
export * from "./decoder_configuration.ts";
export * from "./depacketize.ts";
export * from "./packetize.ts";
export * from "./payload.ts";
export * from "./pictures.ts";
export * from "./sps.ts";
