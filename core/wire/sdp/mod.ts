/**
 * Session descriptions (RFC 8866) with what WebRTC writes into them: text to values and back.
 *
 * @module
 */
export * from "./candidate.ts";
export {
  decodeSdp,
  MAX_ATTRIBUTES,
  MAX_LINE_LENGTH,
  MAX_MEDIA,
  MAX_SDP_LENGTH,
} from "./decode.ts";
export * from "./description.ts";
export * from "./encode.ts";
export { isSdpFault, SdpFault } from "./faults.ts";
export * from "./fragment.ts";
