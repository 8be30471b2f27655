/**
 * STUN as ICE uses it: messages, short-term integrity, addresses.
 *
 * ```text
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |0 0|     STUN Message Type     |         Message Length        |
 * |                    Magic Cookie 0x2112A442                    |
 * |                     Transaction ID (96 bits)                  |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |         Type                  |            Length             |
 * |               Value, padded to 32 bits ...                    |
 * ```
 *
 * RFC 8489 §5 (header), §14 (attributes); RFC 8445 §7.1 (attributes of ICE).
 *
 * @module
 */
export * from "./address.ts";
export * from "./attributes.ts";
export * from "./decode.ts";
export * from "./encode.ts";
export * from "./peek.ts";
