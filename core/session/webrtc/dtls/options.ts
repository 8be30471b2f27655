import type { Fault, Millis, SrtpKeys, SrtpProfile } from "../../../base/mod.ts";
import type { CookieOptions } from "./cookie.ts";
import type { ExchangeOptions } from "./exchange.ts";

export const DEFAULT_MTU = 1200;
export const MIN_MTU = 128;
export const DEFAULT_HANDSHAKE_MILLIS: Millis = 30_000;

/** Who sends the ClientHello: `a=setup:active` is the client (RFC 5763 §5). */
export type DtlsRole = "client" | "server";

/** What carries the datagrams. */
export interface DtlsNetwork {
  /**
   * The network loses and doubles nothing (RFC 4571 over TCP): no retransmission by timer, no
   * cookie.
   */
  readonly reliable: boolean;
  /**
   * Of a server over UDP: a ClientHello without a right cookie is answered with HelloVerifyRequest.
   */
  readonly cookie?: CookieOptions;
}

export interface DtlsOptions extends ExchangeOptions, DtlsNetwork {
  readonly role: DtlsRole;
  /** Largest datagram to send, in bytes; over TCP too. Default 1200, at least 128. */
  readonly mtu?: number;
  /** From the first byte of either side. Default 30,000. */
  readonly handshakeMillis?: Millis;
}

export type DtlsEvent =
  /**
   * The peer has the key of a certificate the signalling named, and both saw the same handshake.
   */
  | {
      readonly type: "connected";
      readonly profile: SrtpProfile;
      /** What we protect with. */
      readonly localKeys: SrtpKeys;
      readonly remoteKeys: SrtpKeys;
      /** The IANA number. */
      readonly cipherSuite: number;
      readonly extendedMasterSecret: boolean;
    }
  /** The peer said close_notify. */
  | { readonly type: "closed" }
  /** It is over. `alert` is the `AlertDescription` the peer sent, or we did. */
  | { readonly type: "failed"; readonly fault: Fault; readonly alert?: number };

/** What was passed over, and what was done again. Only ever grows. */
export interface DtlsCounters {
  /** Records that are malformed, of a wrong version or epoch, or out of place. */
  discardedRecords: number;
  /** Records of epoch 1 whose tag was wrong. */
  forgedRecords: number;
  replayedRecords: number;
  /** Application data, for which there is no use without data channels. */
  applicationRecords: number;
  resentFlights: number;
}

export function zeroCounters(): DtlsCounters {
  return {
    discardedRecords: 0,
    forgedRecords: 0,
    replayedRecords: 0,
    applicationRecords: 0,
    resentFlights: 0,
  };
}
