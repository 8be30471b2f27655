/** One good example of everything the codecs know. @module */

import {
  type ClientHello,
  encodeCertificate,
  encodeCertificateRequest,
  encodeClientHello,
  encodeClientKeyExchange,
  encodeDigitallySigned,
  encodeHelloVerifyRequest,
  encodePointFormats,
  encodeRenegotiationInfo,
  encodeServerEcdhParams,
  encodeServerHello,
  encodeServerKeyExchange,
  encodeU16List,
  encodeUseSrtp,
  type ServerHello,
} from "../../../../core/wire/dtls/mod.ts";

export function counting(size: number, from = 0): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => (from + i) & 0xff);
}

export const clientHello: ClientHello = {
  version: 0xfefd,
  random: counting(32),
  sessionId: counting(3, 40),
  cookie: counting(20, 50),
  cipherSuites: [0xc02b, 0xc02f],
  compressionMethods: Uint8Array.of(0),
  extensions: [
    { type: 23, data: new Uint8Array(0) },
    { type: 10, data: encodeU16List([29, 23]) },
  ],
};

export const serverHello: ServerHello = {
  version: 0xfefd,
  random: counting(32, 90),
  sessionId: new Uint8Array(0),
  cipherSuite: 0xc02b,
  compressionMethod: 0,
  extensions: [{ type: 14, data: encodeUseSrtp({ profiles: [7], mki: new Uint8Array(0) }) }],
};

const params = encodeServerEcdhParams({ group: 29, publicKey: counting(32) });
const signed = { scheme: 0x0403, signature: counting(70) };

/** Encoded. */
export const bodies: Readonly<Record<string, Uint8Array>> = {
  clientHello: encodeClientHello(clientHello),
  serverHello: encodeServerHello(serverHello),
  helloVerifyRequest: encodeHelloVerifyRequest({ version: 0xfeff, cookie: counting(32) }),
  certificate: encodeCertificate([counting(300), counting(20)]),
  certificateRequest: encodeCertificateRequest({
    types: Uint8Array.of(64, 1),
    schemes: [0x0403, 0x0804],
  }),
  digitallySigned: encodeDigitallySigned(signed),
  serverKeyExchange: encodeServerKeyExchange(params, signed),
  clientKeyExchange: encodeClientKeyExchange(counting(65)),
  u16List: encodeU16List([1, 2, 3]),
  pointFormats: encodePointFormats(Uint8Array.of(0, 1)),
  renegotiationInfo: encodeRenegotiationInfo(counting(12)),
  useSrtp: encodeUseSrtp({ profiles: [7, 1], mki: counting(2) }),
};
