/** What a client offers, and what it takes of a ServerHello. @module */

import { isFault, type SrtpProfile } from "../../../base/mod.ts";
import {
  DTLS_1_2,
  decodePointFormats,
  decodeRenegotiationInfo,
  decodeUseSrtp,
  type Extension,
  ExtensionType,
  encodePointFormats,
  encodeRenegotiationInfo,
  encodeU16List,
  encodeUseSrtp,
  findExtension,
  type ServerHello,
  UNCOMPRESSED_POINT,
} from "../../../wire/dtls/mod.ts";
import { GROUPS } from "./group.ts";
import {
  COMPRESSION,
  EXTENSION_NOT_OFFERED,
  malformed,
  NO_COMMON_PROFILE,
  NOT_OFFERED,
  POINT_FORMAT,
  RENEGOTIATION_INFO,
  type Refusal,
  VERSION_NOT_SUPPORTED,
} from "./refusal.ts";
import { SCHEME_IDS } from "./signature.ts";
import { profileNumber } from "./srtp_profile.ts";
import { SUITES, type Suite } from "./suite.ts";

/** What the server chose out of our offer. */
export interface Accepted {
  readonly suite: Suite;
  readonly profile: SrtpProfile;
  readonly extendedMasterSecret: boolean;
}

export function clientExtensions(srtpProfiles: readonly SrtpProfile[]): readonly Extension[] {
  const nothing = new Uint8Array(0);
  return [
    { type: ExtensionType.renegotiation_info, data: encodeRenegotiationInfo(nothing) },
    { type: ExtensionType.extended_master_secret, data: nothing },
    {
      type: ExtensionType.supported_groups,
      data: encodeU16List(GROUPS.map((group) => group.id)),
    },
    {
      type: ExtensionType.ec_point_formats,
      data: encodePointFormats(Uint8Array.of(UNCOMPRESSED_POINT)),
    },
    { type: ExtensionType.signature_algorithms, data: encodeU16List(SCHEME_IDS) },
    {
      type: ExtensionType.use_srtp,
      data: encodeUseSrtp({ profiles: srtpProfiles.map(profileNumber), mki: nothing }),
    },
  ];
}

export function acceptServerHello(
  hello: ServerHello,
  srtpProfiles: readonly SrtpProfile[],
): Accepted | Refusal {
  if (hello.version !== DTLS_1_2) return VERSION_NOT_SUPPORTED;
  if (hello.compressionMethod !== 0) return COMPRESSION;
  const suite = SUITES.find((each) => each.id === hello.cipherSuite);
  if (suite === undefined) return NOT_OFFERED;
  if (hello.extensions.some((extension) => !OFFERED.has(extension.type))) {
    return EXTENSION_NOT_OFFERED;
  }
  const wrong = checkRenegotiation(hello) ?? checkPointFormats(hello);
  if (wrong !== undefined) return wrong;
  const data = findExtension(hello.extensions, ExtensionType.use_srtp);
  if (data === undefined) return NO_COMMON_PROFILE;
  const use = decodeUseSrtp(data);
  if (isFault(use)) return malformed(use);
  const profile = srtpProfiles.find((each) => profileNumber(each) === use.profiles[0]);
  // Ours was empty, and the server must not make one up (RFC 5764 §4.1.3).
  if (profile === undefined || use.profiles.length !== 1 || use.mki.length > 0) return NOT_OFFERED;
  const ems = findExtension(hello.extensions, ExtensionType.extended_master_secret);
  return { suite, profile, extendedMasterSecret: ems !== undefined };
}

const OFFERED: ReadonlySet<number> = new Set([
  ExtensionType.renegotiation_info,
  ExtensionType.extended_master_secret,
  ExtensionType.ec_point_formats,
  ExtensionType.use_srtp,
]);

function checkRenegotiation(hello: ServerHello): Refusal | undefined {
  const data = findExtension(hello.extensions, ExtensionType.renegotiation_info);
  if (data === undefined) return undefined;
  const verifyData = decodeRenegotiationInfo(data);
  if (isFault(verifyData)) return malformed(verifyData);
  return verifyData.length === 0 ? undefined : RENEGOTIATION_INFO;
}

function checkPointFormats(hello: ServerHello): Refusal | undefined {
  const data = findExtension(hello.extensions, ExtensionType.ec_point_formats);
  if (data === undefined) return undefined;
  const formats = decodePointFormats(data);
  if (isFault(formats)) return malformed(formats);
  return formats.includes(UNCOMPRESSED_POINT) ? undefined : POINT_FORMAT;
}
