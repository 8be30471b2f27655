/** H.265: what an RTP payload holds, and its parameter sets. @module */
export * from "./payload.ts";
export * from "./sps.ts";
