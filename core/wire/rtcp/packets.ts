import { Fault } from "../../base/mod.ts";
import type { NtpTime } from "./ntp.ts";

/** Packet types (IANA "RTCP Control Packet Types"). */
export const Pt = {
  SenderReport: 200,
  ReceiverReport: 201,
  SourceDescription: 202,
  Goodbye: 203,
  /** RTPFB, RFC 4585 §6.2. */
  TransportFeedback: 205,
  /** PSFB, RFC 4585 §6.3. */
  PayloadFeedback: 206,
} as const;

/** Feedback message types: what the count of a feedback packet means. */
export const Fmt = {
  Nack: 1,
  TransportWide: 15,
  Pli: 1,
  Fir: 4,
  Application: 15,
} as const;

export const TRUNCATED: Fault = /* @__PURE__ */ fault("truncated", "RFC 3550 §6.4.1");
export const NOT_RTCP: Fault = /* @__PURE__ */ fault("not-rtcp", "RFC 3550 A.2");
export const BAD_LENGTH: Fault = /* @__PURE__ */ fault("bad-length", "RFC 3550 A.2");
export const BAD_PADDING: Fault = /* @__PURE__ */ fault("bad-padding", "RFC 3550 §6.4.1");
export const BAD_CONTENT: Fault = /* @__PURE__ */ fault("bad-content", "RFC 3550 §6.5");
export const BAD_FEEDBACK: Fault = /* @__PURE__ */ fault("bad-feedback", "RFC 4585 §6.1");

function fault(code: string, spec: string): Fault {
  return new Fault("core/wire/rtcp", code, spec);
}

/** What one receiver says of one source (RFC 3550 §6.4.1). */
export interface ReportBlock {
  readonly ssrc: number;
  /** Of the packets expected since the last report, in 1/256. */
  readonly fractionLost: number;
  /** Expected less received, since the beginning; negative with duplicates. 24 bits. */
  readonly cumulativeLost: number;
  /** Cycles << 16 | highest sequence number received. */
  readonly highestSequence: number;
  /** In ticks of the RTP clock. */
  readonly jitter: number;
  /** Middle 32 bits of the NTP time of the last SR, 0 without one. */
  readonly lastSr: number;
  /** In 1/65536 s. */
  readonly delaySinceLastSr: number;
}

export interface SenderReport {
  readonly type: "sr";
  readonly ssrc: number;
  readonly ntp: NtpTime;
  /** The same moment on the RTP clock. */
  readonly rtpTime: number;
  readonly packets: number;
  /** Of payload, without headers and padding. */
  readonly octets: number;
  readonly blocks: readonly ReportBlock[];
}

export interface ReceiverReport {
  readonly type: "rr";
  readonly ssrc: number;
  readonly blocks: readonly ReportBlock[];
}

/** SDES with its CNAME items; others are left out. */
export interface SourceDescription {
  readonly type: "sdes";
  readonly chunks: readonly { readonly ssrc: number; readonly cname: string }[];
}

export interface Goodbye {
  readonly type: "bye";
  readonly ssrcs: readonly number[];
  readonly reason: string;
}

/** Generic NACK (RFC 4585 §6.2.1). */
export interface Nack {
  readonly type: "nack";
  readonly senderSsrc: number;
  readonly mediaSsrc: number;
  /** Sequence numbers asked for, in the order of the packet. */
  readonly lost: readonly number[];
}

/** Picture Loss Indication (RFC 4585 §6.3.1). */
export interface Pli {
  readonly type: "pli";
  readonly senderSsrc: number;
  readonly mediaSsrc: number;
}

/** Full Intra Request (RFC 5104 §4.3.1). */
export interface Fir {
  readonly type: "fir";
  readonly senderSsrc: number;
  readonly entries: readonly { readonly ssrc: number; readonly sequence: number }[];
}

/** Receiver Estimated Maximum Bitrate (draft-alvestrand-rmcat-remb-03 §2.2). */
export interface Remb {
  readonly type: "remb";
  readonly senderSsrc: number;
  /** Bits per second; written with 18 significant bits. */
  readonly bitrate: number;
  readonly ssrcs: readonly number[];
}

/**
 * Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01
 * §3.1).
 */
export interface TransportFeedback {
  readonly type: "twcc";
  readonly senderSsrc: number;
  readonly mediaSsrc: number;
  /** Transport-wide sequence number that `deltas[0]` is about. */
  readonly baseSequence: number;
  /** In 64 ms, modulo 2^24. */
  readonly referenceTime: number;
  /** Counts feedback packets, modulo 2^8. */
  readonly feedbackCount: number;
  /**
   * For each packet the time since the one received before it (the first: since the reference
   * time), in 250 us, from -32768 to 32767; `undefined` when it was not received.
   */
  readonly deltas: readonly (number | undefined)[];
}

export type RtcpPacket =
  | SenderReport
  | ReceiverReport
  | SourceDescription
  | Goodbye
  | Nack
  | Pli
  | Fir
  | Remb
  | TransportFeedback;
