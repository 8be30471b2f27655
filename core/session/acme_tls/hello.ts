/** What a ClientHello for acme-tls/1 is answered with. @module */
import { type Fault, isFault } from "../../base/mod.ts";
import { concat, latin1Bytes, u8 } from "../../bytes/mod.ts";
import {
  AlertDescription,
  CipherSuite,
  type ClientHello,
  decodeClientHello,
  decodeSupportedVersions,
  decodeU16List,
  type Extension,
  ExtensionType,
  encodePointFormats,
  encodeRenegotiationInfo,
  findExtension,
  NamedGroup,
  UNCOMPRESSED_POINT,
} from "../../wire/dtls/mod.ts";
import { GROUPS, type Group } from "../webrtc/dtls/group.ts";
import { chooseScheme } from "../webrtc/dtls/signature.ts";
import { SUITES, type Suite } from "../webrtc/dtls/suite.ts";

export const TLS_1_2 = 0x0303;
const ALPN = 16;
const ACME_TLS = "acme-tls/1";

/** The client's side of what was agreed, and the extensions of the ServerHello. */
export interface Agreed {
  readonly clientRandom: Uint8Array;
  readonly suite: Suite;
  readonly group: Group;
  readonly schemes: readonly number[];
  readonly extendedMasterSecret: boolean;
  readonly extensions: readonly Extension[];
}

/** `body` is that of the handshake message. An `AlertDescription` refuses. */
export function answerHello(body: Uint8Array): Agreed | number {
  const hello = decodeTlsHello(body);
  if (isFault(hello)) return AlertDescription.decode_error;
  if (!offersTls12(hello)) return AlertDescription.protocol_version;
  const suite = SUITES.find(
    ({ id, keyType }) => keyType === "ec" && hello.cipherSuites.includes(id),
  );
  const groups = u16sOf(hello, ExtensionType.supported_groups) ?? [NamedGroup.secp256r1];
  const group = GROUPS.find(({ id }) => groups.includes(id));
  const schemes = u16sOf(hello, ExtensionType.signature_algorithms) ?? [];
  const usable = chooseScheme("ec", schemes) !== undefined && hello.compressionMethods.includes(0);
  if (suite === undefined || group === undefined || !usable)
    return AlertDescription.handshake_failure;
  return {
    clientRandom: hello.random.slice(),
    suite,
    group,
    schemes,
    extendedMasterSecret: has(hello, ExtensionType.extended_master_secret),
    extensions: answerExtensions(hello),
  };
}

/** DTLS has a cookie behind the session id (RFC 6347 §4.2.1); TLS has the same without. */
function decodeTlsHello(body: Uint8Array): ClientHello | Fault {
  const at = body.length > 34 ? Math.min(35 + u8(body, 34), body.length) : body.length;
  return decodeClientHello(concat([body.subarray(0, at), Uint8Array.of(0), body.subarray(at)]));
}

/** supported_versions, where it is there, counts alone (RFC 8446 §4.2.1). */
function offersTls12(hello: ClientHello): boolean {
  const data = findExtension(hello.extensions, ExtensionType.supported_versions);
  if (data === undefined) return hello.version >= TLS_1_2;
  const versions = decodeSupportedVersions(data);
  return !isFault(versions) && versions.includes(TLS_1_2);
}

function u16sOf(hello: ClientHello, type: number): readonly number[] | undefined {
  const data = findExtension(hello.extensions, type);
  const list = data && decodeU16List(data);
  return list === undefined || isFault(list) ? undefined : list;
}

/** Only what the client offered (RFC 5246 §7.4.1.4). */
function answerExtensions(hello: ClientHello): readonly Extension[] {
  const nothing = new Uint8Array(0);
  const protocol = Uint8Array.of(ACME_TLS.length, ...latin1Bytes(ACME_TLS));
  const extensions: Extension[] = [
    { type: ALPN, data: concat([Uint8Array.of(0, protocol.length), protocol]) },
  ];
  const scsv = hello.cipherSuites.includes(CipherSuite.TLS_EMPTY_RENEGOTIATION_INFO_SCSV);
  if (scsv || has(hello, ExtensionType.renegotiation_info)) {
    const data = encodeRenegotiationInfo(nothing);
    extensions.push({ type: ExtensionType.renegotiation_info, data });
  }
  if (has(hello, ExtensionType.extended_master_secret))
    extensions.push({ type: ExtensionType.extended_master_secret, data: nothing });
  if (has(hello, ExtensionType.ec_point_formats)) {
    const data = encodePointFormats(Uint8Array.of(UNCOMPRESSED_POINT));
    extensions.push({ type: ExtensionType.ec_point_formats, data });
  }
  return extensions;
}

function has(hello: ClientHello, type: number): boolean {
  return findExtension(hello.extensions, type) !== undefined;
}
