import assert from "node:assert/strict";
import { test } from "node:test";
import { plain } from "../../../../../core/session/webrtc/dtls/flight.ts";
import { Outbox } from "../../../../../core/session/webrtc/dtls/outbox.ts";
import { ContentType, MAX_RECORD_SEQUENCE } from "../../../../../core/wire/dtls/mod.ts";
import { nodeCrypto } from "../../../../../runtime/common/crypto.ts";
import { recordsOf } from "./records.ts";

const key = { gcm: nodeCrypto.aesGcm(new Uint8Array(16)), iv: new Uint8Array(4) };

function drain(outbox: Outbox): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (let next = outbox.poll(); next !== undefined; next = outbox.poll()) out.push(next);
  return out;
}

test("every record has a sequence number of its own, fragments and repeated flights too", () => {
  const outbox = new Outbox(300);
  outbox.protect(key);
  const large = { type: 11, messageSeq: 0, body: new Uint8Array(2000) };
  const finished = { type: 20, messageSeq: 1, body: new Uint8Array(12) };
  const flight = {
    items: [
      plain(large),
      { kind: "change_cipher_spec" },
      { kind: "message", epoch: 1, message: finished },
    ],
    awaitsReply: true,
  } as const;
  outbox.writeFlight(flight);
  outbox.writeFlight(flight);
  const datagrams = drain(outbox);
  assert.ok(datagrams.every((datagram) => datagram.length <= 300));
  const records = datagrams.flatMap(recordsOf);
  const numbers = records.map(({ epoch, sequence }) => `${epoch}:${sequence}`);
  assert.equal(new Set(numbers).size, records.length);
  const protectedOnes = records.filter((record) => record.epoch === 1);
  assert.deepEqual(
    protectedOnes.map((record) => record.sequence),
    [0, 1],
  );
  // The explicit nonce is epoch and sequence number (RFC 5288 §3).
  assert.deepEqual([...protectedOnes[1]!.fragment.subarray(0, 8)], [0, 1, 0, 0, 0, 0, 0, 1]);
});

test("no datagram is longer than the MTU, whatever it is", () => {
  for (let mtu = 128; mtu < 600; mtu++) {
    const outbox = new Outbox(mtu);
    outbox.protect(key);
    const finished = { type: 20, messageSeq: 1, body: new Uint8Array(12) };
    outbox.writeFlight({
      items: [
        plain({ type: 11, messageSeq: 0, body: new Uint8Array(333) }),
        { kind: "change_cipher_spec" },
        { kind: "message", epoch: 1, message: finished },
      ],
      awaitsReply: true,
    });
    const datagrams = drain(outbox);
    assert.ok(
      datagrams.every((datagram) => datagram.length <= mtu),
      `${mtu}`,
    );
  }
});

test("datagrams are filled before the next one is begun", () => {
  const outbox = new Outbox(1200);
  const items = [0, 1, 2].map((messageSeq) =>
    plain({ type: 11, messageSeq, body: new Uint8Array(700) }),
  );
  outbox.writeFlight({ items, awaitsReply: true });
  const sizes = drain(outbox).map((datagram) => datagram.length);
  assert.equal(sizes.length, 2);
  assert.equal(sizes[0], 1200);
});

test("an epoch whose sequence numbers are used up sends nothing more (RFC 6347 §4.1)", () => {
  const outbox = new Outbox(1200);
  outbox.protect(key);
  outbox.skipTo(1, MAX_RECORD_SEQUENCE);
  outbox.writeRecord(1, ContentType.alert, Uint8Array.of(1, 0));
  assert.equal(recordsOf(drain(outbox)[0]!)[0]?.sequence, MAX_RECORD_SEQUENCE);
  assert.equal(outbox.exhausted, false);
  outbox.writeRecord(1, ContentType.alert, Uint8Array.of(1, 0));
  assert.deepEqual(drain(outbox), []);
  assert.equal(outbox.exhausted, true);
});

test("nothing is written in epoch 1 before there is a key", () => {
  const outbox = new Outbox(1200);
  outbox.writeRecord(1, ContentType.alert, Uint8Array.of(1, 0));
  assert.deepEqual(drain(outbox), []);
});
