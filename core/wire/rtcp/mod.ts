/**
 * RTCP: compound and reduced-size packets.
 *
 * ```text
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |V=2|P|  count  |  packet type  |   length in words, minus one  |
 * |                        SSRC of sender                         |
 * |                             ...                               |
 * ```
 *
 * RFC 3550 §6 (SR, RR, SDES, BYE), RFC 4585 (NACK, PLI), RFC 5104 (FIR), RFC 5506 (reduced size),
 * draft-holmer-rmcat-transport-wide-cc-extensions-01, draft-alvestrand-rmcat-remb-03.
 *
 * @module
 */
export * from "./compound.ts";
export * from "./decode.ts";
export * from "./encode.ts";
export * from "./feedback_cursor.ts";
export * from "./ntp.ts";
export * from "./packets.ts";
export * from "./reports.ts";
export * from "./transport_feedback.ts";
