/** VP8: what an RTP payload holds, and whole frames. @module */
export * from "./depacketize.ts";
export * from "./packetize.ts";
export * from "./payload.ts";
export * from "./pictures.ts";
