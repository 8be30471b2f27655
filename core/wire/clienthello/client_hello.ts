/**
 * The ClientHello of a TLS connection, read before the handshake to choose a certificate by its
 * server name (RFC 8446 §4.1.2, §5.1; RFC 6066 §3; RFC 7301 §3.1).
 *
 * ```
 *  record     16 03 0x | length (2) | fragment             one or more
 *  handshake  01 | length (3) | body                       over the fragments
 *  body       version (2) | random (32) | session id <0..32> | cipher suites <2..2^16-2>
 *             | compression methods <1..255> | extensions <..2^16-1>
 *  extension  type (2) | length (2) | data
 * ```
 *
 * @module
 */
import { Fault } from "../../base/mod.ts";
import { latin1, u8, u16, u24 } from "../../bytes/mod.ts";

/** Bytes of the records that hold a ClientHello. Post-quantum key shares make it about 2 KB. */
export const CLIENT_HELLO_MAX_BYTES: number = 16 * 1024;

const LAYER = "core/wire/clienthello";
export const BAD_RECORD: Fault = new Fault(LAYER, "bad-record", "RFC 8446 §5.1");
export const NOT_CLIENT_HELLO: Fault = new Fault(LAYER, "not-client-hello", "RFC 8446 §4");
export const TOO_LARGE: Fault = new Fault(LAYER, "too-large", "RFC 8446 §4.1.2");
export const BAD_CLIENT_HELLO: Fault = new Fault(LAYER, "bad-client-hello", "RFC 8446 §4.1.2");
export const BAD_SERVER_NAME: Fault = new Fault(LAYER, "bad-server-name", "RFC 6066 §3");

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const ALPN = 16;
const RECORD_MAX_BYTES = 16 * 1024;

export interface ClientHello {
  /** In lower case; absent when the client names none, as for an IP address. */
  readonly serverName?: string;
  /** Protocols offered by ALPN, best first. */
  readonly alpn: readonly string[];
}

/** Decodes the first bytes of a connection; `undefined` while the ClientHello is not all there. */
export function decodeClientHello(bytes: Uint8Array): ClientHello | Fault | undefined {
  const message = gather(bytes);
  if (message === undefined || message instanceof Fault) return message;
  return decodeBody(message);
}

/** The body of the handshake message, put together from its records. */
function gather(bytes: Uint8Array): Uint8Array | Fault | undefined {
  const message = new Uint8Array(Math.min(bytes.length, CLIENT_HELLO_MAX_BYTES));
  let have = 0;
  for (let at = 0; at < bytes.length; ) {
    const left = bytes.length - at;
    if (u8(bytes, at) !== HANDSHAKE || (left > 1 && u8(bytes, at + 1) !== 3)) return BAD_RECORD;
    if (left < 5) return undefined;
    const length = u16(bytes, at + 3);
    if (length === 0 || length > RECORD_MAX_BYTES) return BAD_RECORD;
    const part = bytes.subarray(at + 5, Math.min(at + 5 + length, CLIENT_HELLO_MAX_BYTES));
    message.set(part, have);
    have += part.length;
    if (have > 0 && u8(message, 0) !== CLIENT_HELLO) return NOT_CLIENT_HELLO;
    if (have >= 4) {
      const size = u24(message, 1);
      if (size > CLIENT_HELLO_MAX_BYTES) return TOO_LARGE;
      if (have >= 4 + size) return message.subarray(4, 4 + size);
    }
    at += 5 + length;
    if (at >= CLIENT_HELLO_MAX_BYTES) return TOO_LARGE;
  }
  return undefined;
}

/** Reads vectors with a length in front, within bounds. */
class Reader {
  readonly bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  /** A vector whose length takes `lengthBytes` (1 or 2), or `undefined` when it is cut off. */
  vector(lengthBytes: 1 | 2): Uint8Array | undefined {
    if (this.left < lengthBytes) return undefined;
    const length = lengthBytes === 1 ? u8(this.bytes, this.at) : u16(this.bytes, this.at);
    const from = this.at + lengthBytes;
    if (from + length > this.bytes.length) return undefined;
    this.at = from + length;
    return this.bytes.subarray(from, this.at);
  }
}

function decodeBody(body: Uint8Array): ClientHello | Fault {
  const reader = new Reader(body);
  if (reader.left < 34) return BAD_CLIENT_HELLO;
  reader.at = 34;
  const sessionId = reader.vector(1);
  const suites = reader.vector(2);
  const compression = reader.vector(1);
  if (!sessionId || sessionId.length > 32 || !suites || !compression) return BAD_CLIENT_HELLO;
  if (reader.left === 0) return { alpn: [] };
  const extensions = reader.vector(2);
  if (!extensions || reader.left > 0) return BAD_CLIENT_HELLO;
  return decodeExtensions(new Reader(extensions));
}

function decodeExtensions(reader: Reader): ClientHello | Fault {
  let serverName: string | undefined;
  let alpn: readonly string[] | undefined;
  while (reader.left > 0) {
    if (reader.left < 4) return BAD_CLIENT_HELLO;
    const type = u16(reader.bytes, reader.at);
    reader.at += 2;
    const data = reader.vector(2);
    if (!data) return BAD_CLIENT_HELLO;
    if (type === SERVER_NAME) {
      if (serverName !== undefined) return BAD_SERVER_NAME;
      const name = decodeServerName(data);
      if (name instanceof Fault) return name;
      serverName = name;
    } else if (type === ALPN) {
      const protocols = decodeAlpn(data);
      if (protocols === undefined || alpn !== undefined) return BAD_CLIENT_HELLO;
      alpn = protocols;
    }
  }
  return { ...(serverName === undefined ? {} : { serverName }), alpn: alpn ?? [] };
}

/** One name of type host_name: letters, digits, `-`, `_` and `.`. */
function decodeServerName(data: Uint8Array): string | Fault {
  const list = new Reader(data).vector(2);
  if (!list || list.length !== data.length - 2 || list.length < 4) return BAD_SERVER_NAME;
  const reader = new Reader(list);
  reader.at = 1;
  const name = reader.vector(2);
  if (u8(list, 0) !== 0 || !name || reader.left > 0) return BAD_SERVER_NAME;
  const text = latin1(name).toLowerCase();
  return text.length <= 255 && /^[a-z0-9_-][a-z0-9._-]*$/.test(text) ? text : BAD_SERVER_NAME;
}

function decodeAlpn(data: Uint8Array): string[] | undefined {
  const list = new Reader(data).vector(2);
  if (!list || list.length !== data.length - 2 || list.length === 0) return undefined;
  const reader = new Reader(list);
  const names: string[] = [];
  while (reader.left > 0) {
    const name = reader.vector(1);
    if (!name || name.length === 0) return undefined;
    names.push(latin1(name));
  }
  return names;
}
