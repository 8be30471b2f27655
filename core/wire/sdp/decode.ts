/**
 * Text to `SessionDescription` (RFC 8866 §9): one pass over the lines, linear in their length.
 *
 *     v=0                                        session part: v, o, s, then the others
 *     o=<username> <id> <version> IN IP4 <address>
 *     s=<name>
 *     t=<start> <stop>
 *     a=<name>[:<value>]
 *     m=<media> <port>[/<count>] <protocol> <fmt> ...      a media section, up to the next m=
 *     a=<name>[:<value>]
 *
 * Lines end in CRLF or LF. What is wrong comes back with the number and the text of its line.
 *
 * @module
 */
import type { Fault } from "../../base/mod.ts";
import { utf8 } from "../../bytes/mod.ts";
import { readAttribute } from "./attributes.ts";
import {
  type Connection,
  type Group,
  isRtp,
  type Origin,
  type SessionDescription,
} from "./description.ts";
import * as faults from "./faults.ts";
import { fields, halves, integer, isDigits, isToken } from "./grammar.ts";
import { finish, newSection, type Section } from "./section.ts";

/** Bytes of a description. Chromium's longest offer has about 12,000. */
export const MAX_SDP_LENGTH = 65536;
/** Characters of a line. Parameter sets in `a=fmtp` make the long ones. */
export const MAX_LINE_LENGTH = 4096;
/** Media sections of a description. */
export const MAX_MEDIA = 32;
/** Attributes of the session part, and of each section. */
export const MAX_ATTRIBUTES = 1024;
/** `a=group` lines. */
const MAX_GROUPS = 16;

interface Draft {
  /** How many of v, o, s have been read. */
  begun: number;
  timed: boolean;
  origin: Origin;
  name: string;
  iceLite: boolean;
  msidSemantic: string | undefined;
  readonly groups: (Group & { readonly line: number; readonly text: string })[];
  readonly session: Section;
  readonly media: Section[];
  readonly mids: Set<string>;
}

/** Reads a description. Never throws; every fault names its line. */
export function decodeSdp(input: string | Uint8Array): SessionDescription | faults.SdpFault {
  if (input.length > MAX_SDP_LENGTH) return new faults.SdpFault(faults.TOO_LONG, 0, "");
  const text = typeof input === "string" ? input : utf8(input);
  const lines = text.split("\n");
  while (lines.length > 0 && (lines.at(-1) === "" || lines.at(-1) === "\r")) lines.pop();
  const draft = newDraft();
  for (let i = 0; i < lines.length; i++) {
    const raw = lines[i] ?? "";
    const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
    const fault = readLine(draft, line, i + 1);
    if (fault !== undefined) return new faults.SdpFault(fault, i + 1, line);
  }
  return finishSession(draft, lines.length + 1);
}

function newDraft(): Draft {
  return {
    begun: 0,
    timed: false,
    origin: { username: "-", sessionId: "0", sessionVersion: "0", addressType: "IP4", address: "" },
    name: "",
    iceLite: false,
    msidSemantic: undefined,
    groups: [],
    session: newSection(0, "", 0, "", []),
    media: [],
    mids: new Set(),
  };
}

function finishSession(draft: Draft, end: number): SessionDescription | faults.SdpFault {
  const missing = missingLine(draft);
  if (missing !== undefined) return new faults.SdpFault(missing, end, "");
  for (const { semantics, mids, line, text } of draft.groups) {
    if (semantics === "BUNDLE" && !mids.every((mid) => draft.mids.has(mid))) {
      return new faults.SdpFault(faults.UNKNOWN_MID, line, text);
    }
  }
  return {
    origin: draft.origin,
    name: draft.name,
    iceLite: draft.iceLite,
    groups: draft.groups.map(({ semantics, mids }) => ({ semantics, mids })),
    msidSemantic: draft.msidSemantic,
    extmapAllowMixed: draft.session.extmapAllowMixed,
    media: draft.media.map((section) => finish(section, draft.session)),
  };
}

function missingLine(draft: Draft): Fault | undefined {
  if (draft.begun < 3) return [faults.NO_VERSION, faults.NO_ORIGIN, faults.NO_NAME][draft.begun];
  return draft.timed ? undefined : faults.NO_TIME;
}

/** What cannot stand in a line of text: it would not come out of our answer as it went in. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
export const CONTROL: RegExp = /[\u0000-\u0008\u000a-\u001f\u007f]/;

function readLine(draft: Draft, line: string, number: number): Fault | undefined {
  if (line.length > MAX_LINE_LENGTH) return faults.LINE_TOO_LONG;
  if (CONTROL.test(line)) return faults.CONTROL_CHARACTER;
  const type = line[0];
  if (type === undefined || line[1] !== "=" || type < "a" || type > "z") return faults.NOT_A_LINE;
  const value = line.slice(2);
  if (draft.begun < 3) return readHead(draft, type, value);
  const section = draft.media.at(-1);
  switch (type) {
    case "a":
      return readAttributeLine(draft, section, value, number, line);
    case "m":
      return readMedia(draft, value, number);
    case "c": {
      const connection = decodeConnection(value);
      if (connection === undefined) return faults.BAD_CONNECTION;
      (section ?? draft.session).connection = connection;
      return undefined;
    }
    case "b":
      return readBandwidth(section ?? draft.session, value);
    case "t":
      return section === undefined ? readTime(draft, value) : faults.OUT_OF_ORDER;
    case "v":
    case "o":
    case "s":
      return faults.OUT_OF_ORDER;
    default:
      return "iueprzk".includes(type) ? undefined : faults.UNKNOWN_TYPE;
  }
}

/** v=, o= and s= come first and in this order (RFC 8866 §5). */
function readHead(draft: Draft, type: string, value: string): Fault | undefined {
  if (type !== "vos"[draft.begun]) return missingLine(draft);
  draft.begun++;
  if (type === "v") return value.trim() === "0" ? undefined : faults.BAD_VERSION;
  if (type === "s") {
    draft.name = value;
    return undefined;
  }
  const [username, sessionId, sessionVersion, network, addressType, address, more] = fields(value);
  if (username === undefined || network !== "IN" || address === undefined || more !== undefined) {
    return faults.BAD_ORIGIN;
  }
  if (!isDigits(sessionId ?? "", 32) || !isDigits(sessionVersion ?? "", 32)) {
    return faults.BAD_ORIGIN;
  }
  draft.origin = {
    username,
    sessionId: sessionId ?? "",
    sessionVersion: sessionVersion ?? "",
    addressType: addressType ?? "",
    address,
  };
  return undefined;
}

function readTime(draft: Draft, value: string): Fault | undefined {
  const times = fields(value);
  if (times.length !== 2 || !times.every((time) => isDigits(time, 20))) return faults.BAD_TIME;
  draft.timed = true;
  return undefined;
}

function decodeConnection(value: string): Connection | undefined {
  const [network, addressType, address, more] = fields(value);
  if (network !== "IN" || address === undefined || more !== undefined) return undefined;
  if (addressType !== "IP4" && addressType !== "IP6") return undefined;
  return { addressType, address };
}

function readBandwidth(section: Section, value: string): Fault | undefined {
  const [type, amount] = halves(value, ":");
  const bandwidth = integer(amount.trim(), Number.MAX_SAFE_INTEGER);
  if (!isToken(type) || bandwidth < 0) return faults.BAD_BANDWIDTH;
  if (++section.attributes > MAX_ATTRIBUTES) return faults.TOO_MANY;
  section.bandwidths.push({ type, value: bandwidth });
  return undefined;
}

function readAttributeLine(
  draft: Draft,
  section: Section | undefined,
  line: string,
  number: number,
  text: string,
): Fault | undefined {
  const where = section ?? draft.session;
  if (++where.attributes > MAX_ATTRIBUTES) return faults.TOO_MANY;
  const [name, value] = halves(line, ":");
  if (section !== undefined) {
    const fault = readAttribute(section, "media", name, value.trim());
    if (fault !== undefined || name !== "mid" || section.mid === undefined) return fault;
    if (draft.mids.has(section.mid)) return faults.DUPLICATE_MID;
    draft.mids.add(section.mid);
    return undefined;
  }
  if (name === "group") return readGroup(draft, value, number, text);
  if (name === "ice-lite") draft.iceLite = true;
  if (name === "msid-semantic") draft.msidSemantic = value.trim();
  return readAttribute(draft.session, "session", name, value.trim());
}

function readGroup(draft: Draft, value: string, line: number, text: string): Fault | undefined {
  const [semantics, ...mids] = fields(value);
  if (semantics === undefined || !isToken(semantics) || !mids.every(isToken)) {
    return faults.BAD_GROUP;
  }
  if (draft.groups.length >= MAX_GROUPS || mids.length > MAX_MEDIA) return faults.TOO_MANY;
  draft.groups.push({ semantics, mids, line, text });
  return undefined;
}

function readMedia(draft: Draft, value: string, line: number): Fault | undefined {
  const missing = missingLine(draft);
  if (missing !== undefined) return missing;
  if (draft.media.length >= MAX_MEDIA) return faults.TOO_MANY;
  const [kind, ports, protocol, ...formats] = fields(value);
  if (kind === undefined || !isToken(kind) || protocol === undefined) return faults.BAD_MEDIA;
  const [portText, countText] = halves(ports ?? "", "/");
  const port = integer(portText, 0xffff);
  if (port < 0 || (countText !== "" && integer(countText, 0xffff) < 1)) return faults.BAD_MEDIA;
  if (formats.length === 0 || !protocol.split("/").every(isToken)) return faults.BAD_MEDIA;
  const section = newSection(line, kind, port, protocol, formats);
  if (isRtp(protocol)) {
    for (const format of formats) {
      const payloadType = integer(format, 127);
      if (payloadType < 0 || section.codecs.has(payloadType)) return faults.BAD_PAYLOAD_TYPE;
      section.codecs.set(payloadType, {
        payloadType,
        name: "",
        clockRate: 0,
        channels: 0,
        parameters: "",
        feedback: [],
      });
    }
  }
  draft.media.push(section);
  return undefined;
}
