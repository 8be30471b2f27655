/**
 * The hellos (RFC 5246 §7.4.1, RFC 6347 §4.2.1):
 *
 *   ClientHello: version u16 | random[32] | session_id<0..32> | cookie<0..255>
 *                | cipher_suites<2..2^16-2> | compression_methods<1..255> | extensions, or nothing
 *   HelloVerifyRequest: version u16 | cookie<0..255>
 *   ServerHello: version u16 | random[32] | session_id<0..32> | cipher_suite u16
 *                | compression_method u8 | extensions, or nothing
 *
 * @module
 */

import { type Fault, isFault } from "../../base/mod.ts";
import { concat } from "../../bytes/mod.ts";
import { Cursor } from "./cursor.ts";
import { decodeExtensions, type Extension, encodeExtensions } from "./extension.ts";
import {
  CLIENT_HELLO_MALFORMED,
  HELLO_VERIFY_REQUEST_MALFORMED,
  SERVER_HELLO_MALFORMED,
} from "./faults.ts";
import { u16Bytes, vector8, vector16 } from "./vector.ts";

export interface ClientHello {
  readonly version: number;
  /** 32 bytes. */
  readonly random: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly cookie: Uint8Array;
  readonly cipherSuites: readonly number[];
  readonly compressionMethods: Uint8Array;
  readonly extensions: readonly Extension[];
}

export interface ServerHello {
  readonly version: number;
  /** 32 bytes. */
  readonly random: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly cipherSuite: number;
  readonly compressionMethod: number;
  readonly extensions: readonly Extension[];
}

export interface HelloVerifyRequest {
  readonly version: number;
  readonly cookie: Uint8Array;
}

/** Views of `body`. */
export function decodeClientHello(body: Uint8Array): ClientHello | Fault {
  const cursor = new Cursor(body);
  const version = cursor.u16();
  const random = cursor.bytes(32);
  const sessionId = cursor.vector8();
  const cookie = cursor.vector8();
  const suites = new Cursor(cursor.vector16());
  const cipherSuites: number[] = [];
  while (!suites.done && !suites.failed) cipherSuites.push(suites.u16());
  const compressionMethods = cursor.vector8();
  const list = cursor.done ? undefined : cursor.vector16();
  if (!cursor.done || suites.failed || sessionId.length > 32) return CLIENT_HELLO_MALFORMED;
  if (cipherSuites.length === 0 || compressionMethods.length === 0) return CLIENT_HELLO_MALFORMED;
  const extensions = list === undefined ? [] : decodeExtensions(list);
  if (isFault(extensions)) return extensions;
  return { version, random, sessionId, cookie, cipherSuites, compressionMethods, extensions };
}

export function encodeClientHello(hello: ClientHello): Uint8Array {
  return concat([
    u16Bytes(hello.version),
    hello.random,
    vector8(hello.sessionId),
    vector8(hello.cookie),
    vector16(u16Bytes(...hello.cipherSuites)),
    vector8(hello.compressionMethods),
    encodeExtensions(hello.extensions),
  ]);
}

/** Views of `body`. */
export function decodeServerHello(body: Uint8Array): ServerHello | Fault {
  const cursor = new Cursor(body);
  const version = cursor.u16();
  const random = cursor.bytes(32);
  const sessionId = cursor.vector8();
  const cipherSuite = cursor.u16();
  const compressionMethod = cursor.u8();
  const list = cursor.done ? undefined : cursor.vector16();
  if (!cursor.done || sessionId.length > 32) return SERVER_HELLO_MALFORMED;
  const extensions = list === undefined ? [] : decodeExtensions(list);
  if (isFault(extensions)) return extensions;
  return { version, random, sessionId, cipherSuite, compressionMethod, extensions };
}

export function encodeServerHello(hello: ServerHello): Uint8Array {
  return concat([
    u16Bytes(hello.version),
    hello.random,
    vector8(hello.sessionId),
    u16Bytes(hello.cipherSuite),
    Uint8Array.of(hello.compressionMethod),
    encodeExtensions(hello.extensions),
  ]);
}

/** Views of `body`. */
export function decodeHelloVerifyRequest(body: Uint8Array): HelloVerifyRequest | Fault {
  const cursor = new Cursor(body);
  const version = cursor.u16();
  const cookie = cursor.vector8();
  return cursor.done ? { version, cookie } : HELLO_VERIFY_REQUEST_MALFORMED;
}

export function encodeHelloVerifyRequest(request: HelloVerifyRequest): Uint8Array {
  return concat([u16Bytes(request.version), vector8(request.cookie)]);
}
