import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { latin1Bytes } from "../../../../core/bytes/mod.ts";
import type { IceCredentials } from "../../../../core/session/webrtc/ice_credentials.ts";
import { MAX_GENERATIONS, RETIRE_MILLIS } from "../../../../core/session/webrtc/ice_generations.ts";
import { GRACE_MILLIS, type IceLite } from "../../../../core/session/webrtc/ice_lite.ts";
import {
  Attr,
  attribute,
  BINDING_REQUEST,
  BINDING_SUCCESS,
  encodeStun,
  hasIntegrity,
} from "../../../../core/wire/stun/mod.ts";
import { nodeCrypto } from "../../../../runtime/common/crypto.ts";
import { Call, rtpPacket } from "./call.ts";
import {
  agent,
  codeOf,
  controlling,
  drain,
  freshTransactionId,
  local,
  priority,
  send,
  useCandidate,
} from "./ice_peer.ts";

const renewed = (name: string): IceCredentials => ({ ufrag: name, pwd: name.repeat(4) });
const NEW = renewed("renewed1");

function check(ice: IceCredentials, nominates = false): Uint8Array {
  const username = { type: Attr.Username, value: latin1Bytes(`${ice.ufrag}:peer`) };
  const attributes = [username, controlling, priority, ...(nominates ? [useCandidate] : [])];
  const hmac = nodeCrypto.hmac("sha1", latin1Bytes(ice.pwd));
  const draft = { type: BINDING_REQUEST, transactionId: freshTransactionId(), attributes };
  return encodeStun(draft, hmac);
}

function retired(events: ReturnType<typeof drain>["events"]): string[] {
  return events.flatMap((event) => (event.type === "retired" ? [event.ufrag] : []));
}

function refusedBy(ice: IceLite, bytes: Uint8Array, pair: number, now: number): number {
  const [answer] = send(ice, pair, bytes, now).answers;
  return answer?.type === BINDING_SUCCESS ? 0 : codeOf(answer);
}

describe("after a restart (RFC 8445 §9)", () => {
  test("both passwords are answered, each check with its own", () => {
    const ice = agent();
    send(ice, 1, check(local, true), 0);
    ice.restart(NEW, 10);
    for (const [pair, credentials] of [
      [1, local],
      [2, NEW],
    ] as const) {
      const [answer] = send(ice, pair, check(credentials), 20).answers;
      assert.equal(answer?.type, BINDING_SUCCESS);
      const hmac = nodeCrypto.hmac("sha1", latin1Bytes(credentials.pwd));
      assert.ok(answer && hasIntegrity(answer, hmac, nodeCrypto));
      assert.ok(attribute(answer, Attr.XorMappedAddress));
    }
    assert.equal(refusedBy(ice, check({ ...NEW, pwd: local.pwd }), 3, 30), 401);
    assert.equal(refusedBy(ice, check(renewed("unknown1")), 4, 30), 401);
  });

  test("the old pair carries media until one of the new is nominated, whatever it does then", () => {
    const ice = agent();
    send(ice, 1, check(local, true), 0);
    ice.restart(NEW, 10);
    send(ice, 2, check(NEW), 20);
    assert.equal(ice.selected, 1, "the new one is valid, not nominated");
    send(ice, 2, check(NEW, true), 30);
    assert.equal(ice.selected, 2);
    send(ice, 1, check(local, true), 40);
    assert.equal(ice.selected, 2, "a nomination that was under way before");
    ice.handlePairClosed(2, 50);
    assert.equal(ice.selected, 1, "better than nothing");
  });

  test("old credentials and pairs are answered a while, then forgotten", () => {
    const ice = agent();
    send(ice, 1, check(local, true), 0);
    ice.restart(NEW, 10);
    send(ice, 2, check(NEW, true), 100);
    assert.equal(refusedBy(ice, check(local), 1, 100 + RETIRE_MILLIS - 1), 0);
    assert.equal(ice.nextTimeout(), 100 + RETIRE_MILLIS);
    ice.handleTimeout(100 + RETIRE_MILLIS);
    const { events } = drain(ice);
    assert.deepEqual(retired(events), [local.ufrag]);
    assert.deepEqual(
      events.flatMap((event) =>
        event.type === "close-pair" ? [[event.pair, event.fault.code]] : [],
      ),
      [[1, "ice-restarted"]],
    );
    assert.deepEqual([...ice.validPairs()], [2]);
    assert.equal(refusedBy(ice, check(local), 3, 11_000), 401);
  });

  test("a 5-tuple that goes over to the new credentials stays", () => {
    const ice = agent();
    send(ice, 1, check(local, true), 0, "udp");
    ice.restart(NEW, 10);
    send(ice, 1, check(NEW, true), 20, "udp");
    ice.handleTimeout(20 + RETIRE_MILLIS);
    assert.deepEqual(retired(drain(ice).events), [local.ufrag]);
    assert.equal(ice.selected, 1);
  });

  test("one that nobody follows changes nothing, and the next takes its place", () => {
    const ice = agent();
    send(ice, 1, check(local, true), 0);
    ice.restart(NEW, 10);
    ice.restart(renewed("renewed2"), 20);
    assert.deepEqual(retired(drain(ice).events), [NEW.ufrag]);
    assert.equal(refusedBy(ice, check(NEW), 2, 30), 401);
    assert.equal(refusedBy(ice, check(local, true), 1, 40), 0);
    assert.equal(ice.selected, 1);
    assert.equal(refusedBy(ice, check(renewed("renewed2"), true), 3, 50), 0);
    assert.equal(ice.selected, 3);
  });

  test("one after another keeps few credentials", () => {
    const ice = agent();
    send(ice, 1, check(local, true), 0);
    const gone: string[] = [];
    for (let i = 0; i < 10; i++) {
      const ufrag = `restart${i}`;
      ice.restart(renewed(ufrag), i);
      gone.push(...retired(send(ice, 10 + i, check(renewed(ufrag), true), i).events));
      gone.push(...retired(drain(ice).events));
    }
    assert.equal(gone.length, 11 - MAX_GENERATIONS);
    assert.deepEqual(gone.slice(0, 2), [local.ufrag, "restart0"]);
    assert.equal([...ice.validPairs()].length, MAX_GENERATIONS);
    assert.equal(ice.selected, 19);
  });

  test("a session without connections waits for the new ones", () => {
    const ice = agent();
    send(ice, 1, check(local, true), 0);
    ice.handlePairClosed(1, 1000);
    ice.restart(NEW, 1000 + GRACE_MILLIS - 1);
    ice.handleTimeout(1000 + GRACE_MILLIS);
    assert.equal(ice.expired, false);
    send(ice, 2, check(NEW, true), 1500 + GRACE_MILLIS);
    assert.equal(ice.selected, 2);
  });

  test("an agent that was never reached ends when it would have ended", () => {
    const ice = agent();
    ice.restart(NEW, 29_000);
    ice.handleTimeout(30_000);
    assert.equal(ice.expired, true);
    ice.restart(renewed("renewed2"), 30_001);
    assert.equal(ice.nextTimeout(), Number.POSITIVE_INFINITY);
  });
});

for (const role of ["server", "client"] as const) {
  test(`a transport that is the DTLS ${role} keeps its keys through a restart`, () => {
    const call = new Call(role).establish();
    call.assertMediaFlows(1);
    call.transport.restartIce(NEW, 100);
    call.drain();
    call.assertMediaFlows(2);
    assert.equal(call.transport.selected, 1);
    call.peer.useIce(NEW);
    call.connect(2, true);
    assert.equal(call.transport.selected, 2);
    call.path = 2;
    call.assertMediaFlows(3);
    call.path = 1;
    call.feed(1, call.peer.protect(rtpPacket(4), 4)); // was under way
    assert.equal(call.rtp.length, 4);
    call.until(RETIRE_MILLIS + 1000);
    assert.deepEqual(call.closings(), [[1, "ice-restarted"]]);
    call.path = 2;
    call.check(2, true);
    call.assertMediaFlows(5);
    assert.equal(call.count("connected"), 1);
    assert.equal(call.count("retired"), 1);
    assert.deepEqual(call.faults(), []);
    assert.equal(call.end(), undefined);
  });
}
