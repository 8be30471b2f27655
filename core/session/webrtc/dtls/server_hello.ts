/** What a server makes of a ClientHello. @module */

import { isFault, type SrtpProfile } from "../../../base/mod.ts";
import {
  CipherSuite,
  type ClientHello,
  DTLS_1_2,
  decodePointFormats,
  decodeRenegotiationInfo,
  decodeSupportedVersions,
  decodeU16List,
  decodeUseSrtp,
  type Extension,
  ExtensionType,
  encodePointFormats,
  encodeRenegotiationInfo,
  encodeUseSrtp,
  findExtension,
  NamedGroup,
  UNCOMPRESSED_POINT,
} from "../../../wire/dtls/mod.ts";
import { isRefusal } from "./exchange.ts";
import { GROUPS, type Group } from "./group.ts";
import {
  COMPRESSION,
  malformed,
  NO_COMMON_GROUP,
  NO_COMMON_PROFILE,
  NO_COMMON_SIGNATURE,
  NO_COMMON_SUITE,
  POINT_FORMAT,
  RENEGOTIATION_INFO,
  type Refusal,
  VERSION_NOT_SUPPORTED,
} from "./refusal.ts";
import { chooseScheme } from "./signature.ts";
import { profileNumber } from "./srtp_profile.ts";
import { SUITES, type Suite } from "./suite.ts";

/** What the server chose, and how it says so. */
export interface Choice {
  readonly suite: Suite;
  readonly group: Group;
  /** The peer's signature_algorithms. */
  readonly schemes: readonly number[];
  readonly profile: SrtpProfile;
  readonly extendedMasterSecret: boolean;
  /** Of the ServerHello. */
  readonly extensions: readonly Extension[];
}

/** A hello that also offers DTLS 1.3 is answered with 1.2, as RFC 9147 §5.3 has it. */
export function choose(
  hello: ClientHello,
  keyType: "ec" | "rsa",
  srtpProfiles: readonly SrtpProfile[],
): Choice | Refusal {
  const unusable = checkVersion(hello) ?? checkFixedParts(hello);
  if (unusable !== undefined) return unusable;
  const suite = SUITES.find(
    (each) => each.keyType === keyType && hello.cipherSuites.includes(each.id),
  );
  if (suite === undefined) return NO_COMMON_SUITE;
  const group = chooseGroup(hello);
  if (isRefusal(group)) return group;
  const schemes = offeredSchemes(hello, keyType);
  if (isRefusal(schemes)) return schemes;
  const profile = chooseProfile(hello, srtpProfiles);
  if (isRefusal(profile)) return profile;
  const extendedMasterSecret = has(hello, ExtensionType.extended_master_secret);
  const extensions = answerExtensions(hello, profile);
  return { suite, group, schemes, profile, extendedMasterSecret, extensions };
}

/** DTLS counts versions down: 0xfefd is 1.2, 0xfeff 1.0. */
function checkVersion(hello: ClientHello): Refusal | undefined {
  if (hello.version >>> 8 !== DTLS_1_2 >>> 8 || hello.version > DTLS_1_2) {
    return VERSION_NOT_SUPPORTED;
  }
  const data = findExtension(hello.extensions, ExtensionType.supported_versions);
  if (data === undefined) return undefined;
  const versions = decodeSupportedVersions(data);
  if (isFault(versions)) return malformed(versions);
  return versions.includes(DTLS_1_2) ? undefined : VERSION_NOT_SUPPORTED;
}

function checkFixedParts(hello: ClientHello): Refusal | undefined {
  if (!hello.compressionMethods.includes(0)) return COMPRESSION;
  const formats = findExtension(hello.extensions, ExtensionType.ec_point_formats);
  if (formats !== undefined) {
    const decoded = decodePointFormats(formats);
    if (isFault(decoded)) return malformed(decoded);
    if (!decoded.includes(UNCOMPRESSED_POINT)) return POINT_FORMAT;
  }
  const renegotiation = findExtension(hello.extensions, ExtensionType.renegotiation_info);
  if (renegotiation === undefined) return undefined;
  const verifyData = decodeRenegotiationInfo(renegotiation);
  if (isFault(verifyData)) return malformed(verifyData);
  return verifyData.length === 0 ? undefined : RENEGOTIATION_INFO;
}

/** Without supported_groups the server may choose (RFC 8422 §4); P-256 is what everybody has. */
function chooseGroup(hello: ClientHello): Group | Refusal {
  const data = findExtension(hello.extensions, ExtensionType.supported_groups);
  const offered = data === undefined ? [NamedGroup.secp256r1] : decodeU16List(data);
  if (isFault(offered)) return malformed(offered);
  return GROUPS.find((group) => offered.includes(group.id)) ?? NO_COMMON_GROUP;
}

/** Without signature_algorithms a client means SHA-1, which we do not sign. */
function offeredSchemes(hello: ClientHello, keyType: "ec" | "rsa"): readonly number[] | Refusal {
  const data = findExtension(hello.extensions, ExtensionType.signature_algorithms);
  if (data === undefined) return NO_COMMON_SIGNATURE;
  const offered = decodeU16List(data);
  if (isFault(offered)) return malformed(offered);
  return chooseScheme(keyType, offered) === undefined ? NO_COMMON_SIGNATURE : offered;
}

function chooseProfile(
  hello: ClientHello,
  srtpProfiles: readonly SrtpProfile[],
): SrtpProfile | Refusal {
  const data = findExtension(hello.extensions, ExtensionType.use_srtp);
  if (data === undefined) return NO_COMMON_PROFILE;
  const use = decodeUseSrtp(data);
  if (isFault(use)) return malformed(use);
  const found = srtpProfiles.find((profile) => use.profiles.includes(profileNumber(profile)));
  return found ?? NO_COMMON_PROFILE;
}

/** Only what the client offered; the MKI stays empty. */
function answerExtensions(hello: ClientHello, profile: SrtpProfile): readonly Extension[] {
  const nothing = new Uint8Array(0);
  const extensions: Extension[] = [];
  const scsv = hello.cipherSuites.includes(CipherSuite.TLS_EMPTY_RENEGOTIATION_INFO_SCSV);
  if (scsv || has(hello, ExtensionType.renegotiation_info)) {
    const data = encodeRenegotiationInfo(nothing);
    extensions.push({ type: ExtensionType.renegotiation_info, data });
  }
  if (has(hello, ExtensionType.extended_master_secret)) {
    extensions.push({ type: ExtensionType.extended_master_secret, data: nothing });
  }
  if (has(hello, ExtensionType.ec_point_formats)) {
    const data = encodePointFormats(Uint8Array.of(UNCOMPRESSED_POINT));
    extensions.push({ type: ExtensionType.ec_point_formats, data });
  }
  const data = encodeUseSrtp({ profiles: [profileNumber(profile)], mki: nothing });
  extensions.push({ type: ExtensionType.use_srtp, data });
  return extensions;
}

function has(hello: ClientHello, type: number): boolean {
  return findExtension(hello.extensions, type) !== undefined;
}
