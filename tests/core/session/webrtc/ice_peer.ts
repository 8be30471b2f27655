/** A peer that checks an ICE-lite agent of the tests. @module */
import assert from "node:assert/strict";
import { type Endpoint, type Hmac, isFault } from "../../../../core/base/mod.ts";
import { latin1Bytes } from "../../../../core/bytes/mod.ts";
import type { IceCredentials } from "../../../../core/session/webrtc/ice_credentials.ts";
import { type IceEvent, IceLite, MAX_PAIRS } from "../../../../core/session/webrtc/ice_lite.ts";
import {
  Attr,
  attribute,
  BINDING_REQUEST,
  decodeErrorCode,
  decodeStun,
  encodeStun,
  type StunAttribute,
  type StunMessage,
} from "../../../../core/wire/stun/mod.ts";
import { nodeCrypto } from "../../../../runtime/common/crypto.ts";

export const local: IceCredentials = { ufrag: "serverfr", pwd: "0123456789abcdefghijklmnopqrstuv" };
export const hmac: Hmac = nodeCrypto.hmac("sha1", latin1Bytes(local.pwd));
export const transactionId: Uint8Array = Uint8Array.from({ length: 12 }, (_, i) => 0xf0 + i);
export const remote: Endpoint = { host: "192.0.2.33", port: 40_000 };

export const username: StunAttribute = { type: Attr.Username, value: latin1Bytes("serverfr:peer") };
export const controlling: StunAttribute = {
  type: Attr.IceControlling,
  value: new Uint8Array(8).fill(5),
};
export const controlled: StunAttribute = {
  type: Attr.IceControlled,
  value: new Uint8Array(8).fill(5),
};
export const priority: StunAttribute = {
  type: Attr.Priority,
  value: Uint8Array.of(0x6e, 0, 1, 0xff),
};
export const useCandidate: StunAttribute = { type: Attr.UseCandidate, value: new Uint8Array(0) };

export function request(...more: StunAttribute[]): Uint8Array {
  const attributes = [username, controlling, priority, ...more];
  return encodeStun({ type: BINDING_REQUEST, transactionId, attributes }, hmac);
}

let last = 0;

/** 12 bytes that no other check has. */
export function freshTransactionId(): Uint8Array {
  const id = new Uint8Array(12);
  new DataView(id.buffer).setUint32(8, ++last);
  return id;
}

/** A check with a transaction id of its own, as it must have over UDP. */
export function freshRequest(...more: StunAttribute[]): Uint8Array {
  const attributes = [username, controlling, priority, ...more];
  const draft = { type: BINDING_REQUEST, transactionId: freshTransactionId(), attributes };
  return encodeStun(draft, hmac);
}

export function agent(maxPairs: number = MAX_PAIRS): IceLite {
  return new IceLite({ local, crypto: nodeCrypto, now: 0, maxPairs });
}

export interface Outcome {
  readonly answers: StunMessage[];
  readonly events: IceEvent[];
}

export function drain(ice: IceLite): Outcome {
  const answers: StunMessage[] = [];
  for (let out = ice.pollTransmit(); out !== undefined; out = ice.pollTransmit()) {
    const message = decodeStun(out.bytes);
    assert.ok(!isFault(message), String(message));
    answers.push(message);
  }
  const events: IceEvent[] = [];
  for (let event = ice.pollEvent(); event !== undefined; event = ice.pollEvent()) {
    events.push(event);
  }
  return { answers, events };
}

export function send(
  ice: IceLite,
  pair: number,
  bytes: Uint8Array,
  now: number,
  transport: "tcp" | "udp" = "tcp",
): Outcome {
  ice.handleInput({ pair, transport, remote, bytes }, now);
  return drain(ice);
}

export function codeOf(message: StunMessage | undefined): number {
  const value = message && attribute(message, Attr.ErrorCode);
  assert.ok(value);
  const error = decodeErrorCode(value);
  assert.ok(!isFault(error));
  return error.code;
}

/** A check that would nominate, but without MESSAGE-INTEGRITY. */
export const noMi: Uint8Array = encodeStun({
  type: BINDING_REQUEST,
  transactionId,
  attributes: [username, controlling, priority, useCandidate],
});
export function spoilt(bytes: Uint8Array, fromEnd: number): Uint8Array {
  const copy = bytes.slice();
  const at = copy.length - fromEnd;
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}
