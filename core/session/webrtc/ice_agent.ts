/** What a transport asks of an ICE agent of either kind. @module */
import type { Endpoint, Fault, Machine, Millis } from "../../base/mod.ts";
import type { IceCredentials } from "./ice_credentials.ts";
import type { PairId, Transport } from "./ice_pairs.ts";

/** A packet for the STUN agent and how it came. */
export interface IceInput {
  readonly pair: PairId;
  readonly transport: Transport;
  /** Where it came from, for XOR-MAPPED-ADDRESS. */
  readonly remote: Endpoint;
  /** One frame or datagram. */
  readonly bytes: Uint8Array;
}

/** A STUN message to send on `pair`; over TCP it still wants its RFC 4571 header. */
export interface IceTransmit {
  readonly pair: PairId;
  readonly bytes: Uint8Array;
}

export type IceEvent =
  /** Send on this pair from now on. `nominated` is false while the peer has not chosen yet. */
  | { readonly type: "selected"; readonly pair: PairId; readonly nominated: boolean }
  /**
   * Close the connection, or forget the 5-tuple. Comes after what `pollTransmit` still has for it.
   */
  | { readonly type: "close-pair"; readonly pair: PairId; readonly fault: Fault }
  /** Nobody answers to this ufrag of ours any more; another one took its place. */
  | { readonly type: "retired"; readonly ufrag: string }
  /** Something was refused or passed over: count it. */
  | { readonly type: "refused"; readonly pair: PairId; readonly fault: Fault }
  /** The session is over; nothing may be sent any more. */
  | { readonly type: "expired"; readonly reason: IceExpiry };

/**
 * `unreached`: no valid check ever came. `grace`: the last connection closed and none came back.
 * `consent`: the pairs are there but the peer stopped checking, or answering.
 */
export type IceExpiry = "unreached" | "grace" | "consent";

export interface IceAgent extends Machine<IceInput, IceTransmit, IceEvent> {
  /** The pair to send on, if there is one. */
  readonly selected: PairId | undefined;
  /** Whether the peer has shown its password on this pair: DTLS and SRTP count from there only. */
  isValid(pair: PairId): boolean;
  /** An ICE restart with new credentials of ours; absent where we are the one who restarts. */
  restart?(local: IceCredentials, now: Millis): void;
  /** There is a connection, or a 5-tuple, to check. An agent that only answers has no use for it. */
  handlePairOpened?(pair: PairId, transport: Transport, remote: Endpoint, now: Millis): void;
  /**
   * What speaks against the sender of a datagram on a 5-tuple that is no pair yet; nothing is kept.
   * An agent that does not have it takes no such pair.
   */
  vet?(datagram: Uint8Array): Fault | undefined;
  /** A DTLS packet came on a valid pair. */
  handlePeerData(pair: PairId, now: Millis): void;
  /** SRTP or SRTCP under the session's keys came on a valid pair. */
  handlePeerMedia?(pair: PairId, now: Millis): void;
  /** The connection of this pair is gone. Harmless for an unknown one. */
  handlePairClosed(pair: PairId, now: Millis): void;
}
