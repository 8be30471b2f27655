import { Fault } from "../../base/mod.ts";

const fault = (code: string, spec: string): Fault => new Fault("wire/srtp", code, spec);

/** Shorter than its header, index and tag together, or not version 2. */
export const SRTP_TRUNCATED: Fault = fault("truncated", "RFC 3711 §3.1");
/** The authentication tag is wrong: forged, damaged, or under another key. */
export const SRTP_AUTHENTICATION: Fault = fault("authentication", "RFC 3711 §3.3");
/** The index was seen before, or is older than the replay window. */
export const SRTP_REPLAYED: Fault = fault("replayed", "RFC 3711 §3.3.2");
/** One more SSRC than a session may have. */
export const SRTP_TOO_MANY_SSRCS: Fault = fault("too-many-ssrcs", "RFC 3711 §3.2.3");
/** The index is below 0, or the 2^48 (SRTP) or 2^31 (SRTCP) packets of a key are used up. */
export const SRTP_INDEX_RANGE: Fault = fault("index-range", "RFC 3711 §9.2");
/** Sending: the index was used with this SSRC, or is too old to know. */
export const SRTP_INDEX_USED: Fault = fault("index-used", "RFC 3711 §9.1");
/** Sending: the packet's sequence number is not the low 16 bits of its index. */
export const SRTP_INDEX_MISMATCH: Fault = fault("index-mismatch", "RFC 3711 §3.3.1");
