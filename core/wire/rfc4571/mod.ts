/**
 * RFC 4571 framing: packets on a byte stream, each behind its length.
 *
 * ```text
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |             LENGTH            |  RTP, RTCP, STUN or DTLS ...  |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 *
 * A length of 0 is a null packet (§2). The stream cannot be found again once it is lost: after a
 * fault the connection must be closed.
 *
 * @module
 */
export * from "./deframer.ts";
export * from "./frame.ts";
