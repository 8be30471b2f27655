/**
 * The `a=` lines, one function each. A function gets the section it stands in and the value behind
 * the colon, and returns the fault of the line or nothing.
 *
 * @module
 */
import { Fault } from "../../base/mod.ts";
import { decodeCandidate } from "./candidate.ts";
import { fmtp, rtcpFb, rtpmap } from "./codec_attributes.ts";
import type { Direction, Setup } from "./description.ts";
import * as faults from "./faults.ts";
import { fields, halves, integer, isIceChars, isToken } from "./grammar.ts";
import type { Section } from "./section.ts";
import { rid, simulcast, ssrc, ssrcGroup } from "./source_attributes.ts";

type Attribute = (section: Section, value: string) => Fault | undefined;

/** `a=candidate` lines taken per section; a machine with many interfaces writes dozens. */
const MAX_CANDIDATES = 256;
/** Lines or words of one kind taken per section where a handful is normal. */
const MAX_FEW = 32;
/** Characters of an identification tag; browsers write one or two. */
const MAX_MID = 64;
/** `a=extmap` lines taken per section. */
const MAX_EXTENSIONS = 64;

/** Bytes of the digests of RFC 8122 §5. */
const DIGEST_SIZES: ReadonlyMap<string, number> = new Map([
  ["md2", 16],
  ["md5", 16],
  ["sha-1", 20],
  ["sha-224", 28],
  ["sha-256", 32],
  ["sha-384", 48],
  ["sha-512", 64],
]);

const DIRECTIONS: readonly string[] = ["sendrecv", "sendonly", "recvonly", "inactive"];
const SETUPS: readonly string[] = ["active", "passive", "actpass", "holdconn"];

/** Attributes that may stand at session level and then hold for every section. */
const INHERITED: Readonly<Record<string, Attribute>> = {
  sendrecv: direction("sendrecv"),
  sendonly: direction("sendonly"),
  recvonly: direction("recvonly"),
  inactive: direction("inactive"),
  setup,
  fingerprint,
  extmap,
  "extmap-allow-mixed": (section) => {
    section.extmapAllowMixed = true;
    return undefined;
  },
  "ice-ufrag": (section, value) => {
    if (!isIceChars(value, 4, 256)) return faults.BAD_UFRAG;
    section.iceUfrag = value;
    return undefined;
  },
  "ice-pwd": (section, value) => {
    if (!isIceChars(value, 22, 256)) return faults.BAD_PWD;
    section.icePwd = value;
    return undefined;
  },
  "ice-options": iceOptions,
};

const MEDIA_ONLY: Readonly<Record<string, Attribute>> = {
  mid: (section, value) => {
    if (!isToken(value) || value.length > MAX_MID || section.mid !== undefined) {
      return faults.BAD_MID;
    }
    section.mid = value;
    return undefined;
  },
  "bundle-only": (section) => {
    section.bundleOnly = true;
    return undefined;
  },
  "rtcp-mux": (section) => {
    section.rtcpMux = true;
    return undefined;
  },
  "rtcp-mux-only": (section) => {
    section.rtcpMuxOnly = true;
    return undefined;
  },
  "rtcp-rsize": (section) => {
    section.rtcpRsize = true;
    return undefined;
  },
  candidate,
  "end-of-candidates": (section) => {
    section.endOfCandidates = true;
    return undefined;
  },
  rtpmap,
  fmtp,
  "rtcp-fb": rtcpFb,
  msid,
  ssrc,
  "ssrc-group": ssrcGroup,
  rid,
  simulcast,
  ptime: (section, value) => {
    const time = milliseconds(value);
    if (time === undefined) return faults.BAD_PTIME;
    section.ptime = time;
    return undefined;
  },
  maxptime: (section, value) => {
    const time = milliseconds(value);
    if (time === undefined) return faults.BAD_PTIME;
    section.maxptime = time;
    return undefined;
  },
};

const AT_SESSION: ReadonlyMap<string, Attribute> = new Map(Object.entries(INHERITED));
const AT_MEDIA: ReadonlyMap<string, Attribute> = new Map(
  Object.entries({ ...INHERITED, ...MEDIA_ONLY }),
);

/** Reads one attribute into `section`; what we do not know is passed over (RFC 8866 §5.13). */
export function readAttribute(
  section: Section,
  level: "session" | "media",
  name: string,
  value: string,
): Fault | undefined {
  return (level === "session" ? AT_SESSION : AT_MEDIA).get(name)?.(section, value);
}

function direction(value: Direction): Attribute {
  return (section) => {
    section.direction = value;
    return undefined;
  };
}

function setup(section: Section, value: string): Fault | undefined {
  const known = SETUPS.indexOf(value.toLowerCase());
  if (known < 0) return faults.BAD_SETUP;
  section.setup = SETUPS[known] as Setup;
  return undefined;
}

function fingerprint(section: Section, value: string): Fault | undefined {
  const [algorithm, digest, more] = fields(value);
  if (algorithm === undefined || digest === undefined || more !== undefined) {
    return faults.BAD_FINGERPRINT;
  }
  const name = algorithm.toLowerCase();
  const size = DIGEST_SIZES.get(name);
  // An algorithm we have never heard of is no reason to refuse the others (RFC 8122 §5.1).
  if (size === undefined) return isToken(name) ? undefined : faults.BAD_FINGERPRINT;
  if (digest.length !== size * 3 - 1 || !/^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})*$/.test(digest)) {
    return faults.BAD_FINGERPRINT;
  }
  if (section.fingerprints.length >= MAX_FEW) return faults.TOO_MANY;
  section.fingerprints.push({ algorithm: name, value: digest.toUpperCase() });
  return undefined;
}

function extmap(section: Section, value: string): Fault | undefined {
  const [where, uri] = fields(value);
  const [idText, way] = halves(where ?? "", "/");
  const id = integer(idText, 4351);
  if (id < 1 || (id > 255 && id < 4096) || uri === undefined) return faults.BAD_EXTMAP;
  if (way !== "" && !DIRECTIONS.includes(way)) return faults.BAD_EXTMAP;
  if (section.extensions.length >= MAX_EXTENSIONS) return faults.TOO_MANY;
  const twin = section.extensions.find((other) => other.id === id);
  // From 4096 on several lines may share an id: the answerer picks one (RFC 8285 §7).
  if (twin !== undefined && id < 4096) {
    return twin.uri === uri ? undefined : faults.DUPLICATE_EXTMAP;
  }
  const direction = way === "" ? undefined : (way as Direction);
  section.extensions.push({ id, direction, uri });
  return undefined;
}

/** libdatachannel parts them with commas; nothing depends on one that cannot be read. */
function iceOptions(section: Section, value: string): Fault | undefined {
  for (const option of value.split(/[ ,]/)) {
    if (option === "" || !isToken(option)) continue;
    if (section.iceOptions.length >= MAX_FEW) return faults.TOO_MANY;
    section.iceOptions.push(option);
  }
  return undefined;
}

function candidate(section: Section, value: string): Fault | undefined {
  const decoded = decodeCandidate(value);
  if (decoded instanceof Fault) return decoded;
  if (section.candidates.length >= MAX_CANDIDATES) return faults.TOO_MANY;
  section.candidates.push(decoded);
  return undefined;
}

function msid(section: Section, value: string): Fault | undefined {
  const parts = fields(value);
  if (parts.length < 1 || parts.length > 2) return faults.BAD_MSID;
  if (section.msids.length >= MAX_FEW) return faults.TOO_MANY;
  section.msids.push(parts.join(" "));
  return undefined;
}

function milliseconds(value: string): number | undefined {
  return /^[0-9]{1,6}(\.[0-9]{1,6})?$/.test(value) ? Number(value) : undefined;
}
