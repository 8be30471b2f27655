import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { latin1Bytes } from "../../../../core/bytes/mod.ts";
import { LEFT_MILLIS, SILENT_MILLIS } from "../../../../core/session/webrtc/ice_pairs.ts";
import { BINDING_INDICATION, encodeStun } from "../../../../core/wire/stun/mod.ts";
import { nodeCrypto } from "../../../../runtime/common/crypto.ts";
import { Call, rtpPacket } from "./call.ts";
import { controlled, controlling, hmac, priority, remote, request, username } from "./ice_peer.ts";
import { TCP, UDP, UdpCall } from "./udp_call.ts";

describe("DTLS over UDP", () => {
  for (const role of ["server", "client"] as const) {
    test(`as ${role} it goes through a network that loses a third and turns packets round`, () => {
      for (let seed = 1; seed <= 30; seed++) {
        const call = new UdpCall({ role, seed, loss: 0.33, reordering: 0.2, duplication: 0.1 });
        call.connect().run(200);
        assert.equal(call.story.filter((one) => one === "connected").length, 1, `seed ${seed}`);
      }
    });
  }

  test("a datagram stays within 1200 bytes, whatever the flight", () => {
    new UdpCall({ mtu: 1 + 1200 }).connect();
    new UdpCall({ mtu: 1 + 1200, role: "client" }).connect();
  });

  test("what was lent for the call is not kept", () => {
    const call = new UdpCall({ reordering: 0.3, seed: 4 }).connect();
    call.run(1000);
    assert.ok(call.lite.indexes.length > 40);
    call.lite.assertKept();
  });

  test("a forged alert does not end the handshake, even where TCP is selected", () => {
    for (const path of [UDP, TCP]) {
      const call = new UdpCall();
      call.browser.checks = [UDP, TCP];
      call.browser.use(path);
      call.network.run(10_000, () => call.network.sent.b > 2);
      assert.ok(!call.connected);
      const alert = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40];
      call.lite.handleInput(Uint8Array.from([UDP, ...alert]), call.network.now);
      call.connect();
    }
  });
});

describe("a session with UDP and TCP", () => {
  test("moves from UDP to TCP and back with the same keys, and every packet counts once", () => {
    const call = new UdpCall().connect();
    call.browser.checks = [UDP, TCP];
    for (const path of [TCP, UDP, TCP, UDP]) {
      call.browser.use(path);
      call.run(1000);
      assert.equal(call.selected, path);
      call.assertAnswers();
    }
    call.browser.sends = false;
    call.run(100);
    const expected = Array.from({ length: call.browser.sequence }, (_, i) => i + 1);
    assert.deepEqual(call.lite.indexes, expected);
    assert.deepEqual(
      call.story,
      ["selected 1", "connected", "selected 2", "selected 1", "selected 2", "selected 1"],
      "one handshake, and no fault",
    );
  });

  test("the first path that lets a handshake through carries the media: TCP where UDP is dead", () => {
    const call = new UdpCall();
    call.udpIsDead = true;
    call.browser.checks = [UDP, TCP];
    call.browser.use(TCP);
    call.connect(1000).run(500);
    assert.equal(call.selected, TCP);
    assert.ok(call.lite.indexes.length > 20);
  });

  test("UDP dies in mid-session and the peer nominates TCP: media moves with that", () => {
    const call = new UdpCall().connect();
    call.browser.checks = [UDP, TCP];
    call.run(1000);
    assert.equal(call.selected, UDP);
    call.udpIsDead = true;
    call.run(3000);
    call.browser.use(TCP);
    call.run(600);
    assert.equal(call.selected, TCP);
    call.assertAnswers();
    call.run(60_000); // the dead pair loses consent meanwhile
    call.assertAnswers();
    assert.ok(!call.story.includes("closed"));
  });

  test("UDP dies and the peer nominates nothing else: media goes where he is still heard, and back", () => {
    const call = new UdpCall().connect();
    call.browser.checks = [UDP, TCP];
    call.run(1000);
    call.browser.nominates = false; // Firefox has done so, once
    call.udpIsDead = true;
    call.run(SILENT_MILLIS - 600);
    assert.equal(call.selected, UDP, "a pair may be silent for a while");
    call.run(700);
    assert.equal(call.selected, TCP);
    call.assertAnswers();
    call.udpIsDead = false;
    call.run(600);
    assert.equal(call.selected, UDP, "the nominated one is heard again");
    call.assertAnswers();
    assert.deepEqual(call.story.slice(2), ["selected 2", "selected 1"]);
  });

  test("UDP dies and the peer sends over TCP before he nominates it: media follows him", () => {
    const call = new UdpCall().connect();
    call.browser.checks = [UDP, TCP];
    call.run(1000);
    call.udpIsDead = true;
    call.browser.nominates = false;
    call.browser.use(TCP);
    call.run(LEFT_MILLIS - 100);
    assert.equal(call.selected, UDP, "what is late over another path says nothing");
    call.run(200);
    assert.equal(call.selected, TCP);
    call.assertAnswers();
  });

  test("packets that come late by the path he left do not turn media back", () => {
    const call = new UdpCall().connect();
    call.browser.checks = [UDP, TCP];
    call.browser.sends = false;
    call.browser.use(TCP);
    call.run(100);
    for (let i = 0; i < 40; i++) {
      call.lite.handleInput(call.browser.media(UDP), call.network.now);
      call.run(100);
      assert.equal(call.selected, TCP, `${i}: he nominates it twice a second`);
    }
  });

  test("a pair that carries media is not silent, though no check comes by it", () => {
    const call = new UdpCall().connect();
    call.browser.checks = [UDP, TCP];
    call.run(1000);
    call.browser.checks = [TCP];
    call.browser.nominates = false;
    call.run(2 * SILENT_MILLIS);
    assert.equal(call.selected, UDP);
  });

  test("what is not authentic does not make a silent pair heard", () => {
    const call = new UdpCall().connect();
    call.browser.checks = [UDP, TCP];
    call.run(1000);
    call.browser.checks = [TCP];
    call.browser.use(TCP);
    call.browser.nominates = false;
    call.browser.sends = false;
    for (let i = 0; i < 10; i++) {
      call.lite.handleInput(Uint8Array.of(UDP, ...rtpPacket(i)), call.network.now);
      call.run(SILENT_MILLIS / 8);
    }
    assert.equal(call.selected, TCP);
  });

  test("the TCP connection closes while UDP is valid: the session goes on over UDP", () => {
    const call = new UdpCall().connect();
    call.browser.checks = [UDP, TCP];
    call.browser.use(TCP);
    call.run(1000);
    assert.equal(call.selected, TCP);
    call.browser.checks = [UDP];
    call.browser.use(UDP);
    call.browser.nominates = false;
    call.lite.dropTcp(call.network.now);
    assert.equal(call.selected, UDP, "at once");
    call.assertAnswers();
    call.run(20_000);
    assert.ok(call.connected && !call.story.includes("closed"));
  });

  test("all goes silent: the session ends when consent does", () => {
    const call = new UdpCall().connect();
    call.run(1000);
    call.udpIsDead = true;
    call.run(29_000);
    assert.ok(call.connected);
    call.run(2000);
    assert.equal(call.story.at(-1), "closed");
  });
});

describe("a datagram from an address that is no pair", () => {
  const wrongPassword = nodeCrypto.hmac("sha1", latin1Bytes("wrong"));
  const stun = (attributes: readonly { type: number; value: Uint8Array }[], key = hmac) =>
    encodeStun({ type: 1, transactionId: new Uint8Array(12).fill(3), attributes }, key);
  const other = { ...username, value: latin1Bytes("another1:peer") };
  const indication = { type: BINDING_INDICATION, transactionId: new Uint8Array(12) };
  const refusals: readonly (readonly [string, Uint8Array])[] = [
    ["unknown-user", stun([other, controlling, priority])],
    ["bad-integrity", stun([username, controlling, priority], wrongPassword)],
    ["no-credentials", encodeStun({ type: 1, transactionId: new Uint8Array(12), attributes: [] })],
    ["unknown-method", encodeStun({ ...indication, attributes: [username] }, hmac)],
    ["truncated", new Uint8Array(3)],
  ];

  test("is refused without an answer, a pair or an event unless it shows the password", () => {
    const call = new Call().establish();
    const before = call.events.length;
    for (const [code, bytes] of refusals) assert.equal(call.transport.vet(bytes)?.code, code);
    call.drain();
    assert.equal(call.events.length, before);
    assert.equal(call.written.size, 1, "nothing is written but on the first pair");
    assert.equal(call.transport.vet(request()), undefined);
    assert.ok(!call.transport.isValid(7));
  });

  test("that is a copy of a check is refused: it would turn media to whom it names", () => {
    const call = new UdpCall().connect();
    const [copied] = [call.browser.peer.check(true).slice(2)];
    call.lite.handleInput(Uint8Array.of(UDP, ...copied), call.network.now);
    assert.equal(call.lite.transport.vet(copied)?.code, "replayed-check");
    assert.equal(call.lite.transport.vet(request()), undefined, "a new one is taken");
  });

  test("finds nobody when the session is over", () => {
    const call = new Call().establish();
    call.transport.close(call.now);
    assert.equal(call.transport.vet(request())?.code, "no-credentials");
  });

  test("with a role conflict makes no pair", () => {
    const call = new Call();
    const conflict = stun([username, controlled, priority]);
    assert.equal(call.transport.vet(conflict), undefined);
    call.transport.openPair(5, "udp", remote, 0);
    call.transport.handleInput({ pair: 5, bytes: conflict }, 0);
    assert.ok(!call.transport.isValid(5));
  });
});
