/** FLV tag bodies, which are what RTMP carries (FLV 10.1, Enhanced RTMP v2). @module */
export * from "./audio.ts";
export * from "./faults.ts";
export * from "./four_cc.ts";
export * from "./video.ts";
