/** A media section, or the session part, while its lines are being read. @module */
import type {
  Bandwidth,
  Candidate,
  Codec,
  Connection,
  Direction,
  Extension,
  Fingerprint,
  MediaDescription,
  Rid,
  Setup,
  Simulcast,
  SourceGroup,
} from "./description.ts";

export interface CodecDraft {
  readonly payloadType: number;
  name: string;
  clockRate: number;
  channels: number;
  parameters: string;
  feedback: string[];
}

export interface SourceDraft {
  readonly ssrc: number;
  cname: string | undefined;
  msid: string | undefined;
}

export interface Section {
  readonly line: number;
  readonly kind: string;
  readonly port: number;
  readonly protocol: string;
  readonly formats: readonly string[];
  readonly codecs: Map<number, CodecDraft>;
  readonly feedbackOfAll: string[];
  readonly bandwidths: Bandwidth[];
  readonly extensions: Extension[];
  readonly iceOptions: string[];
  readonly candidates: Candidate[];
  readonly fingerprints: Fingerprint[];
  readonly msids: string[];
  readonly sources: Map<number, SourceDraft>;
  readonly sourceGroups: SourceGroup[];
  readonly rids: Rid[];
  connection: Connection | undefined;
  mid: string | undefined;
  direction: Direction | undefined;
  bundleOnly: boolean;
  rtcpMux: boolean;
  rtcpMuxOnly: boolean;
  rtcpRsize: boolean;
  extmapAllowMixed: boolean;
  iceUfrag: string | undefined;
  icePwd: string | undefined;
  endOfCandidates: boolean;
  setup: Setup | undefined;
  simulcast: Simulcast | undefined;
  ptime: number | undefined;
  maxptime: number | undefined;
  attributes: number;
}

export function newSection(
  line: number,
  kind: string,
  port: number,
  protocol: string,
  formats: readonly string[],
): Section {
  return {
    line,
    kind,
    port,
    protocol,
    formats,
    codecs: new Map(),
    feedbackOfAll: [],
    bandwidths: [],
    extensions: [],
    iceOptions: [],
    candidates: [],
    fingerprints: [],
    msids: [],
    sources: new Map(),
    sourceGroups: [],
    rids: [],
    connection: undefined,
    mid: undefined,
    direction: undefined,
    bundleOnly: false,
    rtcpMux: false,
    rtcpMuxOnly: false,
    rtcpRsize: false,
    extmapAllowMixed: false,
    iceUfrag: undefined,
    icePwd: undefined,
    endOfCandidates: false,
    setup: undefined,
    simulcast: undefined,
    ptime: undefined,
    maxptime: undefined,
    attributes: 0,
  };
}

/** Payload types that need no `a=rtpmap` (RFC 3551 §6). */
const STATIC_CODECS: ReadonlyMap<number, readonly [string, number]> = new Map([
  [0, ["PCMU", 8000]],
  [3, ["GSM", 8000]],
  [8, ["PCMA", 8000]],
  [9, ["G722", 8000]],
  [13, ["CN", 8000]],
  [18, ["G729", 8000]],
]);

/** The finished section, with what the session level says where the section is silent. */
export function finish(section: Section, session: Section): MediaDescription {
  const inherits = <T>(own: readonly T[], above: readonly T[]): readonly T[] =>
    own.length > 0 ? own : above;
  return {
    line: section.line,
    kind: section.kind,
    port: section.port,
    protocol: section.protocol,
    formats: section.formats,
    codecs: finishCodecs(section),
    connection: section.connection ?? session.connection,
    bandwidths: section.bandwidths,
    mid: section.mid,
    direction: section.direction ?? session.direction ?? "sendrecv",
    bundleOnly: section.bundleOnly,
    rtcpMux: section.rtcpMux,
    rtcpMuxOnly: section.rtcpMuxOnly,
    rtcpRsize: section.rtcpRsize,
    extmapAllowMixed: section.extmapAllowMixed || session.extmapAllowMixed,
    extensions: finishExtensions(section.extensions, session.extensions),
    iceUfrag: section.iceUfrag ?? session.iceUfrag,
    icePwd: section.icePwd ?? session.icePwd,
    iceOptions: inherits(section.iceOptions, session.iceOptions),
    candidates: section.candidates,
    endOfCandidates: section.endOfCandidates,
    setup: section.setup ?? session.setup,
    fingerprints: inherits(section.fingerprints, session.fingerprints),
    msids: section.msids,
    sources: [...section.sources.values()],
    sourceGroups: section.sourceGroups,
    rids: section.rids,
    simulcast: section.simulcast,
    ptime: section.ptime,
    maxptime: section.maxptime,
  };
}

function finishCodecs(section: Section): readonly Codec[] {
  const out: Codec[] = [];
  for (const draft of section.codecs.values()) {
    const fixed = STATIC_CODECS.get(draft.payloadType);
    if (draft.name === "" && fixed === undefined) continue;
    const named = draft.name !== "" || fixed === undefined;
    out.push({
      payloadType: draft.payloadType,
      name: named ? draft.name : fixed[0],
      clockRate: named ? draft.clockRate : fixed[1],
      channels: section.kind === "audio" ? Math.max(1, draft.channels) : 0,
      parameters: draft.parameters,
      feedback: [...new Set([...draft.feedback, ...section.feedbackOfAll])],
    });
  }
  return out;
}

/**
 * Session-level mappings hold for every section that does not give the id away itself (RFC 8285
 * §5).
 */
function finishExtensions(own: readonly Extension[], above: readonly Extension[]): Extension[] {
  const taken = new Set(own.map((extension) => extension.id));
  return [...own, ...above.filter((extension) => !taken.has(extension.id))];
}
