import assert from "node:assert/strict";
import { test } from "node:test";
import { netKind } from "../../runtime/common/base_runtime.ts";
import { descriptorWatch } from "../../runtime/common/descriptors.ts";
import { systemError } from "../../runtime/common/endpoint.ts";
import { QUEUE_DATAGRAMS, SendQueue } from "../../runtime/common/send_queue.ts";
import { type DgramCalls, DgramSocket } from "../../runtime/common/udp.ts";

/** Datagrams are told apart by their length. */
const MANY = 3 * QUEUE_DATAGRAMS;
const zeros = new Uint8Array(MANY);
const datagram = (length: number): Uint8Array => zeros.subarray(0, length);
const to = { host: "127.0.0.1", port: 9 };

test("a send queue sends one datagram after the other, in order, and drops what is too much", () => {
  const sent: number[] = [];
  const dones: (() => void)[] = [];
  const queue = new SendQueue((bytes, _to, done) => {
    sent.push(bytes.length);
    dones.push(done);
  });
  for (let i = 1; i <= MANY; i++) queue.send(datagram(i), to);
  assert.deepEqual(sent, [1]);
  for (let i = 0; i < dones.length; i++) dones[i]?.();
  assert.deepEqual(
    sent,
    Array.from({ length: QUEUE_DATAGRAMS + 1 }, (_, i) => i + 1),
  );
  queue.send(new Uint8Array(7), to);
  assert.equal(sent.at(-1), 7);
});

test("a send queue that is never empty keeps its order and its bound", () => {
  const sent: number[] = [];
  let done = (): void => {};
  const queue = new SendQueue((bytes, _to, next) => {
    sent.push(bytes.length);
    done = next;
  });
  queue.send(new Uint8Array(1), to);
  for (let i = 2; i <= MANY; i++) {
    queue.send(datagram(i), to);
    if (i > 100) done();
  }
  const { length } = sent;
  while (sent.length < MANY) done();
  assert.equal(length, MANY - 99);
  assert.ok(sent.every((size, i) => size === i + 1));
});

test("what node:dgram has queued is bounded: more is dropped until there is room", () => {
  let queued = 0;
  const sent: number[] = [];
  const socket = {
    address: () => ({ address: "0.0.0.0", port: 9, family: "IPv4" }),
    send: (bytes: Uint8Array) => void sent.push(bytes.length),
    close: () => {},
    getSendQueueCount: () => queued,
  };
  const udp = new DgramSocket(socket as unknown as DgramCalls, false);
  udp.send(datagram(1), to);
  queued = QUEUE_DATAGRAMS;
  udp.send(datagram(2), to);
  queued--;
  udp.send(datagram(3), to);
  assert.deepEqual(sent, [1, 3]);
});

test("a shortage of descriptors is told, once in 100 ms when that is in vain", () => {
  let left = 1;
  let told = 0;
  const probe = (): void => {
    if (left === 0) throw systemError("EMFILE", "too many open files");
  };
  const options = { port: 0, onAcceptError: () => void told++ };
  const watch = descriptorWatch(options, probe);
  assert.equal(watch.hasRoom(), true);
  left = 0;
  assert.equal(watch.hasRoom(), false);
  assert.equal(watch.hasRoom(), false);
  assert.equal(told, 1);
  left = 1;
  assert.equal(watch.hasRoom(), true);
  const shedding = descriptorWatch({ port: 0, onAcceptError: () => void left++ }, probe);
  for (let i = 0; i < 3; i++) {
    left = 0;
    assert.equal(shedding.hasRoom(), true);
  }
  const other = descriptorWatch(options, () => {
    throw systemError("ENOENT", "no /dev/null here");
  });
  assert.equal(other.hasRoom(), true);
});

test("MONOPORT_NET=node chooses node:net, an option decides", () => {
  assert.equal(netKind({}, {}), "native");
  assert.equal(netKind({}, { MONOPORT_NET: "node" }), "node");
  assert.equal(netKind({ net: "native" }, { MONOPORT_NET: "node" }), "native");
});
