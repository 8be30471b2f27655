import { Fault, isFault } from "../../base/mod.ts";
import {
  BINDING_ERROR,
  decodeStun,
  encodeErrorCode,
  encodeStun,
  encodeUnknownAttributes,
  type StunAttribute,
  stunClass,
} from "../../wire/stun/mod.ts";

function fault(code: string, spec: string): Fault {
  return new Fault("core/session/webrtc", code, spec);
}

/** A request without USERNAME or without MESSAGE-INTEGRITY: 400. */
export const NO_CREDENTIALS: Fault = /* @__PURE__ */ fault("no-credentials", "RFC 8489 §9.1.3");
/** A USERNAME that is no session's: 401. */
export const UNKNOWN_USER: Fault = /* @__PURE__ */ fault("unknown-user", "RFC 8489 §9.1.3");
/** A MESSAGE-INTEGRITY made with another password: 401. */
export const BAD_INTEGRITY: Fault = /* @__PURE__ */ fault("bad-integrity", "RFC 8489 §9.1.3");
/** Comprehension-required attributes that we do not know: 420. */
export const UNKNOWN_ATTRIBUTE: Fault = /* @__PURE__ */ fault(
  "unknown-attribute",
  "RFC 8489 §6.3.1",
);
/** The peer says ICE-CONTROLLED, and a lite agent is never controlling: 487. */
export const ROLE_CONFLICT: Fault = /* @__PURE__ */ fault("role-conflict", "RFC 8445 §7.3.1.1");
/** A method other than Binding. */
export const UNKNOWN_METHOD: Fault = /* @__PURE__ */ fault("unknown-method", "RFC 8489 §6.3");
/** A check that has been seen, now from another address. */
export const REPLAYED_CHECK: Fault = /* @__PURE__ */ fault("replayed-check", "RFC 8445 §19.2");
/** More pairs than a session may hold. */
export const TOO_MANY_PAIRS: Fault = /* @__PURE__ */ fault("too-many-pairs", "RFC 8445 §6.1.2.5");
/** A pair of the ICE session before a restart. */
export const ICE_RESTARTED: Fault = /* @__PURE__ */ fault("ice-restarted", "RFC 8445 §9");
/** No check on this pair for `CONSENT_MILLIS`. */
export const NO_CONSENT: Fault = /* @__PURE__ */ fault("no-consent", "RFC 7675 §5.1");

const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthenticated",
  420: "Unknown Attribute",
  487: "Role Conflict",
};

/** ERROR-CODE with the reason phrase of the RFCs. */
export function errorCode(code: 400 | 401 | 420 | 487): StunAttribute {
  return encodeErrorCode(code, REASONS[code] ?? "");
}

/**
 * The answer to a request that shows no valid credentials, without integrity. For TCP only, where
 * the sender's address is proven; over UDP it would reflect traffic at a victim. Also for the
 * server, when no session has the ufrag (`UNKNOWN_USER`). `undefined` when `bytes` is no STUN
 * request.
 */
export function encodeRefusal(bytes: Uint8Array, why: Fault): Uint8Array | undefined {
  const request = decodeStun(bytes);
  if (isFault(request) || stunClass(request.type) !== "request") return undefined;
  return encodeStun({
    type: BINDING_ERROR,
    transactionId: request.transactionId,
    attributes: [errorCode(why === NO_CREDENTIALS ? 400 : 401)],
  });
}

/** The answer to an authenticated request with attributes we must know but do not. */
export function unknownAttributes(types: readonly number[]): readonly StunAttribute[] {
  return [errorCode(420), encodeUnknownAttributes(types)];
}
