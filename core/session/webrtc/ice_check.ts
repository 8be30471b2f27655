/** Connectivity checks (RFC 8445 §7): what both ends hold them to, and how one is made. @module */
import type { CryptoProvider, Fault, Hmac } from "../../base/mod.ts";
import { latin1, latin1Bytes, putU32 } from "../../bytes/mod.ts";
import {
  Attr,
  attribute,
  BINDING_REQUEST,
  encodeStun,
  hasIntegrity,
  MAX_USERNAME_BYTES,
  type StunAttribute,
  type StunMessage,
} from "../../wire/stun/mod.ts";
import { BAD_INTEGRITY, NO_CREDENTIALS, UNKNOWN_USER } from "./ice_refusal.ts";

/**
 * RFC 8489 §9.1.3, short-term credentials: what is wrong with those of a request to the agent
 * called `ufrag`. The second half of USERNAME does not count (RFC 8445 §7.3).
 */
export function authenticateCheck(
  message: StunMessage,
  ufrag: string,
  hmac: Hmac,
  crypto: Pick<CryptoProvider, "equal">,
): Fault | undefined {
  const username = attribute(message, Attr.Username);
  if (username === undefined || username.length > MAX_USERNAME_BYTES) return NO_CREDENTIALS;
  if (message.integrityAt < 0) return NO_CREDENTIALS;
  if (!latin1(username).startsWith(`${ufrag}:`)) return UNKNOWN_USER;
  if (!hasIntegrity(message, hmac, crypto)) return BAD_INTEGRITY;
  return undefined;
}

export interface CheckDraft {
  /** 12 random bytes. */
  readonly transactionId: Uint8Array;
  /** The peer's ufrag, a colon, ours. */
  readonly username: string;
  readonly controlling: boolean;
  /** 8 random bytes (RFC 8445 §16.1). */
  readonly tiebreaker: Uint8Array;
  readonly priority: number;
  readonly nominates: boolean;
}

/** A Binding request with the attributes of RFC 8445 §7.1; `hmac` has the peer's password. */
export function encodeCheck(draft: CheckDraft, hmac: Hmac): Uint8Array {
  const priority = new Uint8Array(4);
  putU32(priority, 0, draft.priority);
  const attributes: StunAttribute[] = [
    { type: Attr.Username, value: latin1Bytes(draft.username) },
    {
      type: draft.controlling ? Attr.IceControlling : Attr.IceControlled,
      value: draft.tiebreaker,
    },
    { type: Attr.Priority, value: priority },
  ];
  if (draft.nominates) attributes.push({ type: Attr.UseCandidate, value: new Uint8Array(0) });
  return encodeStun(
    { type: BINDING_REQUEST, transactionId: draft.transactionId, attributes },
    hmac,
  );
}
