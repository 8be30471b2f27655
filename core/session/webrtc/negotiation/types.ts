/** What a negotiation is given and what comes out of it. @module */
import type { CodecName, Format, MediaKind } from "../../../media/mod.ts";
import type { Candidate } from "../candidate.ts";

/** Our side of a session, made before its offer is answered. */
export interface LocalParameters {
  readonly ufrag: string;
  readonly pwd: string;
  /** Of our DTLS certificate, as SDP writes it: `sha-256 AA:BB:..`. */
  readonly fingerprint: string;
  readonly candidates: readonly Candidate[];
  /** Decimal digits for `o=`, below 2^63 (RFC 8829 §5.2.1). */
  readonly sessionId: string;
  /**
   * The `codec` query: a wish. It comes first where it is offered and changes nothing where not.
   */
  readonly preferredCodec: CodecName | undefined;
  /** Feedback not to take although we could, as `nack` and `transport-cc` when configured off. */
  readonly declinedFeedback?: readonly string[];
  /** 32 random bits; called for each SSRC a viewer is sent. */
  readonly randomSsrc: () => number;
  readonly cname: string;
  /** `app/stream`; names the MediaStream a viewer gets. */
  readonly streamName: string;
}

/** One payload type both sides take. */
export interface NegotiatedCodec {
  readonly payloadType: number;
  readonly format: Format;
  readonly rtxPayloadType: number | undefined;
  readonly nack: boolean;
  readonly pli: boolean;
  readonly fir: boolean;
  readonly transportCc: boolean;
  readonly remb: boolean;
}

/** RFC 2198 packets whose blocks are all of one codec. */
export interface NegotiatedRed {
  readonly payloadType: number;
  /** The payload type of the blocks inside. */
  readonly blockPayloadType: number;
}

/** A header extension, with the offer's id, which both directions use. */
export interface NegotiatedExtension {
  readonly id: number;
  readonly uri: string;
}

/** An SSRC with the one that carries its retransmissions (`ssrc-group:FID`). */
export interface NegotiatedSource {
  readonly ssrc: number;
  readonly rtxSsrc: number | undefined;
  readonly cname: string | undefined;
  /** Its layer, where the offer tells. */
  readonly rid?: string;
}

/** An accepted audio or video line. */
export interface NegotiatedMedia {
  /** Index among the m-lines, from 0. */
  readonly index: number;
  readonly mid: string | undefined;
  readonly kind: MediaKind;
  /** In the order of the answer: the first is the one to send. */
  readonly codecs: readonly NegotiatedCodec[];
  /** Audio only. A peer that offered it first will send it. */
  readonly red: NegotiatedRed | undefined;
  readonly extensions: readonly NegotiatedExtension[];
  readonly midExtensionId: number | undefined;
  readonly ridExtensionId: number | undefined;
  readonly repairedRidExtensionId: number | undefined;
  readonly transportCcId: number | undefined;
  /** Whether RTCP may come without a report in front (RFC 5506). */
  readonly rtcpRsize: boolean;
  /** What the offer says it sends. Empty for a viewer, and for simulcast offers of browsers. */
  readonly remoteSources: readonly NegotiatedSource[];
  /**
   * Layers of simulcast that were agreed on, in the offer's order: their `a=rid` ids, or `0`, `1`,
   * .. where `ssrc-group:SIM` lists them. Empty when one layer comes.
   */
  readonly rids: readonly string[];
  /** What we send to a viewer; undefined when publishing. */
  readonly localSource: NegotiatedSource | undefined;
}

/** A certificate digest to hold the peer to before any key is used (RFC 8122 §5). */
export interface RemoteFingerprint {
  /** `sha-256`, `sha-384` or `sha-512`. */
  readonly algorithm: string;
  readonly digest: Uint8Array;
}

export interface RemoteParameters {
  readonly ufrag: string;
  readonly pwd: string;
  readonly iceOptions: readonly string[];
  /** At least one; the certificate must match one of them. */
  readonly fingerprints: readonly RemoteFingerprint[];
  /** Our part in DTLS (RFC 8842 §5.2). */
  readonly dtlsRole: "server" | "client";
}

/** An accepted offer. */
export interface Answer {
  /** The answer as text. */
  readonly sdp: string;
  readonly remote: RemoteParameters;
  /** The accepted lines in their order; at least one. */
  readonly media: readonly NegotiatedMedia[];
}

/** Why an offer is not taken: an HTTP status and a sentence for whoever wrote it. */
export class Refusal {
  readonly status: 400 | 406 | 422;
  /** Stable kebab-case name: a metrics label. */
  readonly code: string;
  readonly message: string;
  /** Line of the offer that is meant, from 1; 0 when it is all of it. */
  readonly line: number;

  constructor(status: 400 | 406 | 422, code: string, message: string, line = 0) {
    this.status = status;
    this.code = code;
    this.message = message;
    this.line = line;
    Object.freeze(this);
  }
}

export function isRefusal(value: unknown): value is Refusal {
  return value instanceof Refusal;
}
