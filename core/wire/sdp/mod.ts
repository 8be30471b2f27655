/**
 * Session descriptions (RFC 8866) with what WebRTC writes into them: text to values and back.
 *
 * @module
 */
export * from "./candidate.ts";
export * from "./decode.ts";
export * from "./description.ts";
export * from "./encode.ts";
export { isSdpFault, SdpFault } from "./faults.ts";
