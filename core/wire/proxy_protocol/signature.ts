/** How a PROXY header begins (proxy-protocol.txt §2.1 and §2.2). @module */

/** `"PROXY "` */
export const PROXY_V1_SIGNATURE: Uint8Array = Uint8Array.of(0x50, 0x52, 0x4f, 0x58, 0x59, 0x20);

/** CR LF CR LF NUL CR LF `"QUIT"` LF */
export const PROXY_V2_SIGNATURE: Uint8Array = Uint8Array.of(
  ...[0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a],
);
