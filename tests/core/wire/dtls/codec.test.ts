import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { isFault } from "../../../../core/base/mod.ts";
import { concat } from "../../../../core/bytes/mod.ts";
import {
  type ClientHello,
  type DtlsRecord,
  decodeAlert,
  decodeCertificate,
  decodeCertificateRequest,
  decodeCertificateVerify,
  decodeClientHello,
  decodeClientKeyExchange,
  decodeExtensions,
  decodeHandshakeFragment,
  decodeHelloVerifyRequest,
  decodePointFormats,
  decodeRecord,
  decodeRenegotiationInfo,
  decodeServerHello,
  decodeServerKeyExchange,
  decodeSupportedVersions,
  decodeU16List,
  decodeUseSrtp,
  ExtensionType,
  encodeAlert,
  encodeCertificate,
  encodeCertificateRequest,
  encodeClientHello,
  encodeExtensions,
  encodeHandshakeFragment,
  encodeHandshakeMessage,
  encodeRecord,
  encodeServerHello,
  encodeUseSrtp,
  findExtension,
  MAX_CERTIFICATES,
  MAX_EXTENSIONS,
} from "../../../../core/wire/dtls/mod.ts";
import { vector } from "../../../vector.ts";
import { bodies, clientHello, counting, serverHello } from "./samples.ts";

const decoders: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
  clientHello: decodeClientHello,
  serverHello: decodeServerHello,
  helloVerifyRequest: decodeHelloVerifyRequest,
  certificate: decodeCertificate,
  certificateRequest: decodeCertificateRequest,
  digitallySigned: decodeCertificateVerify,
  serverKeyExchange: decodeServerKeyExchange,
  clientKeyExchange: decodeClientKeyExchange,
  u16List: decodeU16List,
  pointFormats: decodePointFormats,
  renegotiationInfo: decodeRenegotiationInfo,
  useSrtp: decodeUseSrtp,
};
const others: readonly ((bytes: Uint8Array) => unknown)[] = [
  decodeRecord,
  decodeHandshakeFragment,
  decodeAlert,
  decodeExtensions,
  decodeSupportedVersions,
];
/** Where a whole hello ends when the extensions are left away (RFC 5246 §7.4.1.2). */
const shorterForms: Readonly<Record<string, number>> = {
  clientHello: 2 + 32 + 4 + 21 + 6 + 2,
  serverHello: 2 + 32 + 1 + 2 + 1,
};

describe("cut at any length it is refused, with a byte more too:", () => {
  for (const [name, bytes] of Object.entries(bodies)) {
    test(name, () => {
      const decode = decoders[name]!;
      assert.ok(!isFault(decode(bytes)));
      for (let length = 0; length < bytes.length; length++) {
        if (length === shorterForms[name]) continue;
        assert.ok(isFault(decode(bytes.subarray(0, length))), `${length}`);
      }
      assert.ok(isFault(decode(concat([bytes, Uint8Array.of(0)]))));
    });
  }
});

test("no flipped bit makes a decoder throw", () => {
  for (const [name, bytes] of Object.entries(bodies)) {
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = bytes.slice();
      flipped[bit >>> 3] = flipped[bit >>> 3]! ^ (1 << (bit & 7));
      decoders[name]?.(flipped);
      for (const decode of others) decode(flipped);
    }
  }
});

test("no bytes make a decoder throw", () => {
  const all = [...Object.values(decoders), ...others];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      for (const decode of all) decode(bytes);
    }),
    { seed: 7, numRuns: 2000 },
  );
});

describe("what is encoded is decoded", () => {
  const bytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });
  const u16 = fc.integer({ min: 0, max: 0xffff });
  const extensions = fc
    .uniqueArray(u16, { maxLength: 10 })
    .chain((types) =>
      fc.tuple(
        ...types.map((type) =>
          fc.record({ type: fc.constant(type), data: fc.uint8Array() }, { noNullPrototype: true }),
        ),
      ),
    );

  test("ClientHello", () => {
    const hellos: fc.Arbitrary<ClientHello> = fc.record(
      {
        version: u16,
        random: bytes(32),
        sessionId: fc.uint8Array({ maxLength: 32 }),
        cookie: fc.uint8Array({ maxLength: 255 }),
        cipherSuites: fc.array(u16, { minLength: 1, maxLength: 40 }),
        compressionMethods: fc.uint8Array({ minLength: 1, maxLength: 255 }),
        extensions,
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(hellos, (hello) => {
        assert.deepEqual(decodeClientHello(encodeClientHello(hello)), hello);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  test("ServerHello", () => {
    assert.deepEqual(decodeServerHello(encodeServerHello(serverHello)), serverHello);
  });

  test("records and fragments", () => {
    const records: fc.Arbitrary<DtlsRecord> = fc.record(
      {
        type: fc.integer({ min: 0, max: 255 }),
        version: u16,
        epoch: u16,
        sequence: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
        fragment: fc.uint8Array({ maxLength: 300 }),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(records, (record) => {
        assert.deepEqual(decodeRecord(encodeRecord(record)), record);
        const { type, epoch: messageSeq, fragment: body } = record;
        const whole = encodeHandshakeMessage({ type, messageSeq, body });
        const length = body.length;
        const expected = { type, messageSeq, body, length, offset: 0 };
        assert.deepEqual(decodeHandshakeFragment(whole), expected);
      }),
      { seed: 2, numRuns: 200 },
    );
  });

  test("CertificateRequest, Certificate, use_srtp, alerts", () => {
    const request = { types: Uint8Array.of(1, 64), schemes: [0x0403, 0x0401] };
    assert.deepEqual(decodeCertificateRequest(encodeCertificateRequest(request)), request);
    const chain = [counting(5), counting(1000)];
    assert.deepEqual(decodeCertificate(encodeCertificate(chain)), chain);
    assert.deepEqual(decodeCertificate(encodeCertificate([])), []);
    const use = { profiles: [8, 7, 1], mki: counting(4) };
    assert.deepEqual(decodeUseSrtp(encodeUseSrtp(use)), use);
    const alert = { level: 2, description: 40 };
    assert.deepEqual(decodeAlert(encodeAlert(alert)), alert);
  });
});

describe("bounds", () => {
  test("a record announces at most 2^14 + 2048 bytes (RFC 5246 §6.2.3)", () => {
    const record = { type: 22, version: 0xfefd, epoch: 0, sequence: 0 };
    const longest = encodeRecord({ ...record, fragment: new Uint8Array(18_432) });
    assert.ok(!isFault(decodeRecord(longest)));
    const longer = encodeRecord({ ...record, fragment: new Uint8Array(18_433) });
    const fault = decodeRecord(longer);
    assert.ok(isFault(fault) && fault.code === "record-too-long");
  });

  test("a fragment lies within its message (RFC 6347 §4.2.3)", () => {
    const message = { type: 11, messageSeq: 3, body: counting(100) };
    const fragment = encodeHandshakeFragment(message, 90, 10);
    assert.ok(!isFault(decodeHandshakeFragment(fragment)));
    fragment[8] = 91;
    const fault = decodeHandshakeFragment(fragment);
    assert.ok(isFault(fault) && fault.code === "fragment-outside-message");
  });

  test("an extension occurs once (RFC 5246 §7.4.1.4)", () => {
    const twice = [
      { type: 23, data: new Uint8Array(0) },
      { type: 23, data: new Uint8Array(0) },
    ];
    const fault = decodeClientHello(encodeClientHello({ ...clientHello, extensions: twice }));
    assert.ok(isFault(fault) && fault.code === "extension-repeated");
  });

  test("64 extensions and 16 certificates, no more", () => {
    const many = (count: number) =>
      encodeExtensions(
        Array.from({ length: count }, (_, type) => ({ type, data: new Uint8Array(0) })),
      ).subarray(2);
    assert.ok(!isFault(decodeExtensions(many(MAX_EXTENSIONS))));
    assert.ok(isFault(decodeExtensions(many(MAX_EXTENSIONS + 1))));
    const chain = (count: number) => encodeCertificate(Array(count).fill(counting(2)));
    assert.ok(!isFault(decodeCertificate(chain(MAX_CERTIFICATES))));
    assert.ok(isFault(decodeCertificate(chain(MAX_CERTIFICATES + 1))));
  });

  test("a session ID has at most 32 bytes, a certificate at least one", () => {
    const long = { ...clientHello, sessionId: counting(33) };
    assert.ok(isFault(decodeClientHello(encodeClientHello(long))));
    assert.ok(isFault(decodeCertificate(encodeCertificate([new Uint8Array(0)]))));
  });

  test("only named curves (RFC 8422 §5.4)", () => {
    const explicit = bodies["serverKeyExchange"]!.slice();
    explicit[0] = 1;
    assert.ok(isFault(decodeServerKeyExchange(explicit)));
  });
});

describe("the ClientHello of a browser", () => {
  const browsers = [
    { name: "chromium", profiles: [7, 8, 1], split: 1200 },
    { name: "firefox", profiles: [8, 7, 1, 2], split: 1408 },
  ];
  for (const { name, profiles, split } of browsers) {
    test(`${name}: in two records, with DTLS 1.3 and X25519MLKEM768 on offer`, () => {
      const bytes = vector(`dtls_client_hello_${name}`);
      const parts: Uint8Array[] = [];
      for (const at of [0, split]) {
        const record = decodeRecord(bytes, at);
        assert.ok(!isFault(record));
        const fragment = decodeHandshakeFragment(record.fragment);
        assert.ok(!isFault(fragment));
        assert.equal(fragment.type, 1);
        parts.push(fragment.body);
      }
      const hello = decodeClientHello(concat(parts));
      assert.ok(!isFault(hello));
      assert.equal(hello.version, 0xfefd);
      assert.ok(hello.cipherSuites.includes(0xc02b));
      const groups = decodeU16List(
        findExtension(hello.extensions, ExtensionType.supported_groups)!,
      );
      assert.ok(!isFault(groups) && groups.includes(0x11ec) && groups.includes(29));
      const data = findExtension(hello.extensions, ExtensionType.supported_versions)!;
      const versions = decodeSupportedVersions(data);
      assert.ok(!isFault(versions));
      // Firefox adds 0x0303, which is TLS.
      assert.deepEqual(versions.slice(0, 2), [0xfefc, 0xfefd]);
      const use = decodeUseSrtp(findExtension(hello.extensions, ExtensionType.use_srtp)!);
      assert.ok(!isFault(use));
      assert.deepEqual([...use.profiles].sort(), [...profiles].sort());
      assert.notEqual(findExtension(hello.extensions, 23), undefined);
      assert.deepEqual(encodeClientHello(hello), concat(parts));
    });
  }
});
