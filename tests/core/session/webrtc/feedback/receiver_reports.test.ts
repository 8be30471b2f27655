import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { RtcpPacketConverter, RtcpRrPacket, RtcpSourceDescriptionPacket } from "werift";
import { isFault, NEVER } from "../../../../../core/base/mod.ts";
import {
  MAX_REPORTED_SOURCES,
  RECEIVER_REPORT_MILLIS,
  ReceiverReports,
} from "../../../../../core/session/webrtc/feedback/mod.ts";
import {
  decodeRtcp,
  type ReceiverReport,
  type ReportBlock,
} from "../../../../../core/wire/rtcp/mod.ts";

const SSRC = 0xcafe;

function reports(): ReceiverReports {
  return new ReceiverReports({ senderSsrc: 1, cname: "monoport" });
}

function report(machine: ReceiverReports, now: number): ReceiverReport {
  const bytes = machine.poll(now);
  assert.ok(bytes, "no report");
  const packets = decodeRtcp(bytes);
  assert.ok(!isFault(packets));
  assert.deepEqual(packets[1], { type: "sdes", chunks: [{ ssrc: 1, cname: "monoport" }] });
  const first = packets[0];
  assert.ok(first?.type === "rr" && first.ssrc === 1);
  return first;
}

function block(machine: ReceiverReports, now: number): ReportBlock {
  const { blocks } = report(machine, now);
  const only = blocks[0];
  assert.ok(only && blocks.length === 1);
  return only;
}

test("a report is due one interval after the first packet, and not before any", () => {
  const machine = reports();
  assert.equal(machine.nextTimeout(), NEVER);
  assert.equal(machine.poll(1_000_000), undefined);
  machine.handlePacket(SSRC, 100, 0, 90_000, 500);
  assert.equal(machine.nextTimeout(), 500 + RECEIVER_REPORT_MILLIS);
  assert.equal(machine.poll(1_499), undefined);
  assert.equal(block(machine, 1_500).ssrc, SSRC);
  assert.equal(machine.nextTimeout(), 2_500);
});

test("fraction lost is of the last interval, cumulative lost of all, RFC 3550 A.3", () => {
  const machine = reports();
  for (let index = 0; index < 100; index++) {
    if (index % 4 !== 1) machine.handlePacket(SSRC, index, 0, 90_000, 0);
  }
  const first = block(machine, 1_000);
  assert.deepEqual([first.fractionLost, first.cumulativeLost], [64, 25]);
  assert.equal(first.highestSequence, 99);
  for (let index = 100; index < 200; index++) machine.handlePacket(SSRC, index, 0, 90_000, 1_500);
  const second = block(machine, 2_000);
  assert.deepEqual([second.fractionLost, second.cumulativeLost], [0, 25]);
  for (let index = 0; index < 50; index++) machine.handlePacket(SSRC, 150, 0, 90_000, 2_500);
  const third = block(machine, 3_000); // 50 duplicates: more received than expected
  assert.deepEqual([third.fractionLost, third.cumulativeLost], [0, -25]);
});

test("the extended highest sequence number carries the rollovers", () => {
  const machine = reports();
  machine.handlePacket(SSRC, 0x2_fffe, 0, 90_000, 0);
  machine.handlePacket(SSRC, 0x3_0001, 0, 90_000, 0);
  machine.handlePacket(SSRC, 0x2_ffff, 0, 90_000, 0); // late
  const { highestSequence, cumulativeLost } = block(machine, 1_000);
  assert.equal(highestSequence, 0x3_0001);
  assert.equal(cumulativeLost, 1);
});

test("packets before the first one are expected too", () => {
  const machine = reports();
  machine.handlePacket(SSRC, 10, 0, 90_000, 0);
  machine.handlePacket(SSRC, 8, 0, 90_000, 0);
  const { cumulativeLost, fractionLost } = block(machine, 1_000);
  assert.deepEqual([cumulativeLost, fractionLost], [1, 85]);
});

test("jitter is the smoothed difference of transit times, RFC 3550 A.8", () => {
  const steady = reports();
  for (let i = 0; i < 50; i++) {
    const rtpTime = (0xffff_ff00 + i * 1_800) >>> 0; // wraps at once
    steady.handlePacket(SSRC, i, rtpTime, 90_000, i * 20);
  }
  assert.equal(block(steady, 1_000).jitter, 0);
  const shaky = reports();
  let expected = 0;
  let before = 0;
  for (let i = 0; i < 50; i++) {
    const late = i % 2 === 0 ? 0 : 5;
    shaky.handlePacket(SSRC, i, i * 1_800, 90_000, i * 20 + late);
    if (i > 0) expected += (Math.abs(late - before) * 90 - expected) / 16;
    before = late;
  }
  assert.equal(block(shaky, 1_000).jitter, Math.floor(expected));
  assert.ok(expected > 400);
});

test("LSR and DLSR come from the last sender report", () => {
  const machine = reports();
  machine.handlePacket(SSRC, 1, 0, 90_000, 0);
  machine.handleSenderReport(99, { seconds: 1, fraction: 1 }, 0); // nobody's
  machine.handleSenderReport(SSRC, { seconds: 0xb44d_b705, fraction: 0x2000_0000 }, 400);
  const { lastSr, delaySinceLastSr } = block(machine, 1_000);
  assert.equal(lastSr, 0xb705_2000);
  assert.equal(delaySinceLastSr, Math.floor(0.6 * 65_536));
});

test("only sources heard since the last report are in it, and silent ones are forgotten", () => {
  const machine = reports();
  machine.handlePacket(1, 1, 0, 90_000, 0);
  machine.handlePacket(2, 1, 0, 48_000, 0);
  assert.equal(report(machine, 1_000).blocks.length, 2);
  for (let now = 2_000; now <= 10_000; now += 1_000) {
    machine.handlePacket(2, now, 0, 48_000, now - 1);
    assert.deepEqual(
      report(machine, now).blocks.map(({ ssrc }) => ssrc),
      [2],
    );
  }
  machine.handlePacket(1, 50, 0, 90_000, 10_500); // as new
  assert.equal(report(machine, 11_000).blocks[0]?.cumulativeLost, 0);
});

test("a source heard now and then is not forgotten", () => {
  const machine = reports();
  machine.handlePacket(SSRC, 1, 0, 90_000, 0);
  machine.handlePacket(2, 1, 0, 90_000, 0);
  for (let turn = 1; turn <= 12; turn++) {
    // 3, 5 and 7 in turns 4, 8 and 12.
    if (turn % 4 === 0) machine.handlePacket(SSRC, 1 + turn / 2, 0, 90_000, turn * 1_000 - 1);
    machine.poll(turn * 1_000);
  }
  machine.handlePacket(SSRC, 9, 0, 90_000, 12_500);
  assert.equal(block(machine, 13_000).cumulativeLost, 4);
});

test("when nobody is heard any more, nothing is due", () => {
  const machine = reports();
  machine.handlePacket(SSRC, 1, 0, 90_000, 0);
  for (let turn = 0; machine.nextTimeout() !== NEVER; turn++) {
    assert.ok(turn < 10);
    machine.poll(machine.nextTimeout());
  }
  machine.remove(SSRC);
  machine.handlePacket(SSRC, 2, 0, 90_000, 60_000);
  assert.equal(machine.nextTimeout(), 60_000 + RECEIVER_REPORT_MILLIS);
});

test("a flood of SSRCs is bounded", () => {
  const machine = reports();
  for (let ssrc = 0; ssrc < 10_000; ssrc++) machine.handlePacket(ssrc, 1, 0, 90_000, 0);
  assert.equal(report(machine, 1_000).blocks.length, MAX_REPORTED_SOURCES);
});

test("werift reads the report", () => {
  const machine = reports();
  for (const index of [0x1_0000, 0x1_0001, 0x1_0004]) {
    machine.handlePacket(SSRC, index, 0, 90_000, 0);
  }
  const bytes = machine.poll(1_000);
  assert.ok(bytes);
  const [rr, sdes] = RtcpPacketConverter.deSerialize(Buffer.from(bytes));
  assert.ok(rr instanceof RtcpRrPacket && sdes instanceof RtcpSourceDescriptionPacket);
  const { ssrc, packetsLost, fractionLost, highestSequence } = rr.reports[0] ?? {};
  assert.deepEqual(
    { ssrc, packetsLost, fractionLost, highestSequence },
    { ssrc: SSRC, packetsLost: 2, fractionLost: 102, highestSequence: 0x1_0004 },
  );
});
