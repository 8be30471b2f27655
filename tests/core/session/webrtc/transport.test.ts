import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat, latin1Bytes } from "../../../../core/bytes/mod.ts";
import { BINDING_INDICATION, encodeStun } from "../../../../core/wire/stun/mod.ts";
import { nodeCrypto } from "../../../../runtime/common/crypto.ts";
import { SeededRandom } from "../../../sim/random.ts";
import { Call, framed, RR, rtpPacket } from "./call.ts";
import { bob } from "./dtls/peers.ts";
import { remote, username } from "./ice_peer.ts";

for (const role of ["server", "client"] as const) {
  describe(`a transport that is the DTLS ${role}`, () => {
    test("one connection, nominated by its first check only: Firefox", () => {
      const call = new Call(role).establish();
      call.assertMediaFlows(1);
      call.check(1, false);
      call.assertMediaFlows(2);
      assert.deepEqual(
        call.events.map(({ type }) => type),
        ["selected", "connected"],
      );
    });

    test("two connections, both nominated after DTLS began; media moves to the second: Chromium", () => {
      const call = new Call(role);
      call.connect(1, false);
      call.connect(2, false);
      call.peer.dtls.start(0);
      call.path = 1;
      call.step();
      if (role === "server") assert.equal(call.transport.selected, 1, "where DTLS was heard");
      call.check(1, true);
      call.check(2, true);
      call.run();
      call.assertConnected();
      call.path = 2;
      call.assertMediaFlows(1);
      assert.equal(call.transport.selected, 2);
      assert.deepEqual(sentSinceLast(call, 1), 0, "nothing more on the first");
      call.check(1, true);
      assert.equal(call.transport.selected, 1, "back to the first when that is nominated again");
      call.path = 1;
      call.assertMediaFlows(2);
    });

    test("a connection that is nominated later is told of once", () => {
      const call = new Call(role);
      call.connect(1, false);
      call.check(1, true);
      call.check(1, true);
      assert.equal(call.count("selected"), 1);
    });

    test("the first connection dropped after each flight: the handshake goes on over a second one", () => {
      for (let flights = 0; flights <= 5; flights++) {
        const call = new Call(role);
        call.connect(1, true);
        call.peer.dtls.start(0);
        for (let i = 0; i < flights; i++) call.step();
        call.peer.poll(); // what was on its way is lost
        call.drop(1);
        call.now = 1000;
        call.path = 2;
        call.connect(2, true);
        call.run();
        call.now = 2000;
        call.peer.dtls.resendFlight(call.now); // a browser's timer
        call.run();
        call.assertConnected();
        call.assertMediaFlows(1);
      }
    });

    test("our own flight that was lost goes out again on the new connection, unasked", () => {
      const call = new Call(role);
      call.connect(1, true);
      call.peer.dtls.start(0);
      call.open.clear(); // what we write is lost, what the peer writes arrives
      call.step();
      call.drop(1);
      call.now = 1000;
      call.path = 2;
      call.connect(2, true);
      assert.ok(call.peer.poll().length > 0, "the peer has something to answer");
    });
  });
}

/** Packets written on a pair that are not STUN, after the last event. */
function sentSinceLast(call: Call, pair: number): number {
  const before = call.written.get(pair)?.length ?? 0;
  call.assertMediaFlows(50);
  return (call.written.get(pair)?.length ?? 0) - before;
}

describe("when all connections are gone", () => {
  test("within 10 s a new one goes on with the same keys and no handshake", () => {
    const call = new Call().establish();
    call.assertMediaFlows(1);
    call.drop(1);
    assert.equal(call.transport.selected, undefined);
    call.transport.sendRtcp(RR); // to nobody
    call.until(9_999);
    call.path = 2;
    call.connect(2, true);
    call.assertMediaFlows(2);
    assert.equal(call.count("connected"), 1);
    assert.equal(call.peer.poll().length, 0);
    call.until(39_000);
    assert.equal(call.end(), undefined);
  });

  test("after 10 s the session ends", () => {
    const call = new Call().establish();
    call.drop(1);
    call.until(9_999);
    assert.equal(call.end(), undefined);
    call.until(10_000);
    assert.equal(call.end(), "grace");
    assert.equal(call.transport.nextTimeout(), Number.POSITIVE_INFINITY);
    const silent = written(call);
    call.connect(2, true);
    assert.equal(written(call), silent, "no answer to a check of a session that is over");
    assert.ok(!call.transport.connected);
  });

  test("a session that was never reached ends after 30 s", () => {
    const call = new Call();
    call.until(30_000);
    assert.equal(call.end(), "unreached");
  });

  test("a handshake that gets nowhere ends, though checks go on", () => {
    const call = new Call();
    call.connect(1, true);
    call.peer.dtls.start(0);
    call.step();
    call.until(20_000);
    call.check(1, true);
    call.until(30_000);
    assert.equal(call.end(), "dtls: handshake-timeout");
  });
});

test("consent lasts 30 s from the last valid check or packet of media", () => {
  const call = new Call().establish();
  call.until(20_000);
  call.check(1, false);
  call.until(40_000);
  call.feed(1, call.peer.protect(rtpPacket(1), 1));
  call.until(69_999);
  assert.equal(call.end(), undefined);
  call.until(70_000);
  assert.deepEqual(call.closings(), [[1, "no-consent"]]);
  assert.equal(call.end(), "consent");
  const silent = written(call);
  call.transport.sendRtcp(RR);
  call.transport.close(call.now);
  call.drain();
  assert.equal(written(call), silent, "nothing is sent without consent");
});

describe("what nobody authenticated", () => {
  test("DTLS or media on a pair without a valid check closes that pair, and nothing is kept", () => {
    const hello = firstFlight();
    for (const bytes of [hello, framed(rtpPacket(1)), framed(Uint8Array.of(0x80, 201, 0, 1))]) {
      const call = new Call();
      call.transport.openPair(7, "tcp", remote, call.now);
      call.feed(7, concat([bytes, bytes, call.peer.check(true)]));
      assert.deepEqual(call.closings(), [[7, "unvalidated-pair"]]);
      assert.equal(written(call), 0);
      assert.equal(call.transport.selected, undefined);
      call.establish().assertMediaFlows(1);
    }
  });

  test("garbage closes only its own pair", () => {
    for (const bytes of [[4], [19, 1], [64, 1, 2], [127], [192, 0], [255, 255]]) {
      const call = new Call().establish();
      call.connect(2, false);
      call.feed(2, framed(Uint8Array.from(bytes)));
      assert.deepEqual(call.closings(), [[2, "unknown-packet"]]);
      call.assertMediaFlows(1);
    }
  });

  test("a check with a wrong password is refused with 401 and closes its pair alone", () => {
    const call = new Call().establish();
    call.transport.openPair(2, "tcp", remote, call.now);
    call.feed(2, call.peer.check(true, nodeCrypto.hmac("sha1", latin1Bytes("wrong"))));
    assert.deepEqual(call.closings(), [[2, "bad-integrity"]]);
    assert.equal(call.written.get(2)?.length, 1);
    call.assertMediaFlows(1);
  });

  test("a frame longer than any record closes its pair before it is collected", () => {
    const call = new Call().establish();
    for (const [pair, length] of [
      [2, 65_535],
      [3, 18_446],
    ] as const) {
      call.connect(pair, false);
      call.feed(pair, Uint8Array.of(length >> 8, length & 0xff, 0x80));
    }
    assert.deepEqual(call.closings(), [
      [2, "frame-too-long"],
      [3, "frame-too-long"],
    ]);
    call.assertMediaFlows(1);
  });

  test("a pair that never shows a valid check is closed, whatever else it says", () => {
    const call = new Call().establish();
    const indication = { type: BINDING_INDICATION, transactionId: new Uint8Array(12) };
    call.transport.openPair(2, "tcp", remote, call.now);
    call.feed(2, framed(encodeStun({ ...indication, attributes: [username] })));
    call.transport.openPair(3, "tcp", remote, call.now);
    for (let at = 0; at < 25_000; at += 1000) {
      call.until(at);
      call.check(1, false);
      call.feed(2, framed(encodeStun({ ...indication, attributes: [username] })));
    }
    assert.deepEqual(call.closings(), [
      [2, "unvalidated-pair"],
      [3, "unvalidated-pair"],
    ]);
    call.assertMediaFlows(1);
  });

  test("pairs without a valid check are bounded", () => {
    const call = new Call().establish();
    for (let pair = 2; pair < 100; pair++) call.transport.openPair(pair, "tcp", remote, call.now);
    call.drain();
    assert.ok(call.closings().length >= 98 - 16, `${call.closings().length} are closed`);
    call.assertMediaFlows(1);
  });
});

describe("in the middle of a session", () => {
  test("a forged ClientHello on a valid pair changes nothing", () => {
    const call = new Call().establish();
    const before = written(call);
    call.feed(1, firstFlight());
    assert.equal(written(call), before);
    assert.equal(call.peer.poll().length, 0);
    call.assertMediaFlows(1);
    assert.equal(call.end(), undefined);
  });

  test("a forged alert in clear, fatal or close_notify, changes nothing", () => {
    const call = new Call().establish();
    for (const alert of [
      [2, 40],
      [1, 0],
    ]) {
      const record = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, ...alert];
      call.feed(1, framed(Uint8Array.from(record)));
      record[4] = 1; // under keys nobody has
      call.feed(1, framed(Uint8Array.from(record)));
    }
    call.assertMediaFlows(1);
    assert.equal(call.end(), undefined);
  });

  test("media that is not authentic is counted and dropped, its pair stays", () => {
    const call = new Call().establish();
    const packet = call.peer.protect(rtpPacket(1), 1);
    const spoilt = packet.slice();
    spoilt[20] = (spoilt[20] ?? 0) ^ 1;
    call.feed(1, spoilt);
    call.feed(1, packet);
    call.feed(1, packet);
    assert.deepEqual(call.faults(), ["authentication", "replayed"]);
    assert.equal(call.rtp.length, 1);
    assert.deepEqual(call.closings(), []);
  });
});

describe("the end", () => {
  test("close() says close_notify on the selected connection, and nothing after it", () => {
    const call = new Call().establish();
    call.connect(2, false);
    call.transport.close(call.now);
    call.drain();
    assert.ok(call.peer.closed);
    assert.equal(call.end(), "local");
    const before = written(call);
    call.peer.poll();
    call.check(1, true);
    call.feed(1, call.peer.protect(rtpPacket(1), 1));
    call.transport.sendRtcp(RR);
    call.transport.close(call.now);
    call.drop(2);
    call.until(100_000);
    assert.equal(written(call), before);
    assert.equal(call.rtp.length, 0);
    assert.equal(call.end(), "local");
  });

  test("the peer's close_notify ends it; what comes behind it in the same read does not count", () => {
    const call = new Call().establish();
    const check = call.peer.check(true);
    const media = call.peer.protect(rtpPacket(1), 1);
    call.peer.dtls.close(call.now);
    const before = written(call);
    call.feed(1, concat([...call.peer.poll(), check, media]));
    assert.equal(call.end(), "peer");
    assert.equal(written(call), before + 1, "our close_notify, and nothing else");
    assert.equal(call.rtp.length, 0);
    assert.deepEqual(call.faults(), []);
  });

  test("a certificate that the offer did not name ends it with the reason", () => {
    const call = new Call("server", { peerFingerprints: [bob.fingerprint] });
    call.connect(1, true);
    call.peer.dtls.start(0);
    call.run();
    assert.match(call.end() ?? "", /^dtls: .*fingerprint/);
    assert.ok(!call.peer.connected);
    assert.ok(
      call.peer.events.some((event) => event.type === "failed"),
      "told by an alert",
    );
  });

  test("close() before anybody came ends it", () => {
    const call = new Call();
    call.transport.close(0);
    call.drain();
    assert.equal(call.end(), "local");
    assert.equal(written(call), 0);
  });
});

test("SRTP before the handshake is counted, not kept", () => {
  const call = new Call();
  call.connect(1, true);
  for (let i = 0; i < 3; i++) call.feed(1, framed(rtpPacket(i)));
  assert.deepEqual(call.faults(), ["no-keys", "no-keys", "no-keys"]);
  assert.deepEqual(call.closings(), []);
  call.peer.dtls.start(0);
  call.run();
  call.assertMediaFlows(3);
});

test("however the stream is cut, the same comes of it", () => {
  const random = new SeededRandom(5);
  const cuts: ((bytes: Uint8Array) => Uint8Array[])[] = [
    (bytes) => pieces(bytes, () => 1),
    (bytes) => pieces(bytes, () => 2),
    (bytes) => pieces(bytes, () => 1 + random.below(5)),
    (bytes) => pieces(bytes, () => 1 + random.below(400)),
    (bytes) => [new Uint8Array(0), bytes, new Uint8Array(0)],
  ];
  for (const cut of cuts) {
    const call = new Call();
    call.cut = cut;
    call.establish();
    const sent = [1, 2, 3].map((sequence) => call.peer.protect(rtpPacket(sequence), sequence));
    call.feed(1, concat([...sent, Uint8Array.of(0, 0), call.peer.protectRtcp(RR)]));
    assert.deepEqual(
      call.rtp.map(({ index }) => index),
      [1, 2, 3],
    );
    assert.deepEqual(
      call.rtp.map(({ bytes }) => bytes),
      [1, 2, 3].map(rtpPacket),
    );
    assert.deepEqual(call.rtcp, [RR]);
    assert.deepEqual(
      call.events.map(({ type }) => type),
      ["selected", "connected"],
    );
  }
});

function pieces(bytes: Uint8Array, size: () => number): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const piece = bytes.subarray(at, at + size());
    out.push(piece);
    at += piece.length;
  }
  return out;
}

/** A ClientHello of a stranger. */
function firstFlight(): Uint8Array {
  const { peer } = new Call();
  peer.dtls.start(0);
  return concat(peer.poll());
}

/** Packets written so far. */
function written(call: Call): number {
  let sum = 0;
  for (const one of call.written.values()) sum += one.length;
  return sum;
}
