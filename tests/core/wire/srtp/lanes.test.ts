/** The engine in lanes against the one that seals packet by packet, its oracle. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { CryptoProvider, SenderId, SrtpLanes } from "../../../../core/base/mod.ts";
import { AHEAD_BLOCKS, KeystreamAhead } from "../../../../core/wire/srtp/keystream_ahead.ts";
import { PlainSrtpEngine, SrtpReceiver } from "../../../../core/wire/srtp/mod.ts";
import {
  COPIES_PER_BUFFER,
  MAX_KEPT_BUFFERS,
  OutBuffers,
} from "../../../../core/wire/srtp/out_buffers.ts";
import { nodeCrypto } from "../../../../runtime/common/crypto.ts";
import { WasmSrtpLanes } from "../../../../runtime/common/srtp_lanes.ts";
import { good, rtpPacket, testKeys } from "./keys.ts";

const PROFILE = "SRTP_AES128_CM_HMAC_SHA1_80";
const PLAIN = { ssrc: 0x11111111, payloadType: 100, indexOffset: 0, timestampOffset: 0 };
const TRANSPORT_AT = 17;

function opened(): WasmSrtpLanes {
  const lanes = WasmSrtpLanes.open();
  assert.ok(lanes);
  return lanes;
}

function engineWith(lanes: SrtpLanes | undefined): PlainSrtpEngine {
  return new PlainSrtpEngine({ ...nodeCrypto, srtpLanes: () => lanes });
}

/** A packet with room for a transport-wide number at `TRANSPORT_AT`. */
function withSlot(index: number, payloadBytes: number): Uint8Array {
  const plain = rtpPacket(index, 1, payloadBytes);
  const packet = new Uint8Array(plain.length + 8);
  packet.set(plain.subarray(0, 12));
  packet.set([0xbe, 0xde, 0, 1, 0x31], 12);
  packet.set(plain.subarray(12), 20);
  packet[0] = 0x90;
  return packet;
}

interface Step {
  readonly kind: "seal" | "resend" | "set" | "replace";
  readonly track: number;
  /** From the highest index so far. */
  readonly move: number;
  readonly sizes: readonly number[];
  readonly framed: boolean;
  readonly mask: number;
}

const SIZE = fc.oneof(
  fc.nat(160),
  fc.nat(1200),
  fc.integer({ min: 1200, max: 1400 }),
  fc.constant(9000),
);
const MOVE = fc.oneof(
  { weight: 8, arbitrary: fc.constant(1) },
  fc.integer({ min: -3, max: 3 }),
  fc.integer({ min: -1200, max: 70_000 }),
);
const STEP: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom("seal", "seal", "seal", "seal", "resend", "set", "replace"),
  track: fc.nat(1),
  move: MOVE,
  sizes: fc.array(SIZE, { minLength: 1, maxLength: 14 }),
  framed: fc.boolean(),
  mask: fc.integer({ min: 1, max: 63 }),
});

/** An engine that is taken through the steps; everything that it gave, in the order of viewers. */
class Run {
  readonly engine: PlainSrtpEngine;
  readonly #reuse: boolean;
  readonly #senders: SenderId[] = [];
  readonly #highest = [65_000, 65_500];
  #made = 0;

  constructor(engine: PlainSrtpEngine, reuse: boolean) {
    this.engine = engine;
    this.#reuse = reuse;
    for (let viewer = 0; viewer < 6; viewer++) this.#senders.push(this.#add(viewer));
  }

  #add(viewer: number): SenderId {
    // One of them has another profile.
    const id = this.engine.addSender(
      testKeys(viewer === 4 ? "SRTP_AEAD_AES_128_GCM" : PROFILE, this.#made++),
    );
    for (const track of [0, 1]) this.#set(id, viewer, track, 0);
    return id;
  }

  #set(id: SenderId, viewer: number, track: number, offset: number): void {
    this.engine.setTrack(id, track, {
      ssrc: viewer * 10 + track,
      payloadType: 96 + track,
      indexOffset: viewer * 1000 + offset,
      timestampOffset: viewer * 999 - offset,
      resendable: viewer !== 1,
    });
  }

  step({ kind, track, move, sizes, framed, mask }: Step): Map<number, Uint8Array[]> {
    const { engine } = this;
    const got = new Map<number, Uint8Array[]>();
    const viewers = [0, 1, 2, 3, 4, 5].filter((viewer) => (mask >> viewer) & 1);
    if (kind === "set") {
      for (const viewer of viewers) this.#set(this.#senders[viewer]!, viewer, track, move);
      return got;
    }
    if (kind === "replace") {
      const [viewer = 0] = viewers;
      engine.removeSender(this.#senders[viewer]!);
      this.#senders[viewer] = this.#add(viewer);
      return got;
    }
    let index = Math.max(0, this.#highest[track]! + move);
    if (kind === "resend") index = Math.max(0, this.#highest[track]! - sizes.length + 1);
    const packets = sizes.map((size, i) => {
      const bytes = kind === "resend" ? 50 : i % 3 === 0 ? 50 : size;
      return engine.putPacket(withSlot(index + i, bytes), track, index + i, TRANSPORT_AT);
    });
    if (kind === "seal") {
      this.#highest[track] = Math.max(this.#highest[track]!, index + sizes.length - 1);
    }
    const deliver = (id: SenderId, bytes: Uint8Array): boolean => {
      const viewer = this.#senders.indexOf(id);
      const before = got.get(viewer) ?? [];
      before.push(bytes.slice());
      got.set(viewer, before);
      if (this.#reuse && framed) bytes.fill(0xee);
      return this.#reuse;
    };
    const ids = viewers.map((viewer) => this.#senders[viewer]!);
    if (kind === "resend") engine.resend(ids[0]!, packets, framed, deliver);
    else engine.seal(ids, packets, framed, deliver);
    engine.clearPackets();
    return got;
  }

  transport(): number[] {
    return this.#senders.map((id) => this.engine.nextTransportSequence(id));
  }

  end(): void {
    for (const id of this.#senders) this.engine.removeSender(id);
  }
}

test("batches, gaps, disorder, repeats, jumps and rollovers: the oracle's very bytes and refusals", () => {
  const lanes = opened();
  let packets = 0;
  fc.assert(
    fc.property(fc.array(STEP, { minLength: 5, maxLength: 40 }), fc.boolean(), (steps, reuse) => {
      const one = new Run(engineWith(lanes), reuse);
      const oracle = new Run(engineWith(undefined), false);
      for (const step of steps) {
        const expected = oracle.step(step);
        assert.deepEqual(one.step(step), expected);
        for (const each of expected.values()) packets += each.length;
        assert.deepEqual(one.transport(), oracle.transport());
        assert.equal(one.engine.refused, oracle.engine.refused);
      }
      one.end();
    }),
    { seed: 11, numRuns: 60 },
  );
  assert.ok(packets > 1000, `${packets}`);
});

/** An engine, and how often its one viewer's keystream was made since. */
function counted(lanes: SrtpLanes = opened()): {
  engine: PlainSrtpEngine;
  id: SenderId;
  receiver: SrtpReceiver;
  made: () => number;
} {
  let made = 0;
  const crypto: CryptoProvider = {
    ...nodeCrypto,
    srtpLanes: () => lanes,
    aesEcb: (key) => {
      const ecb = nodeCrypto.aesEcb(key);
      return {
        ...ecb,
        encryptInto: (blocks, target, at) => {
          made++;
          ecb.encryptInto(blocks, target, at);
        },
      };
    },
  };
  const engine = new PlainSrtpEngine(crypto);
  const id = engine.addSender(testKeys(PROFILE));
  engine.setTrack(id, 0, PLAIN);
  return {
    engine,
    id,
    receiver: new SrtpReceiver(nodeCrypto, testKeys(PROFILE)),
    made: () => made,
  };
}

function sealOne(
  engine: PlainSrtpEngine,
  id: SenderId,
  index: number,
  bytes: number,
): Uint8Array[] {
  const got: Uint8Array[] = [];
  engine.clearPackets();
  const packet = engine.putPacket(rtpPacket(index, 1, bytes), 0, index, 0);
  engine.seal([id], [packet], false, (_, sealed) => got.push(sealed.slice()));
  return got;
}

describe("keystream ahead", () => {
  test("one encryption is enough for several batches", () => {
    const { engine, id, receiver, made } = counted();
    for (let index = 0; index < 100; index++) {
      const [sealed] = sealOne(engine, id, index, 1000);
      assert.equal(good(receiver.unprotect(sealed!)).index, index);
    }
    assert.ok(made() < 20, `${made()}`);
  });

  test("is made anew after a jump, and for the indexes there alone", () => {
    const { engine, id, receiver, made } = counted();
    for (const index of [0, 1, 5000, 5001, 36_000, 65_534, 65_535, 65_536, 65_537]) {
      const [sealed] = sealOne(engine, id, index, 500);
      assert.equal(good(receiver.unprotect(sealed!)).index, index);
    }
    assert.ok(made() >= 3);
  });

  test("a packet longer than it is made for, and one without a slot, get their own", () => {
    const lanes = opened();
    const long = counted(lanes);
    const [sealed] = sealOne(long.engine, long.id, 0, AHEAD_BLOCKS * 16 + 1);
    assert.equal(good(long.receiver.unprotect(sealed!)).index, 0);
    const slots: number[] = [];
    for (let slot = lanes.takeSlot(); slot >= 0; slot = lanes.takeSlot()) slots.push(slot);
    const poor = counted(lanes);
    for (let index = 0; index < 10; index++) {
      const [one] = sealOne(poor.engine, poor.id, index, 300);
      assert.equal(good(poor.receiver.unprotect(one!)).index, index);
    }
    assert.equal(poor.made(), 10);
  });

  test("both halves may be in use: then nothing that a batch refers to is made over", () => {
    const lanes = opened();
    const keys = {
      ecb: nodeCrypto.aesEcb(new Uint8Array(16)),
      salt: new Uint8Array(14),
      states: new Uint32Array(10),
    };
    const ahead = new KeystreamAhead(lanes, 1, 0);
    const first = ahead.make(keys, 0, 4, 7, 0);
    const second = ahead.make(keys, 100, 4, 7, 0);
    assert.ok(first >= 0 && second >= 0 && first !== second);
    assert.equal(ahead.make(keys, 200, 4, 7, 0), -1);
    assert.equal(ahead.make(keys, 200, 4, 8, 0), first);
    assert.equal(ahead.make(keys, 199, 4, 9, 0), -1, "late");
  });
});

test("a viewer's keys and keystream are zeroed when he goes", () => {
  const lanes = opened();
  const { engine, id } = counted(lanes);
  sealOne(engine, id, 0, 1000);
  const { keystreamBytes, slotBytes } = lanes;
  const slot = lanes.keystream.subarray(keystreamBytes, keystreamBytes + slotBytes);
  assert.ok(slot.some((byte) => byte !== 0));
  assert.ok(lanes.states.every((word) => word === 0));
  engine.removeSender(id);
  assert.ok(slot.every((byte) => byte === 0));
  assert.equal(lanes.takeSlot(), keystreamBytes);
});

test("a track that goes over to another SSRC gives its slot back", () => {
  const lanes = opened();
  const { engine, id } = counted(lanes);
  for (let ssrc = 0; ssrc < 60; ssrc++) {
    engine.setTrack(id, 0, { ...PLAIN, ssrc });
    assert.equal(sealOne(engine, id, 0, 100).length, 1);
  }
  assert.equal(lanes.takeSlot(), lanes.keystreamBytes + lanes.slotBytes);
});

test("more packets, or more bytes, than lanes hold are sealed without them", () => {
  const lanes = opened();
  const { engine, id, receiver } = counted(lanes);
  const sealAll = (from: number, count: number, bytes: number): void => {
    engine.clearPackets();
    const packets = Array.from({ length: count }, (_, i) =>
      engine.putPacket(rtpPacket(from + i, 1, bytes), 0, from + i, 0),
    );
    let got = 0;
    engine.seal([id], packets, false, (_, sealed) => {
      assert.equal(good(receiver.unprotect(sealed)).index, from + got++);
    });
    assert.equal(got, count);
  };
  sealAll(0, lanes.mostPackets + 1, 10);
  sealAll(1000, 5, 60_000);
  sealAll(2000, 400, 600);
  sealAll(3000, 1, 10);
});

test("more viewers than fit one call get all their packets", () => {
  const engine = engineWith(opened());
  const ids = Array.from({ length: 150 }, (_, seed) => {
    const id = engine.addSender(testKeys(PROFILE, seed));
    engine.setTrack(id, 0, PLAIN);
    return id;
  });
  const packets = Array.from({ length: 20 }, (_, i) =>
    engine.putPacket(rtpPacket(i, 1, 1100), 0, i, 0),
  );
  const seen: SenderId[] = [];
  engine.seal(ids, packets, true, (id, bytes) => {
    seen.push(id);
    assert.equal(bytes.length, 20 * (2 + 12 + 1100 + 10));
  });
  assert.deepEqual(seen, ids);
});

test("a viewer removed while others are served costs them nothing", () => {
  for (const lanes of [opened(), undefined]) {
    const engine = engineWith(lanes);
    const ids = [1, 2, 3].map((seed) => engine.addSender(testKeys(PROFILE, seed)));
    for (const id of ids) engine.setTrack(id, 0, PLAIN);
    const served: number[] = [];
    engine.seal(ids, [engine.putPacket(rtpPacket(1), 0, 1, 0)], true, (id) => {
      served.push(id);
      engine.removeSender(ids[1]!);
    });
    assert.deepEqual(served, [ids[0], ids[2]]);
  }
});

describe("memory of what was sealed", () => {
  test("is used again when it was given back, and only then", () => {
    const { engine, id } = counted();
    const sealInto = (index: number, back: boolean): Uint8Array => {
      let got = new Uint8Array(0);
      engine.clearPackets();
      const packet = engine.putPacket(rtpPacket(index, 1, 700), 0, index, 0);
      engine.seal([id], [packet], true, (_, bytes) => {
        got = bytes as Uint8Array<ArrayBuffer>;
        return back;
      });
      return got;
    };
    const held = sealInto(0, false);
    const before = held.slice();
    const seen = new Set<unknown>();
    for (let index = 1; index < 100; index++) seen.add(sealInto(index, true).buffer);
    assert.ok(seen.size <= COPIES_PER_BUFFER, `${seen.size}`);
    assert.ok(!seen.has(held.buffer));
    assert.deepEqual(held, before);
  });

  test("is kept up to a bound, and a buffer is never more than twice what it holds from 512 bytes on", () => {
    const buffers = new OutBuffers();
    const source = new Uint8Array(40_000);
    const made = Array.from({ length: (MAX_KEPT_BUFFERS + 5) * COPIES_PER_BUFFER }, () =>
      buffers.copy(source, 0, 600),
    );
    for (const bytes of made) buffers.give(bytes);
    const again = new Set<unknown>(made.map((bytes) => bytes.buffer));
    const kept = made.filter(() => again.has(buffers.copy(source, 0, 600).buffer));
    assert.equal(kept.length, MAX_KEPT_BUFFERS);
    for (const size of [0, 1, 512, 513, 1024, 1025, 16_384, 16_385, 40_000]) {
      const { length, buffer } = buffers.copy(source, 0, size);
      assert.equal(length, size);
      assert.ok(buffer.byteLength <= Math.max(512, 2 * size));
      buffers.give(buffers.copy(source, 0, size));
    }
    assert.equal(buffers.copy(source, 0, 40_000).length, 40_000);
  });
});
