/**
 * A session description as a value: what RFC 8866 and the attributes WebRTC uses say, with
 * session-level attributes already inherited by the media sections they hold for.
 *
 * @module
 */

/** `a=sendrecv` and its kin (RFC 8866 §6.7), as seen by whoever wrote the description. */
export type Direction = "sendrecv" | "sendonly" | "recvonly" | "inactive";

/** `a=setup` (RFC 4145 §4): who opens DTLS. */
export type Setup = "active" | "passive" | "actpass" | "holdconn";

/** `o=` (RFC 8866 §5.2). The two numbers stay text: they may have 20 digits. */
export interface Origin {
  readonly username: string;
  readonly sessionId: string;
  readonly sessionVersion: string;
  readonly addressType: string;
  readonly address: string;
}

/** `c=` (RFC 8866 §5.7). */
export interface Connection {
  readonly addressType: string;
  readonly address: string;
}

/** `b=` (RFC 8866 §5.8), in the unit of its type: kbit/s for `AS`, bit/s for `TIAS`. */
export interface Bandwidth {
  readonly type: string;
  readonly value: number;
}

/** `a=group` (RFC 5888 §5). */
export interface Group {
  readonly semantics: string;
  readonly mids: readonly string[];
}

/** One payload type with its `a=rtpmap`, `a=fmtp` and `a=rtcp-fb`. */
export interface Codec {
  readonly payloadType: number;
  /** As spelled in `a=rtpmap`; compare without regard to case. */
  readonly name: string;
  readonly clockRate: number;
  /** 0 for video. */
  readonly channels: number;
  /** Value of `a=fmtp`, empty when there is none. */
  readonly parameters: string;
  /** `nack`, `nack pli`, `ccm fir`, ... (RFC 4585 §4.2), those of `a=rtcp-fb:*` included. */
  readonly feedback: readonly string[];
}

/** `a=extmap` (RFC 8285 §8). `direction` is undefined when the line has none. */
export interface Extension {
  readonly id: number;
  readonly direction: Direction | undefined;
  readonly uri: string;
}

/** What `a=ssrc` lines say of one source (RFC 5576 §4.1). */
export interface Source {
  readonly ssrc: number;
  readonly cname: string | undefined;
  readonly msid: string | undefined;
}

/** `a=ssrc-group` (RFC 5576 §4.2): `FID`, `SIM`, `FEC-FR`. */
export interface SourceGroup {
  readonly semantics: string;
  readonly ssrcs: readonly number[];
}

/** `a=rid` (RFC 8851 §4). */
export interface Rid {
  readonly id: string;
  readonly direction: "send" | "recv";
  /** `pt=..` and the other restrictions as written, empty when there are none. */
  readonly restrictions: string;
}

/**
 * `a=simulcast` (RFC 8853 §5.1): streams in order, each with its alternatives (`1,~4`) as written.
 */
export interface Simulcast {
  readonly send: readonly string[];
  readonly recv: readonly string[];
}

/** `a=fingerprint` (RFC 8122 §5). */
export interface Fingerprint {
  /** Lower case: `sha-256`. */
  readonly algorithm: string;
  /** Upper case hexadecimal, colons between the bytes. */
  readonly value: string;
}

/** `a=candidate` (RFC 8839 §5.1, `tcpType` RFC 6544 §4.5). */
export interface Candidate {
  readonly foundation: string;
  readonly component: number;
  /** Lower case: `udp`, `tcp`. */
  readonly transport: string;
  readonly priority: number;
  /** An address, or a name such as those of mDNS. */
  readonly address: string;
  readonly port: number;
  /** `host`, `srflx`, `prflx`, `relay`. */
  readonly type: string;
  readonly tcpType: string | undefined;
}

/** One `m=` section. */
export interface MediaDescription {
  /** Number of the `m=` line in what was decoded, from 1; 0 in what we wrote ourselves. */
  readonly line: number;
  /** `audio`, `video`, `application`, ... */
  readonly kind: string;
  readonly port: number;
  readonly protocol: string;
  /** The fmt list as written. */
  readonly formats: readonly string[];
  /** The codecs of the fmt list in its order; payload types nobody explains are left out. */
  readonly codecs: readonly Codec[];
  readonly connection: Connection | undefined;
  readonly bandwidths: readonly Bandwidth[];
  readonly mid: string | undefined;
  readonly direction: Direction;
  readonly bundleOnly: boolean;
  readonly rtcpMux: boolean;
  readonly rtcpMuxOnly: boolean;
  readonly rtcpRsize: boolean;
  readonly extmapAllowMixed: boolean;
  readonly extensions: readonly Extension[];
  readonly iceUfrag: string | undefined;
  readonly icePwd: string | undefined;
  readonly iceOptions: readonly string[];
  readonly candidates: readonly Candidate[];
  readonly endOfCandidates: boolean;
  readonly setup: Setup | undefined;
  readonly fingerprints: readonly Fingerprint[];
  /** Values of `a=msid`: stream, and after a space the track (RFC 8830 §2). */
  readonly msids: readonly string[];
  readonly sources: readonly Source[];
  readonly sourceGroups: readonly SourceGroup[];
  readonly rids: readonly Rid[];
  readonly simulcast: Simulcast | undefined;
  /** Milliseconds (RFC 8866 §6.4, §6.5). */
  readonly ptime: number | undefined;
  readonly maxptime: number | undefined;
}

export interface SessionDescription {
  readonly origin: Origin;
  readonly name: string;
  /** `i=` (RFC 8866 §5.4), for people; written, not read. */
  readonly information?: string;
  readonly iceLite: boolean;
  readonly groups: readonly Group[];
  /** Value of `a=msid-semantic` (draft-ietf-mmusic-msid-16), which old WebRTC stacks look for. */
  readonly msidSemantic: string | undefined;
  readonly extmapAllowMixed: boolean;
  readonly media: readonly MediaDescription[];
}

/** Whether a section carries RTP, whose fmt list is payload types. */
export function isRtp(protocol: string): boolean {
  return protocol.includes("RTP/");
}
