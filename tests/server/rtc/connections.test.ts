import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Conn, ConnHandler, Endpoint, Millis, Runtime } from "../../../core/base/mod.ts";
import { concat } from "../../../core/bytes/mod.ts";
import { WebRtcTransport } from "../../../core/session/webrtc/transport.ts";
import { nodeCrypto } from "../../../runtime/common/crypto.ts";
import { UdpPath } from "../../../server/rtc/path.ts";
import { RtcSession } from "../../../server/rtc/session.ts";
import { alice, bob } from "../../core/session/webrtc/dtls/peers.ts";
import { local, remote } from "../../core/session/webrtc/ice_peer.ts";
import { RtcPeer } from "../../core/session/webrtc/rtc_peer.ts";

/** A connection whose peer takes nothing: what is written stays where it is. */
class StuckConn implements Conn {
  readonly remote: Endpoint = { host: "192.0.2.1", port: 1 };
  readonly local: Endpoint = { host: "192.0.2.2", port: 2 };
  handler: ConnHandler = { data: () => {}, close: () => {} };
  buffered = 0;
  ended = false;
  closed = false;

  write(bytes: Uint8Array): boolean {
    this.buffered += bytes.length;
    return false;
  }
  pause(): void {}
  resume(): void {}
  end(): void {
    this.ended = true;
  }
  destroy(): void {
    this.closed = true;
  }
  startTls(): Promise<Conn> {
    return Promise.reject(new Error("not here"));
  }
}

/** Virtual time, as far as a session needs a runtime. */
class Clock {
  time: Millis = 0;
  readonly #timers = new Set<{ at: Millis; fire: () => void }>();
  readonly runtime: Runtime = {
    now: () => this.time,
    wakeAt: (at: Millis, fire: () => void): Disposable => {
      const timer = { at, fire };
      this.#timers.add(timer);
      return { [Symbol.dispose]: () => void this.#timers.delete(timer) };
    },
  } as unknown as Runtime;

  get armed(): number {
    return [...this.#timers].filter(({ at }) => at < Number.POSITIVE_INFINITY).length;
  }

  until(time: Millis): void {
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= time).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.time = Math.max(this.time, due.at);
      due.fire();
    }
    this.time = time;
  }
}

class Fixture {
  readonly clock: Clock = new Clock();
  readonly ends: string[] = [];
  readonly errors: unknown[] = [];
  onTurn: () => void = () => {};
  readonly peer: RtcPeer = new RtcPeer({
    role: "client",
    identity: alice,
    ice: local,
    fingerprints: [bob.fingerprint],
  });
  readonly session: RtcSession = new RtcSession({
    runtime: this.clock.runtime,
    transport: new WebRtcTransport({
      crypto: nodeCrypto,
      ice: local,
      dtlsRole: "server",
      certificate: bob.certificate,
      peerFingerprints: [alice.fingerprint],
      sink: { onRtp: () => {}, onRtcp: () => {} },
      now: 0,
    }),
    role: {
      onConnected: () => {},
      onPath: () => {},
      onTurn: () => this.onTurn(),
      onDrain: () => {},
      handleTimeout: () => {},
      nextTimeout: () => Number.POSITIVE_INFINITY,
      onClosed: () => {},
    },
    onFault: () => {},
    onError: (error) => this.errors.push(error),
    afterInput: () => {},
    onPath: () => {},
    onClosed: (reason) => this.ends.push(reason),
  });

  attach(): StuckConn {
    const conn = new StuckConn();
    this.session.attach(conn, this.peer.check(true));
    return conn;
  }
}

describe("a UDP path", () => {
  /** A path that nothing comes back from. */
  const pathOf = (gone: UdpPath[]): UdpPath =>
    new UdpPath(
      { local: remote, send: () => {}, close: () => Promise.resolve() },
      remote,
      (path) => void gone.push(path),
    );

  test("whose first datagram leads to the session's end is not the session's any more", () => {
    const fixture = new Fixture();
    const gone: UdpPath[] = [];
    const path = pathOf(gone);
    fixture.onTurn = () => fixture.session.close();
    const check = fixture.peer.check(true).slice(2);
    assert.equal(fixture.session.vet(check), undefined);
    assert.equal(fixture.session.acceptDatagram(path, check), undefined);
    assert.deepEqual(gone, [path]);
    assert.equal(fixture.clock.armed, 0, "no timer is left");
  });

  test("goes with its session", () => {
    const fixture = new Fixture();
    const gone: UdpPath[] = [];
    for (let i = 1; i <= 2; i++) {
      const check = fixture.peer.check(true).slice(2);
      assert.equal(fixture.session.acceptDatagram(pathOf(gone), check), i);
    }
    fixture.session.losePath(1);
    assert.equal(gone.length, 1);
    fixture.session.close();
    assert.equal(gone.length, 2);
  });
});

describe("connections of a session whose peer takes nothing", () => {
  test("one that says FIN and never reads is closed within seconds", () => {
    const fixture = new Fixture();
    const conn = fixture.attach();
    conn.handler.end?.();
    assert.ok(conn.ended, "our FIN follows what is queued");
    fixture.clock.until(5000);
    assert.ok(conn.closed, "nobody waits for what is queued for ever");
    fixture.clock.until(20_000);
    assert.deepEqual(fixture.ends, ["grace"]);
    assert.equal(fixture.clock.armed, 0, "no timer is left");
  });

  test("one that broke leaves nothing behind", () => {
    const fixture = new Fixture();
    const conn = fixture.attach();
    conn.closed = true;
    conn.handler.close();
    fixture.clock.until(20_000);
    assert.deepEqual(fixture.ends, ["grace"]);
    assert.equal(fixture.clock.armed, 0, "no timer is left");
  });

  test("answers to checks pile up neither on the connection in use nor on others", () => {
    const fixture = new Fixture();
    const conns = Array.from({ length: 4 }, () => fixture.attach());
    const checks = concat(Array.from({ length: 200 }, () => fixture.peer.check(false)));
    for (const conn of conns) for (let i = 0; i < 10; i++) conn.handler.data(checks.slice());
    for (const conn of conns) {
      assert.ok(conn.buffered > 0, "the first ones are answered");
      assert.ok(conn.buffered <= 96 * 1024, `${conn.buffered} bytes are queued`);
    }
  });

  test("a peer that checks but never begins DTLS is let go", () => {
    const fixture = new Fixture();
    const conn = fixture.attach();
    for (let now = 5000; now <= 60_000 && fixture.ends.length === 0; now += 5000) {
      fixture.clock.until(now);
      conn.handler.data(fixture.peer.check(true));
    }
    assert.deepEqual(fixture.ends, ["dtls"]);
  });

  test("a bug of ours is told, and thrown on to who closes the connection", () => {
    const fixture = new Fixture();
    const conn = fixture.attach();
    const bug = new Error("a bug");
    fixture.onTurn = () => {
      throw bug;
    };
    assert.throws(() => conn.handler.data(fixture.peer.check(true)), bug);
    assert.deepEqual(fixture.errors, [bug]);
  });
});
