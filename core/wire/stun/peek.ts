import { isFault } from "../../base/mod.ts";
import { latin1, u16 } from "../../bytes/mod.ts";
import { Attr, HEADER_BYTES, MAX_USERNAME_BYTES } from "./attributes.ts";
import { checkHeader, MAX_ATTRIBUTES, valueAt } from "./decode.ts";

/**
 * USERNAME of a message, before anything else about it is checked: for finding the session it
 * belongs to. In a connectivity check it reads `local:remote` as seen from here (RFC 8445 §7.2.2).
 * `undefined` when there is none, when it is too long, or when the message is malformed.
 */
export function peekUsername(bytes: Uint8Array): string | undefined {
  if (checkHeader(bytes) !== undefined) return undefined;
  let at = HEADER_BYTES;
  for (let count = 0; at < bytes.length && count < MAX_ATTRIBUTES; count++) {
    const type = u16(bytes, at);
    if (type === Attr.MessageIntegrity) return undefined; // what follows it does not count
    const value = valueAt(bytes, at);
    if (isFault(value)) return undefined;
    if (type === Attr.Username) {
      return value.length <= MAX_USERNAME_BYTES ? latin1(value) : undefined;
    }
    at += 4 + ((value.length + 3) & ~3);
  }
  return undefined;
}

/** The part of USERNAME before the colon: the ufrag this side gave out. */
export function peekLocalUfrag(bytes: Uint8Array): string | undefined {
  const username = peekUsername(bytes);
  const colon = username === undefined ? -1 : username.indexOf(":");
  return colon > 0 ? username?.slice(0, colon) : undefined;
}
