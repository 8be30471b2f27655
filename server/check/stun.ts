/** Binding requests, framed on a connection of their own or as datagrams. @module */
import { type Endpoint, isFault, type Millis, type Runtime } from "../../core/base/mod.ts";
import { latin1, latin1Bytes } from "../../core/bytes/mod.ts";
import { encodeCheck } from "../../core/session/webrtc/ice_check.ts";
import type { IceCredentials } from "../../core/session/webrtc/ice_credentials.ts";
import { Deframer, framed } from "../../core/wire/rfc4571/mod.ts";
import {
  Attr,
  attribute,
  BINDING_REQUEST,
  BINDING_SUCCESS,
  decodeErrorCode,
  decodeStun,
  decodeXorMappedAddress,
  encodeStun,
  hasIntegrity,
  type StunMessage,
} from "../../core/wire/stun/mod.ts";
import { words } from "../relay/http_answer.ts";

/** RFC 8445 §5.1.2.1, of a peer-reflexive candidate over UDP. */
const PRIORITY = 0x6e0001ff;
/** RFC 8489 §6.2.1: RTO of 500 ms, doubled; what a check of a human's patience leaves of it. */
const RESEND_MILLIS: readonly Millis[] = [0, 500, 1_500];

export interface StunRequest {
  readonly transactionId: Uint8Array;
  readonly bytes: Uint8Array;
}

/** Without credentials: who speaks STUN refuses it. */
export function bareRequest(runtime: Runtime): StunRequest {
  const transactionId = runtime.crypto.random(12);
  const bytes = encodeStun({ type: BINDING_REQUEST, transactionId, attributes: [] });
  return { transactionId, bytes };
}

/** A check of the session whose credentials these are; it nominates nothing. */
export function sessionRequest(runtime: Runtime, { ufrag, pwd }: IceCredentials): StunRequest {
  const { crypto } = runtime;
  const transactionId = crypto.random(12);
  const draft = {
    transactionId,
    username: `${ufrag}:check`,
    controlling: true,
    tiebreaker: crypto.random(8),
    priority: PRIORITY,
    nominates: false,
  };
  return { transactionId, bytes: encodeCheck(draft, crypto.hmac("sha1", latin1Bytes(pwd))) };
}

/** Whether this is the answer of the session, and where it saw us. */
export function mappedBy(
  runtime: Runtime,
  message: StunMessage,
  { pwd }: IceCredentials,
): Endpoint | undefined {
  const { crypto } = runtime;
  if (message.type !== BINDING_SUCCESS) return undefined;
  if (!hasIntegrity(message, crypto.hmac("sha1", latin1Bytes(pwd)), crypto)) return undefined;
  const value = attribute(message, Attr.XorMappedAddress);
  const mapped = value && decodeXorMappedAddress(value, message.transactionId);
  return mapped === undefined || isFault(mapped) ? undefined : mapped;
}

export function errorOf(message: StunMessage): string {
  const value = attribute(message, Attr.ErrorCode);
  const error = value && decodeErrorCode(value);
  return error === undefined || isFault(error) ? "" : `${error.code} ${error.reason}`;
}

/** The answer, or why there is none: `http` is an answer of something that speaks that. */
export type StunAnswer =
  | { readonly message: StunMessage; readonly millis: Millis }
  | { readonly why: "http" | "closed" | "silent" | "unreachable"; readonly words: string };

/** Over a TCP connection of its own, framed (RFC 4571). */
export async function askTcp(
  runtime: Runtime,
  to: Endpoint,
  request: StunRequest,
  timeoutMillis: Millis,
): Promise<StunAnswer> {
  const begun = runtime.now();
  const conn = await runtime.connect(to, { timeoutMillis }).catch(words);
  if (typeof conn === "string") return { why: "unreachable", words: conn };
  try {
    return await new Promise<StunAnswer>((resolve) => {
      const deframer = new Deframer();
      let first = true;
      const late = { why: "silent", words: `no answer in ${timeoutMillis} ms` } as const;
      const timer = runtime.wakeAt(runtime.now() + timeoutMillis, () => resolve(late));
      conn.handler = {
        data: (chunk) => {
          const http = first && latin1(chunk.subarray(0, 5)) === "HTTP/";
          first = false;
          if (http) resolve({ why: "http", words: "HTTP comes back" });
          else deframer.push(chunk);
          const frame = http ? undefined : deframer.poll();
          if (frame === undefined) return;
          const message = isFault(frame) ? frame : decodeStun(frame);
          if (isFault(message)) resolve({ why: "closed", words: `no STUN: ${message.code}` });
          else resolve({ message, millis: runtime.now() - begun });
        },
        end: () => resolve({ why: "closed", words: "the connection is closed" }),
        close: () => {
          timer[Symbol.dispose]();
          resolve({ why: "closed", words: "the connection is closed" });
        },
      };
      conn.write(framed(request.bytes));
    });
  } finally {
    conn.destroy();
  }
}

export async function askUdp(
  runtime: Runtime,
  to: Endpoint,
  request: StunRequest,
  timeoutMillis: Millis,
): Promise<StunAnswer> {
  const begun = runtime.now();
  const timers: Disposable[] = [];
  let onDatagram: (bytes: Uint8Array) => void = () => {};
  const host = to.host.includes(":") ? "::" : "0.0.0.0";
  const socket = await runtime
    .openUdp({ host, port: 0 }, (bytes) => onDatagram(bytes.slice()))
    .catch(words);
  if (typeof socket === "string") return { why: "unreachable", words: socket };
  try {
    return await new Promise<StunAnswer>((resolve) => {
      onDatagram = (bytes) => {
        const message = decodeStun(bytes);
        if (isFault(message) || !sameId(message, request)) return;
        resolve({ message, millis: runtime.now() - begun });
      };
      for (const millis of RESEND_MILLIS)
        timers.push(runtime.wakeAt(begun + millis, () => socket.send(request.bytes, to)));
      const late = { why: "silent", words: `no answer in ${timeoutMillis} ms` } as const;
      timers.push(runtime.wakeAt(begun + timeoutMillis, () => resolve(late)));
    });
  } finally {
    for (const timer of timers) timer[Symbol.dispose]();
    await socket.close();
  }
}

function sameId(message: StunMessage, { transactionId }: StunRequest): boolean {
  return message.transactionId.every((byte, i) => byte === transactionId[i]);
}
