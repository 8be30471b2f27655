/**
 * `application/trickle-ice-sdpfrag` (RFC 8840 §9): the ICE part of a description, as WHIP and WHEP
 * send it in a PATCH.
 *
 *     a=ice-lite | a=ice-options:<..> | a=group:BUNDLE <mid> ...     session part
 *     a=ice-ufrag:<ufrag>
 *     a=ice-pwd:<pwd>
 *     m=<media> <port> <protocol> <fmt> ...                           pseudo media section
 *     a=mid:<mid>
 *     a=ice-ufrag:<ufrag>          here or in the session part
 *     a=ice-pwd:<pwd>
 *     a=candidate:<..>
 *     a=end-of-candidates
 *
 * Lines end in CRLF or LF. Attributes we do not know are passed over.
 *
 * @module
 */
import type { Fault } from "../../base/mod.ts";
import { readAttribute } from "./attributes.ts";
import { encodeCandidate } from "./candidate.ts";
import { CONTROL, MAX_ATTRIBUTES, MAX_LINE_LENGTH, MAX_MEDIA, MAX_SDP_LENGTH } from "./decode.ts";
import type { Candidate } from "./description.ts";
import * as faults from "./faults.ts";
import { fields, halves, integer, isToken } from "./grammar.ts";
import { newSection, type Section } from "./section.ts";

/** `a=ice-ufrag` with its `a=ice-pwd`. */
export interface FragmentCredentials {
  readonly ufrag: string;
  readonly pwd: string;
}

export interface FragmentMedia {
  readonly kind: string;
  readonly protocol: string;
  /** The fmt list as written. */
  readonly formats: readonly string[];
  readonly mid: string | undefined;
  readonly candidates: readonly Candidate[];
  readonly endOfCandidates: boolean;
}

export interface SdpFragment {
  readonly iceLite: boolean;
  readonly iceOptions: readonly string[];
  /** The mids of `a=group:BUNDLE`; empty when there is none. */
  readonly bundle: readonly string[];
  /** Those of the one ICE session all sections belong to. */
  readonly credentials: FragmentCredentials | undefined;
  readonly media: readonly FragmentMedia[];
}

/** Reads a fragment. Never throws; every fault names its line. */
export function decodeSdpFragment(text: string): SdpFragment | faults.SdpFault {
  if (text.length > MAX_SDP_LENGTH) return new faults.SdpFault(faults.TOO_LONG, 0, "");
  const lines = text.split("\n");
  const draft: Draft = {
    session: newSection(0, "", 0, "", []),
    media: [],
    lite: false,
    bundle: [],
  };
  for (const [i, raw] of lines.entries()) {
    const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
    if (line === "") continue;
    const fault = readLine(draft, line, i + 1);
    if (fault !== undefined) return new faults.SdpFault(fault, i + 1, line);
  }
  if (draft.media.length === 0 && draft.session.attributes === 0) {
    return new faults.SdpFault(faults.EMPTY_FRAGMENT, 0, "");
  }
  return finish(draft);
}

interface Draft {
  readonly session: Section;
  readonly media: Section[];
  lite: boolean;
  bundle: readonly string[];
}

function readLine(draft: Draft, line: string, number: number): Fault | undefined {
  if (line.length > MAX_LINE_LENGTH) return faults.LINE_TOO_LONG;
  if (CONTROL.test(line)) return faults.CONTROL_CHARACTER;
  const value = line.slice(2);
  if (line.startsWith("m=")) return readMedia(draft, value, number);
  if (!line.startsWith("a=")) return faults.NOT_IN_FRAGMENT;
  const section = draft.media.at(-1) ?? draft.session;
  if (++section.attributes > MAX_ATTRIBUTES) return faults.TOO_MANY;
  const [name, rest] = halves(value, ":");
  if (section !== draft.session) return readAttribute(section, "media", name, rest.trim());
  if (name === "ice-lite") draft.lite = true;
  if (name === "group") {
    const [semantics, ...mids] = fields(rest);
    if (mids.length > MAX_MEDIA) return faults.TOO_MANY;
    if (semantics === "BUNDLE") draft.bundle = mids;
  }
  return readAttribute(section, "session", name, rest.trim());
}

/** RFC 8840 §9.2: only the kind means anything, and browsers' formats are not worth a refusal. */
function readMedia(draft: Draft, value: string, number: number): Fault | undefined {
  if (draft.media.length >= MAX_MEDIA) return faults.TOO_MANY;
  const [kind, port, protocol, ...formats] = fields(value);
  if (kind === undefined || !isToken(kind) || protocol === undefined) return faults.BAD_MEDIA;
  if (integer(port ?? "", 0xffff) < 0) return faults.BAD_MEDIA;
  draft.media.push(newSection(number, kind, 9, protocol, formats));
  return undefined;
}

function finish(draft: Draft): SdpFragment | faults.SdpFault {
  let credentials: FragmentCredentials | undefined;
  for (const { iceUfrag: ufrag, icePwd: pwd, line } of [draft.session, ...draft.media]) {
    if (ufrag === undefined && pwd === undefined) continue;
    if (ufrag === undefined || pwd === undefined) {
      return new faults.SdpFault(faults.HALF_CREDENTIALS, line, "");
    }
    if (credentials !== undefined && (credentials.ufrag !== ufrag || credentials.pwd !== pwd)) {
      return new faults.SdpFault(faults.TWO_CREDENTIALS, line, "");
    }
    credentials = { ufrag, pwd };
  }
  return {
    iceLite: draft.lite,
    iceOptions: draft.session.iceOptions,
    bundle: draft.bundle,
    credentials,
    media: draft.media.map(({ kind, protocol, formats, mid, candidates, endOfCandidates }) => ({
      kind,
      protocol,
      formats,
      mid,
      candidates,
      endOfCandidates,
    })),
  };
}

/** Writes a fragment, CRLF lines; the credentials stand in each media section. */
export function encodeSdpFragment(fragment: SdpFragment): string {
  const lines: string[] = [];
  if (fragment.iceLite) lines.push("a=ice-lite");
  if (fragment.iceOptions.length > 0) lines.push(`a=ice-options:${fragment.iceOptions.join(" ")}`);
  if (fragment.bundle.length > 0) lines.push(`a=group:BUNDLE ${fragment.bundle.join(" ")}`);
  for (const media of fragment.media) {
    lines.push(`m=${media.kind} 9 ${media.protocol} ${media.formats.join(" ")}`);
    if (media.mid !== undefined) lines.push(`a=mid:${media.mid}`);
    if (fragment.credentials !== undefined) {
      lines.push(`a=ice-ufrag:${fragment.credentials.ufrag}`);
      lines.push(`a=ice-pwd:${fragment.credentials.pwd}`);
    }
    for (const candidate of media.candidates) lines.push(`a=${encodeCandidate(candidate)}`);
    if (media.endOfCandidates) lines.push("a=end-of-candidates");
  }
  return `${lines.join("\r\n")}\r\n`;
}
