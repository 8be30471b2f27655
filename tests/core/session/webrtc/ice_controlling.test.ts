import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1, latin1Bytes } from "../../../../core/bytes/mod.ts";
import { MAX_OUTSTANDING } from "../../../../core/session/webrtc/ice_checked_pair.ts";
import {
  CHECK_FAILED,
  IceControlling,
  MAX_CHECKED_PAIRS,
  PACE_MILLIS,
  PATIENCE_MILLIS,
  REACH_MILLIS,
  REDIAL_MILLIS,
} from "../../../../core/session/webrtc/ice_controlling.ts";
import { TOO_MANY_PAIRS } from "../../../../core/session/webrtc/ice_refusal.ts";
import {
  Attr,
  attribute,
  BINDING_REQUEST,
  BINDING_SUCCESS,
  encodeStun,
  hasIntegrity,
  type StunMessage,
} from "../../../../core/wire/stun/mod.ts";
import { nodeCrypto } from "../../../../runtime/common/crypto.ts";
import {
  answer,
  events,
  full,
  hmacOfTheirs,
  join,
  lite,
  ours,
  remote,
  selectedAt,
  sent,
  theirs,
} from "./ice_full_peer.ts";

for (const transport of ["tcp", "udp"] as const) {
  test(`a lite agent is checked, nominated and asked for consent over ${transport}`, () => {
    const a = full();
    const b = lite();
    const network = join(a, b, transport);
    assert.equal(selectedAt(network), 80); // two round trips of 40 ms
    assert.equal(a.selected, 1);
    assert.ok(b.isValid(1));
    assert.deepEqual(network.events.b.at(-1), { type: "selected", pair: 1, nominated: true });
    network.run(30 * 60_000);
    assert.equal(a.expired, false);
    assert.equal(b.expired, false);
    // Every 4 to 6 s (RFC 7675 §5.1): 300 to 450 in half an hour.
    assert.ok(network.sent.a > 290 && network.sent.a < 460, `${network.sent.a}`);
  });
}

test("a check has USERNAME remote:local, the role, the tiebreaker and the peer's integrity", () => {
  const agent = full();
  agent.handlePairOpened(1, "udp", remote, 0);
  const [first] = sent(agent);
  assert.ok(first);
  const { message } = first;
  assert.equal(message.type, BINDING_REQUEST);
  assert.equal(latin1(attribute(message, Attr.Username) ?? new Uint8Array()), "farfarfa:relayrel");
  assert.equal(attribute(message, Attr.IceControlling)?.length, 8);
  assert.equal(attribute(message, Attr.IceControlled), undefined);
  assert.ok(attribute(message, Attr.Priority));
  assert.ok(message.fingerprinted && hasIntegrity(message, hmacOfTheirs, nodeCrypto));
  // Regular nomination: the first check only asks (RFC 8445 §8.1.1).
  assert.equal(attribute(message, Attr.UseCandidate), undefined);
  answer(agent, 1, message, 10);
  const [second] = sent(agent);
  assert.ok(second && attribute(second.message, Attr.UseCandidate));
});

test("over UDP a check is repeated by RFC 8489 §6.2.1, over TCP it is not", () => {
  const times = (transport: "tcp" | "udp"): number[] => {
    const agent = new IceControlling({
      local: ours,
      remote: theirs,
      crypto: nodeCrypto,
      now: 0,
      reachMillis: 60_000,
    });
    agent.handlePairOpened(1, transport, remote, 0);
    const at: number[] = [];
    for (let now = 0; now < 60_000; now = agent.nextTimeout()) {
      agent.handleTimeout(now);
      if (sent(agent).length > 0) at.push(now);
    }
    return at;
  };
  assert.deepEqual(times("udp"), [0, 500, 1500, 3500, 7500, 15_500, 31_500]);
  assert.deepEqual(times("tcp"), [0]);
});

test("nobody reached: the session is over after its time, and a silent TCP pair is closed", () => {
  const agent = full();
  agent.handlePairOpened(1, "udp", remote, 0);
  agent.handleTimeout(REACH_MILLIS - 1);
  assert.equal(agent.expired, false);
  agent.handleTimeout(REACH_MILLIS);
  assert.deepEqual(events(agent), [{ type: "expired", reason: "unreached" }]);
  assert.equal(agent.nextTimeout(), Number.POSITIVE_INFINITY);
});

test("a path that loses a fifth of all packets both ways is used all the same", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const network = join(full(), lite(), "udp", {
      seed,
      loss: 0.2,
      reordering: 0.2,
      duplication: 0.2,
    });
    assert.ok(selectedAt(network) >= 0, `seed ${seed}`);
  }
});

test("an answer without the right integrity, or to nothing we asked, counts for nothing", () => {
  const agent = full();
  agent.handlePairOpened(1, "udp", remote, 0);
  const [first] = sent(agent);
  assert.ok(first);
  const { transactionId } = first.message;
  const forged = (password: string | undefined): void => {
    const hmac =
      password === undefined ? undefined : nodeCrypto.hmac("sha1", latin1Bytes(password));
    const bytes = encodeStun({ type: BINDING_SUCCESS, transactionId, attributes: [] }, hmac);
    agent.handleInput({ pair: 1, transport: "udp", remote, bytes }, 1);
  };
  forged(undefined);
  forged(ours.pwd);
  assert.equal(agent.isValid(1), false);
  const other = { ...first.message, transactionId: new Uint8Array(12) };
  answer(agent, 1, other, 1);
  assert.equal(agent.isValid(1), false);
  answer(agent, 1, first.message, 1);
  assert.equal(agent.isValid(1), true);
});

test("an answer with a bit flipped, or cut anywhere, makes no pair valid", () => {
  const agent = full();
  agent.handlePairOpened(1, "udp", remote, 0);
  const [first] = sent(agent);
  assert.ok(first);
  const { transactionId } = first.message;
  const right = encodeStun({ type: BINDING_SUCCESS, transactionId, attributes: [] }, hmacOfTheirs);
  // FINGERPRINT, the last 8 bytes, is no secret: without it the message is as good.
  for (let bit = 0; bit < (right.length - 8) * 8; bit++) {
    const bytes = right.slice();
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    agent.handleInput({ pair: 1, transport: "udp", remote, bytes }, 1);
    assert.equal(agent.isValid(1), false, `bit ${bit}`);
  }
  for (let size = 0; size < right.length; size++) {
    const bytes = right.slice(0, size);
    agent.handleInput({ pair: 1, transport: "udp", remote, bytes }, 1);
    assert.equal(agent.isValid(1), false, `${size} bytes`);
  }
  agent.handleInput({ pair: 1, transport: "udp", remote, bytes: right }, 1);
  assert.equal(agent.isValid(1), true);
});

test("a consent check that is answered late counts, until eight more have gone out", () => {
  const agent = full();
  agent.handlePairOpened(1, "udp", remote, 0);
  const [check] = sent(agent);
  assert.ok(check);
  answer(agent, 1, check.message, 0);
  const [nomination] = sent(agent);
  assert.ok(nomination);
  answer(agent, 1, nomination.message, 0);
  const asked: StunMessage[] = [];
  for (let now = 0; asked.length < MAX_OUTSTANDING + 1; ) {
    now = agent.nextTimeout();
    agent.handleTimeout(now);
    if (agent.expired) break;
    for (const { message } of sent(agent)) asked.push(message);
    if (asked.length === 4) answer(agent, 1, asked[1] ?? check.message, now);
    if (asked.length === 8) answer(agent, 1, asked[3] ?? check.message, now);
  }
  assert.equal(agent.expired, false);
  assert.equal(asked.length, MAX_OUTSTANDING + 1);
});

test("the pair opened first is preferred, and is waited for, but not for ever", () => {
  const agent = full();
  agent.handlePairOpened(1, "udp", remote, 0);
  agent.handlePairOpened(2, "udp", remote, 0);
  const [first] = sent(agent);
  assert.equal(first?.pair, 1);
  agent.handleTimeout(PACE_MILLIS); // checks are paced (RFC 8445 §14.2)
  const [second] = sent(agent);
  assert.equal(second?.pair, 2);
  assert.ok(first && second);
  answer(agent, 2, second.message, 100);
  assert.deepEqual(sent(agent), []);
  agent.handleTimeout(100 + PATIENCE_MILLIS - 1);
  assert.deepEqual(sent(agent), []);
  agent.handleTimeout(100 + PATIENCE_MILLIS);
  const [nomination] = sent(agent);
  assert.equal(nomination?.pair, 2);
});

test("a pair that answers with an error is given up, and the other nominated", () => {
  const agent = full();
  agent.handlePairOpened(1, "udp", remote, 0);
  agent.handlePairOpened(2, "udp", remote, 0);
  const [first] = sent(agent);
  agent.handleTimeout(PACE_MILLIS);
  const [second] = sent(agent);
  assert.ok(first && second);
  answer(agent, 1, first.message, 60, 400);
  assert.deepEqual(events(agent), [{ type: "refused", pair: 1, fault: CHECK_FAILED }]);
  answer(agent, 2, second.message, 61);
  assert.equal(sent(agent)[0]?.pair, 2);
});

test("when answers stop, consent ends 30 s after the last one (RFC 7675 §5.1)", () => {
  const agent = full();
  const network = join(agent, lite(), "udp", {
    script: (_bytes, _from, now) => (now > 10_000 ? [] : undefined),
  });
  let ended = 0;
  network.run(120_000, () => {
    if (agent.expired) ended = network.now;
    return agent.expired;
  });
  assert.deepEqual(network.events.a.at(-1), { type: "expired", reason: "consent" });
  assert.ok(ended > 34_000 && ended <= 40_050, `${ended}`);
});

test("a lost connection may be dialled again; else the session is over", () => {
  const agent = full();
  agent.handlePairOpened(1, "tcp", remote, 0);
  const check = sent(agent)[0]?.message;
  assert.ok(check);
  answer(agent, 1, check, 1);
  const nomination = sent(agent)[0]?.message;
  assert.ok(nomination);
  answer(agent, 1, nomination, 2);
  assert.equal(agent.selected, 1);
  agent.handlePairClosed(1, 100);
  assert.equal(agent.selected, undefined);
  agent.handlePairOpened(2, "tcp", remote, 200);
  const again = sent(agent)[0]?.message;
  assert.ok(again);
  answer(agent, 2, again, 201);
  const second = sent(agent)[0]?.message;
  assert.ok(second);
  answer(agent, 2, second, 202);
  assert.equal(agent.selected, 2);
  agent.handlePairClosed(2, 300);
  events(agent);
  agent.handleTimeout(300 + REDIAL_MILLIS - 1);
  assert.equal(agent.expired, false);
  agent.handleTimeout(300 + REDIAL_MILLIS);
  assert.deepEqual(events(agent), [{ type: "expired", reason: "grace" }]);
});

test("two full agents that both mean to control settle it by tiebreaker (RFC 8445 §7.3.1.1)", () => {
  let swapped = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const a = full();
    const b = full(true);
    const network = join(a, b, "udp", { seed });
    network.run(5000);
    assert.equal(a.selected, 1);
    assert.equal(b.selected, 1);
    assert.notEqual(a.controlling, b.controlling);
    if (!a.controlling) swapped++;
  }
  assert.ok(swapped > 0 && swapped < 20, `${swapped} of 20`);
});

test("487 from a peer makes us controlled, with another tiebreaker, and the check goes out again", () => {
  const agent = full();
  agent.handlePairOpened(1, "udp", remote, 0);
  const [first] = sent(agent);
  assert.ok(first);
  const before = attribute(first.message, Attr.IceControlling)?.slice();
  answer(agent, 1, first.message, 1, 487);
  const [second] = sent(agent);
  assert.ok(second);
  assert.equal(attribute(second.message, Attr.IceControlling), undefined);
  assert.notDeepEqual(attribute(second.message, Attr.IceControlled)?.slice(), before);
  answer(agent, 1, second.message, 2);
  assert.deepEqual(sent(agent), []); // it is the peer's to nominate now
  assert.equal(agent.selected, undefined);
});

test("a peer's own check is answered with its address, and one without our password is not", () => {
  const agent = full();
  agent.handlePairOpened(1, "udp", remote, 0);
  sent(agent);
  const transactionId = new Uint8Array(12).fill(7);
  const request = (password: string): Uint8Array =>
    encodeStun(
      {
        type: BINDING_REQUEST,
        transactionId,
        attributes: [
          { type: Attr.Username, value: latin1Bytes("relayrel:farfarfa") },
          { type: Attr.IceControlled, value: new Uint8Array(8) },
        ],
      },
      nodeCrypto.hmac("sha1", latin1Bytes(password)),
    );
  agent.handleInput({ pair: 1, transport: "udp", remote, bytes: request(theirs.pwd) }, 1);
  assert.deepEqual(sent(agent), []);
  assert.equal(agent.isValid(1), false);
  agent.handleInput({ pair: 1, transport: "udp", remote, bytes: request(ours.pwd) }, 2);
  const [response] = sent(agent);
  assert.equal(response?.message.type, BINDING_SUCCESS);
  assert.ok(response && attribute(response.message, Attr.XorMappedAddress));
  assert.equal(agent.isValid(1), true);
});

test("pairs beyond the bound are refused", () => {
  const agent = full();
  for (let pair = 1; pair <= MAX_CHECKED_PAIRS + 1; pair++) {
    agent.handlePairOpened(pair, "udp", remote, 0);
  }
  assert.deepEqual(events(agent), [
    { type: "close-pair", pair: MAX_CHECKED_PAIRS + 1, fault: TOO_MANY_PAIRS },
  ]);
});

test("garbage closes a TCP pair and is passed over on UDP", () => {
  for (const transport of ["tcp", "udp"] as const) {
    const agent = full();
    agent.handlePairOpened(1, transport, remote, 0);
    agent.handleInput({ pair: 1, transport, remote, bytes: new Uint8Array(30) }, 1);
    assert.equal(
      events(agent).some(({ type }) => type === "close-pair"),
      transport === "tcp",
    );
  }
});
