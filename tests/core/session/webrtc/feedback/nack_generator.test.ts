import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { GenericNack, RtcpPacketConverter, RtcpTransportLayerFeedback } from "werift";
import { isFault, NEVER } from "../../../../../core/base/mod.ts";
import {
  GIVE_UP_MILLIS,
  HOLES_PER_SECOND,
  MAX_MISSING,
  MAX_NACK_SOURCES,
  MAX_NACKED,
  MAX_REORDER_MILLIS,
  MAX_TRIES,
  NackGenerator,
  REORDER_MILLIS,
} from "../../../../../core/session/webrtc/feedback/mod.ts";
import { decodeRtcp } from "../../../../../core/wire/rtcp/mod.ts";

const SSRC = 0xbeef;

function generator(): NackGenerator {
  return new NackGenerator({ senderSsrc: 1 });
}

/** What is asked for at `now`, as [ssrc, sequence number]. */
function asked(machine: NackGenerator, now: number): [number, number][] {
  const all: [number, number][] = [];
  for (let bytes = machine.poll(now); bytes !== undefined; bytes = machine.poll(now)) {
    const packets = decodeRtcp(bytes);
    assert.ok(!isFault(packets));
    for (const packet of packets) {
      assert.ok(packet.type === "nack" && packet.senderSsrc === 1);
      for (const sequence of packet.lost) all.push([packet.mediaSsrc, sequence]);
    }
  }
  return all;
}

function sequences(machine: NackGenerator, now: number): number[] {
  return asked(machine, now).map(([, sequence]) => sequence);
}

test("without a gap nothing is due", () => {
  const machine = generator();
  for (let index = 65_000; index < 66_000; index++) machine.handlePacket(SSRC, index, 0);
  machine.handlePacket(SSRC, 500, 0); // ancient
  assert.equal(machine.nextTimeout(), NEVER);
  assert.equal(machine.poll(1e9), undefined);
});

test("a gap is asked for after the time of reordering, across the wrap", () => {
  const machine = generator();
  machine.handlePacket(SSRC, 0xfffd, 0);
  machine.handlePacket(SSRC, 0x1_0002, 5);
  assert.equal(machine.nextTimeout(), 5 + REORDER_MILLIS);
  assert.equal(machine.poll(5 + REORDER_MILLIS - 1), undefined);
  assert.deepEqual(sequences(machine, 5 + REORDER_MILLIS), [0xfffe, 0xffff, 0, 1]);
});

test("packets that only overtook each other are not asked for", () => {
  const machine = generator();
  machine.handlePacket(SSRC, 10, 0);
  machine.handlePacket(SSRC, 13, 0);
  machine.handlePacket(SSRC, 12, 2);
  machine.handlePacket(SSRC, 11, 4);
  assert.equal(machine.missing(SSRC), 0);
  assert.deepEqual(sequences(machine, 1_000), []);
  assert.equal(machine.nextTimeout(), NEVER);
});

test("the round trip is learnt from a first retransmission and sets the pace", () => {
  const machine = generator();
  let index = 0;
  let now = 0;
  machine.handlePacket(SSRC, index, now);
  for (let turn = 0; turn < 60; turn++) {
    index += 2;
    machine.handlePacket(SSRC, index, now);
    now = machine.nextTimeout();
    assert.equal(sequences(machine, now).length, 1);
    now += 40;
    machine.handlePacket(SSRC, index - 1, now, true);
  }
  assert.ok(Math.abs(machine.roundTrip - 40) < 2, `${machine.roundTrip} ms`);
  machine.handlePacket(SSRC, index + 2, now);
  now = machine.nextTimeout();
  assert.equal(sequences(machine, now).length, 1);
  const pace = machine.nextTimeout() - now;
  assert.ok(pace >= 40 && pace < 60, `${pace} ms`);
});

test("a round trip longer than the pause is learnt: later holes are asked for once", () => {
  const machine = generator();
  let index = 0;
  let now = 0;
  machine.handlePacket(SSRC, index, now);
  const requests: number[] = [];
  for (let turn = 0; turn < 40; turn++) {
    index += 2;
    machine.handlePacket(SSRC, index, now);
    const answered = now + REORDER_MILLIS + 300;
    let tries = 0;
    while (machine.nextTimeout() < answered) {
      now = machine.nextTimeout();
      tries += sequences(machine, now).length;
    }
    now = answered;
    machine.handlePacket(SSRC, index - 1, now, true);
    requests.push(tries);
  }
  assert.ok(Math.abs(machine.roundTrip - 300) < 10, `${machine.roundTrip} ms`);
  assert.equal(requests[0], 3);
  assert.ok(
    requests.slice(10).every((one) => one === 1),
    String(requests),
  );
});

test("where packets overtake each other by more, holes are waited for longer, and no storm comes", () => {
  const machine = generator();
  let now = 0;
  let requests = 0;
  machine.handlePacket(SSRC, 0, now);
  for (let index = 1; index < 4000; index += 2, now += 20) {
    machine.handlePacket(SSRC, index + 1, now); // overtook the one before it by 30 ms
    while (machine.nextTimeout() < now + 10) {
      requests += sequences(machine, machine.nextTimeout()).length;
    }
    if (index > 1) machine.handlePacket(SSRC, index - 2, now + 10);
    while (machine.nextTimeout() < now + 20) {
      requests += sequences(machine, machine.nextTimeout()).length;
    }
  }
  assert.ok(machine.reordering > 30 && machine.reordering <= MAX_REORDER_MILLIS);
  assert.ok(requests < 40, `${requests} requests for 2000 packets that were only late`);
});

test("who jumps in his numbers opens so many holes a second and no more", () => {
  const machine = generator();
  let opened = 0;
  let index = 0;
  for (let now = 0; now < 2000; now++) {
    index += 300;
    machine.handlePacket(SSRC, index, now);
    const missing = machine.missing(SSRC);
    if (missing > 0) opened += 299;
    machine.handleKeyframe(SSRC, index); // as if all were given up
  }
  assert.ok(opened <= MAX_MISSING + 2 * HOLES_PER_SECOND, `${opened} holes`);
  assert.equal(machine.pollLost(), SSRC);
});

/** How often the one hole of a source is asked for, and when it is given up. */
function patience(giveUpMillis: number): [tries: number, until: number] {
  const machine = new NackGenerator({ senderSsrc: 1, giveUpMillis });
  machine.handlePacket(SSRC, 1, 0);
  machine.handlePacket(SSRC, 3, 0);
  let tries = 0;
  let now = 0;
  while (machine.nextTimeout() !== NEVER) {
    now = machine.nextTimeout();
    tries += sequences(machine, now).length;
  }
  assert.equal(machine.pollLost(), SSRC);
  return [tries, now];
}

test("patience ends with the tries, or with the time", () => {
  assert.equal(patience(1e9)[0], MAX_TRIES);
  const [tries, until] = patience(200);
  assert.ok(tries === 2 && until >= 200 && until < 400, `${tries} tries until ${until}`);
});

test("a hole is given up after so many tries or so long, and its source told once", () => {
  const machine = generator();
  machine.handlePacket(SSRC, 1, 0);
  machine.handlePacket(SSRC, 3, 0);
  let tries = 0;
  let now = 0;
  while (machine.nextTimeout() !== NEVER) {
    now = machine.nextTimeout();
    tries += sequences(machine, now).length;
  }
  assert.ok(tries > 3 && tries <= MAX_TRIES, `${tries} tries`);
  assert.ok(now <= GIVE_UP_MILLIS + 300);
  assert.equal(machine.pollLost(), SSRC);
  assert.equal(machine.pollLost(), undefined);
});

test("a gap too large is not asked for, a keyframe is", () => {
  const machine = generator();
  machine.handlePacket(SSRC, 0, 0);
  machine.handlePacket(SSRC, MAX_MISSING + 1, 0);
  assert.equal(machine.missing(SSRC), MAX_MISSING);
  assert.equal(machine.pollLost(), undefined);
  machine.handlePacket(SSRC, 1_000_000_000, 0);
  assert.equal(machine.missing(SSRC), 0);
  assert.equal(machine.pollLost(), SSRC);
  assert.deepEqual(sequences(machine, 1_000), []);
});

test("what is missing before a keyframe is forgotten", () => {
  const machine = generator();
  for (const index of [0, 3, 6]) machine.handlePacket(SSRC, index, 0);
  machine.handleKeyframe(SSRC, 5);
  assert.deepEqual(sequences(machine, 100), [5]);
  machine.handleKeyframe(SSRC, 6);
  assert.equal(machine.missing(SSRC), 0);
});

test("one packet asks for so many at most, the rest goes into the next", () => {
  const machine = generator();
  for (const ssrc of [1, 2]) {
    for (let index = 0; index <= 400; index += 2) machine.handlePacket(ssrc, index, 0);
  }
  const bytes = machine.poll(100);
  assert.ok(bytes && bytes.length <= MAX_NACKED * 4 + 2 * 12);
  assert.equal(asked(machine, 100).length, 400 - MAX_NACKED);
  assert.deepEqual(asked(machine, 100), []);
});

test("a flood of SSRCs is bounded, and a removed one is silent", () => {
  const machine = generator();
  for (let ssrc = 0; ssrc < 1_000; ssrc++) {
    machine.handlePacket(ssrc, 0, 0);
    machine.handlePacket(ssrc, 2, 0);
  }
  machine.remove(3);
  const sources = new Set(asked(machine, 100).map(([ssrc]) => ssrc));
  assert.equal(sources.size, MAX_NACK_SOURCES - 1);
});

test("werift reads the request", () => {
  const machine = generator();
  for (const index of [65_530, 65_533, 65_560]) machine.handlePacket(SSRC, index, 0);
  const bytes = machine.poll(100);
  assert.ok(bytes);
  const [packet] = RtcpPacketConverter.deSerialize(Buffer.from(bytes));
  assert.ok(packet instanceof RtcpTransportLayerFeedback);
  const nack = packet.feedback;
  assert.ok(nack instanceof GenericNack);
  assert.equal(nack.mediaSourceSsrc, SSRC);
  const expected = [65_531, 65_532];
  for (let index = 65_534; index < 65_560; index++) expected.push(index & 0xffff);
  assert.deepEqual(
    nack.lost.map((sequence) => sequence & 0xffff),
    expected,
  );
});

/** A seeded linear congruence: what is lost depends on the seed alone. */
function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 0x1_0000_0000;
  };
}

interface Flight {
  readonly at: number;
  readonly index: number;
}

/** A link that delays, and by the dice loses, repeats and reorders. */
class Link {
  readonly #random: () => number;
  readonly #loss: number;
  readonly #delay: number;
  #flights: Flight[] = [];

  constructor(seed: number, loss: number, delay: number) {
    this.#random = dice(seed);
    this.#loss = loss;
    this.#delay = delay;
  }

  send(index: number, now: number): void {
    if (this.#random() < this.#loss) return;
    const at = now + this.#delay + this.#random() * 8;
    this.#flights.push({ at, index });
    if (this.#random() < 0.05) this.#flights.push({ at: at + 3, index });
  }

  arrived(now: number): number[] {
    const due = this.#flights.filter(({ at }) => at <= now).sort((a, b) => a.at - b.at);
    this.#flights = this.#flights.filter(({ at }) => at > now);
    return due.map(({ index }) => index);
  }
}

const FIRST = 65_300;
const PACKETS = 600;

test("over a network that loses, repeats and reorders, every packet comes in the end or is given up", () => {
  const anyNetwork = fc.record({
    seed: fc.nat(),
    loss: fc.double({ min: 0, max: 0.3, noNaN: true }),
    delay: fc.integer({ min: 1, max: 120 }),
  });
  fc.assert(
    fc.property(anyNetwork, ({ seed, loss, delay }) => {
      const machine = generator();
      const link = new Link(seed, loss, delay);
      const received = new Set<number>();
      let told = 0;
      for (let now = 0, next = 0; now < 6_000; now += 5) {
        if (next < PACKETS) link.send(FIRST + next++, now);
        for (const index of link.arrived(now)) {
          received.add(index);
          machine.handlePacket(SSRC, index, now);
        }
        for (const [, sequence] of asked(machine, now)) {
          link.send(sequence < FIRST ? sequence + 0x1_0000 : sequence, now + delay);
        }
        if (machine.pollLost() !== undefined) told += 1;
      }
      assert.equal(machine.missing(SSRC), 0);
      assert.equal(machine.nextTimeout(), NEVER);
      let lost = 0;
      const last = Math.max(...received); // nobody knows of what was sent behind it
      for (let index = Math.min(...received); index < last; index++) {
        if (!received.has(index)) lost += 1;
      }
      assert.equal(told > 0, lost > 0, `${lost} lost, ${told} told`);
      if (loss < 0.1) assert.ok(lost < 3, `${lost} lost`);
    }),
    { seed: 4585, numRuns: 25 },
  );
});
