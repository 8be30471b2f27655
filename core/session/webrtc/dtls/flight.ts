import type { HandshakeMessage } from "../../../wire/dtls/mod.ts";

/** Messages that are sent, and sent again, together (RFC 6347 §4.2.4). */
export interface Flight {
  readonly items: readonly FlightItem[];
  /** The peer answers it, so over UDP it is sent again until he has. */
  readonly awaitsReply: boolean;
}

/** What goes into a record of its own. */
export type FlightItem =
  | { readonly kind: "message"; readonly epoch: 0 | 1; readonly message: HandshakeMessage }
  | { readonly kind: "change_cipher_spec" };

/** A message of the first epoch. */
export function plain(message: HandshakeMessage): FlightItem {
  return { kind: "message", epoch: 0, message };
}
