import { Fault } from "../../base/mod.ts";

const fault = (code: string, spec: string): Fault => new Fault("wire/rtp", code, spec);

/** Fewer bytes than the fixed header, the CSRC list or the extension announce. */
export const RTP_TRUNCATED: Fault = fault("truncated", "RFC 3550 §5.1");
/** Version is not 2. */
export const RTP_VERSION: Fault = fault("version", "RFC 3550 §5.1");
/** The padding count is 0 or larger than what is behind the header. */
export const RTP_PADDING: Fault = fault("padding", "RFC 3550 §5.1");
/** A retransmission without the two bytes of its original sequence number. */
export const RTX_TRUNCATED: Fault = fault("rtx-truncated", "RFC 4588 §4");
/** Block headers of a RED payload announce more than is there. */
export const RED_TRUNCATED: Fault = fault("red-truncated", "RFC 2198 §3");
