import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isFault } from "../../../../../core/base/mod.ts";
import { DtlsEndpoint } from "../../../../../core/session/webrtc/dtls/mod.ts";
import {
  AlertDescription,
  type ClientHello,
  decodeClientHello,
  decodeServerHello,
  decodeServerKeyExchange,
  type Extension,
  ExtensionType,
  encodeClientHello,
  encodePointFormats,
  encodeRenegotiationInfo,
  encodeServerHello,
  encodeU16List,
  encodeUseSrtp,
  HandshakeType,
  type ServerHello,
} from "../../../../../core/wire/dtls/mod.ts";
import { vector } from "../../../../vector.ts";
import { messageOf, replaceBody } from "./attacker.ts";
import {
  drainEvents,
  drainTransmits,
  exchange,
  makePair,
  optionsOf,
  type Tamper,
} from "./peers.ts";
import { recordsOf } from "./records.ts";

const nothing = new Uint8Array(0);

function extension(type: number, data: Uint8Array): Extension {
  return { type, data };
}

function without(hello: { readonly extensions: readonly Extension[] }, type: number): Extension[] {
  return hello.extensions.filter((each) => each.type !== type);
}

function serverMessages(datagrams: readonly Uint8Array[]) {
  return datagrams.flatMap(recordsOf).map(messageOf);
}

/** What the server says to a hello changed like this. */
function answerTo(change: (hello: ClientHello) => ClientHello) {
  const pair = makePair();
  pair.client.start(0);
  const tamper = replaceBody("client", HandshakeType.client_hello, (body) => {
    const hello = decodeClientHello(body);
    assert.ok(!isFault(hello));
    return encodeClientHello(change(hello));
  });
  for (const datagram of drainTransmits(pair.client)) {
    for (const changed of tamper(datagram, "client") ?? []) pair.server.handleInput(changed, 0);
  }
  const [event] = drainEvents(pair.server);
  const message = serverMessages(drainTransmits(pair.server))[0];
  const hello =
    message?.type === HandshakeType.server_hello ? decodeServerHello(message.body) : undefined;
  assert.ok(!isFault(hello));
  return { event, hello };
}

describe("a ClientHello is refused", () => {
  const rows: readonly (readonly [
    string,
    keyof typeof AlertDescription,
    (hello: ClientHello) => ClientHello,
  ])[] = [
    ["DTLS 1.0", "protocol_version", (h) => ({ ...h, version: 0xfeff })],
    ["TLS 1.2", "protocol_version", (h) => ({ ...h, version: 0x0303 })],
    [
      "only DTLS 1.3 in supported_versions",
      "protocol_version",
      (h) => ({
        ...h,
        extensions: [...h.extensions, extension(43, Uint8Array.of(2, 0xfe, 0xfc))],
      }),
    ],
    [
      "supported_versions that is none",
      "decode_error",
      (h) => ({ ...h, extensions: [...h.extensions, extension(43, Uint8Array.of(3, 0xfe, 0xfc))] }),
    ],
    [
      "no cipher suite of ours",
      "handshake_failure",
      (h) => ({ ...h, cipherSuites: [0x1301, 0xc009] }),
    ],
    [
      "only RSA suites for our ECDSA key",
      "handshake_failure",
      (h) => ({ ...h, cipherSuites: [0xc02f] }),
    ],
    [
      "no null compression",
      "illegal_parameter",
      (h) => ({ ...h, compressionMethods: Uint8Array.of(1) }),
    ],
    [
      "no group of ours",
      "handshake_failure",
      (h) => ({
        ...h,
        extensions: [...without(h, 10), extension(10, encodeU16List([0x1234, 256]))],
      }),
    ],
    [
      "no uncompressed points",
      "illegal_parameter",
      (h) => ({
        ...h,
        extensions: [...without(h, 11), extension(11, encodePointFormats(Uint8Array.of(1)))],
      }),
    ],
    [
      "no signature_algorithms, which means SHA-1",
      "handshake_failure",
      (h) => ({ ...h, extensions: without(h, 13) }),
    ],
    [
      "only SHA-1 signatures",
      "handshake_failure",
      (h) => ({ ...h, extensions: [...without(h, 13), extension(13, encodeU16List([0x0203]))] }),
    ],
    [
      "no use_srtp",
      "handshake_failure",
      (h) => ({ ...h, extensions: without(h, ExtensionType.use_srtp) }),
    ],
    [
      "no SRTP profile of ours",
      "handshake_failure",
      (h) => ({
        ...h,
        extensions: [
          ...without(h, 14),
          extension(14, encodeUseSrtp({ profiles: [2, 5, 8], mki: nothing })),
        ],
      }),
    ],
    [
      "a renegotiation that is none",
      "handshake_failure",
      (h) => ({
        ...h,
        extensions: [
          ...without(h, 65281),
          extension(65281, encodeRenegotiationInfo(new Uint8Array(12))),
        ],
      }),
    ],
    [
      "an extension that is cut off",
      "decode_error",
      (h) => ({ ...h, extensions: [...without(h, 10), extension(10, Uint8Array.of(0, 4, 0, 29))] }),
    ],
  ];
  for (const [name, alert, change] of rows) {
    test(`with ${name}: ${alert}`, () => {
      const { event, hello } = answerTo(change);
      assert.ok(event?.type === "failed", `${event?.type}`);
      assert.equal(event.alert, AlertDescription[alert]);
      assert.equal(hello, undefined);
    });
  }
});

describe("a ServerHello", () => {
  test("answers only extensions that were offered, and not every one", () => {
    const { hello } = answerTo((h) => h);
    assert.deepEqual(
      hello?.extensions.map(({ type }) => type),
      [
        ExtensionType.renegotiation_info,
        ExtensionType.extended_master_secret,
        ExtensionType.ec_point_formats,
        ExtensionType.use_srtp,
      ],
    );
    const bare = answerTo((h) => ({
      ...h,
      extensions: h.extensions.filter(({ type }) => type === 13 || type === 14),
    }));
    assert.deepEqual(
      bare.hello?.extensions.map(({ type }) => type),
      [ExtensionType.use_srtp],
    );
  });

  test("answers TLS_EMPTY_RENEGOTIATION_INFO_SCSV like the extension (RFC 5746 §3.6)", () => {
    const { hello } = answerTo((h) => ({
      ...h,
      cipherSuites: [...h.cipherSuites, 0x00ff],
      extensions: without(h, 65281),
    }));
    const found = hello?.extensions.find(({ type }) => type === 65281);
    assert.deepEqual(found?.data, Uint8Array.of(0));
  });

  test("has the empty MKI whatever was offered, our best profile, no session to resume", () => {
    const { hello } = answerTo((h) => ({
      ...h,
      sessionId: new Uint8Array(32),
      extensions: [
        ...without(h, 14),
        extension(14, encodeUseSrtp({ profiles: [1, 7], mki: Uint8Array.of(1, 2) })),
      ],
    }));
    const found = hello?.extensions.find(({ type }) => type === 14);
    assert.deepEqual(found?.data, encodeUseSrtp({ profiles: [7], mki: nothing }));
    assert.equal(hello?.sessionId.length, 0);
    assert.equal(hello?.version, 0xfefd);
  });

  const rows: readonly (readonly [
    string,
    keyof typeof AlertDescription,
    (hello: ServerHello) => ServerHello,
  ])[] = [
    ["of DTLS 1.0", "protocol_version", (h) => ({ ...h, version: 0xfeff })],
    ["of DTLS 1.3", "protocol_version", (h) => ({ ...h, version: 0xfefc })],
    [
      "with a suite that was not offered",
      "illegal_parameter",
      (h) => ({ ...h, cipherSuite: 0xc009 }),
    ],
    ["with compression", "illegal_parameter", (h) => ({ ...h, compressionMethod: 1 })],
    [
      "with an extension that was not offered",
      "unsupported_extension",
      (h) => ({ ...h, extensions: [...h.extensions, extension(16, nothing)] }),
    ],
    ["without use_srtp", "handshake_failure", (h) => ({ ...h, extensions: without(h, 14) })],
    [
      "with two profiles",
      "illegal_parameter",
      (h) => ({
        ...h,
        extensions: [
          ...without(h, 14),
          extension(14, encodeUseSrtp({ profiles: [7, 1], mki: nothing })),
        ],
      }),
    ],
    [
      "with a profile that was not offered",
      "illegal_parameter",
      (h) => ({
        ...h,
        extensions: [
          ...without(h, 14),
          extension(14, encodeUseSrtp({ profiles: [8], mki: nothing })),
        ],
      }),
    ],
    [
      "with an MKI",
      "illegal_parameter",
      (h) => ({
        ...h,
        extensions: [
          ...without(h, 14),
          extension(14, encodeUseSrtp({ profiles: [7], mki: Uint8Array.of(1) })),
        ],
      }),
    ],
    [
      "with a renegotiation that is none",
      "handshake_failure",
      (h) => ({
        ...h,
        extensions: [
          ...without(h, 65281),
          extension(65281, encodeRenegotiationInfo(new Uint8Array(24))),
        ],
      }),
    ],
    [
      "with an extension twice",
      "decode_error",
      (h) => ({ ...h, extensions: [...h.extensions, extension(23, nothing)] }),
    ],
  ];
  for (const [name, alert, change] of rows) {
    test(`${name} is refused: ${alert}`, () => {
      const pair = makePair();
      pair.client.start(0);
      const tamper: Tamper = replaceBody("server", HandshakeType.server_hello, (body) => {
        const hello = decodeServerHello(body);
        assert.ok(!isFault(hello));
        return encodeServerHello(change(hello));
      });
      exchange(pair, 0, tamper);
      const [event] = drainEvents(pair.client);
      assert.ok(event?.type === "failed", `${event?.type}`);
      assert.equal(event.alert, AlertDescription[alert]);
    });
  }
});

describe("the recorded ClientHello of a browser is answered with DTLS 1.2, X25519 and AES-128", () => {
  for (const [browser, split] of [
    ["chromium", 1200],
    ["firefox", 1408],
  ] as const) {
    for (const order of ["in order", "in the wrong order", "in one frame"] as const) {
      test(`${browser}, its two records ${order}`, () => {
        const bytes = vector(`dtls_client_hello_${browser}`);
        const parts = [bytes.subarray(0, split), bytes.subarray(split)];
        if (order === "in the wrong order") parts.reverse();
        const server = new DtlsEndpoint(optionsOf("server"));
        if (order === "in one frame") server.handleInput(bytes, 0);
        else for (const part of parts) server.handleInput(part, 0);
        const messages = serverMessages(drainTransmits(server));
        assert.deepEqual(
          messages.map((message) => message?.type),
          [2, 11, 12, 13, 14],
        );
        const hello = decodeServerHello(messages[0]!.body);
        assert.ok(!isFault(hello));
        assert.equal(hello.version, 0xfefd);
        assert.equal(hello.cipherSuite, 0xc02b);
        const keyExchange = decodeServerKeyExchange(messages[2]!.body);
        assert.ok(!isFault(keyExchange));
        assert.equal(keyExchange.group, 29);
        assert.equal(keyExchange.scheme, 0x0403);
        // No downgrade sentinel: that is for servers that have TLS 1.3 (RFC 8446 §4.1.3).
        assert.notEqual(String.fromCharCode(...hello.random.subarray(24, 31)), "DOWNGRD");
      });
    }
  }
});
