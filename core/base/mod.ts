/** Words everybody uses, and the contracts a runtime fulfils. @module */
export * from "./crypto.ts";
export * from "./error.ts";
export * from "./fault.ts";
export * from "./io.ts";
export * from "./machine.ts";
export * from "./queue.ts";
export * from "./srtp_engine.ts";
export * from "./srtp_lanes.ts";
export * from "./timers.ts";
