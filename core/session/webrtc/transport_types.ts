/** What goes into a transport, and what comes out. @module */
import { type CryptoProvider, Fault, type Millis, type SrtpProfile } from "../../base/mod.ts";
import type { DtlsCertificate, Fingerprint } from "./dtls/mod.ts";
import type { IceAgent } from "./ice_agent.ts";
import type { IceCredentials } from "./ice_credentials.ts";
import type { PairId } from "./ice_pairs.ts";

/** Media or DTLS on a pair that no valid check has come by. */
export const UNVALIDATED_PAIR: Fault = /* @__PURE__ */ fault("unvalidated-pair", "RFC 8445 §12.2");
/** A first byte that is none of STUN, DTLS, RTP. */
export const UNKNOWN_PACKET: Fault = /* @__PURE__ */ fault("unknown-packet", "RFC 7983 §7");
/** SRTP before the handshake gave keys. */
export const NO_KEYS: Fault = /* @__PURE__ */ fault("no-keys", "RFC 5764 §5.1.2");

/** Takes decrypted packets; `bytes` belong to it from then on. */
export interface MediaSink {
  /** `index` is the extended index of the packet on its SSRC. */
  onRtp(bytes: Uint8Array, index: number, now: Millis): void;
  /** One compound RTCP packet. */
  onRtcp(bytes: Uint8Array, now: Millis): void;
}

export interface TransportOptions {
  readonly crypto: CryptoProvider;
  readonly ice: IceCredentials;
  /** Does ICE in place of the lite agent, who is made of `ice` and `consentMillis`. */
  readonly agent?: IceAgent;
  readonly dtlsRole: "client" | "server";
  readonly certificate: DtlsCertificate;
  readonly peerFingerprints: readonly Fingerprint[];
  readonly srtpProfiles?: readonly SrtpProfile[];
  readonly sink: MediaSink;
  readonly consentMillis?: Millis;
  readonly now: Millis;
}

/** Bytes from one connection, or one datagram. */
export interface TransportInput {
  readonly pair: PairId;
  /** Taken over when the pair is TCP: media is decrypted in place and kept. */
  readonly bytes: Uint8Array;
}

/** Bytes for one connection, framed already, or one datagram. */
export interface TransportOutput {
  readonly pair: PairId;
  readonly bytes: Uint8Array;
}

function fault(code: string, spec: string): Fault {
  return new Fault("core/session/webrtc", code, spec);
}

/**
 * Profiles we take, best first. A browser offers several, so the order is ours to choose
 * by cost: GCM wants a new cipher object per packet, counter mode is sealed for a group of viewers in
 * one call. With it the server's whole cost is about half of GCM's on Node and Deno, a fifth less on
 * Bun (docs/performance.md).
 */
export const SRTP_PROFILES: readonly SrtpProfile[] = [
  "SRTP_AES128_CM_HMAC_SHA1_80",
  "SRTP_AEAD_AES_128_GCM",
  "SRTP_AEAD_AES_256_GCM",
];
