import assert from "node:assert/strict";
import { test } from "node:test";
import { u16 } from "../../../core/bytes/mod.ts";
import { compactNtp } from "../../../core/wire/rtcp/mod.ts";
import {
  AUDIO_SSRC,
  audioOptions,
  equalBytes,
  partOf,
  RTX_SSRC,
  reportBlock,
  reportTransport,
  type Seen,
  VIDEO_SSRC,
  type Viewer,
  videoOptions,
  World,
} from "./fixture.ts";

/** Asserts that `rtx` is `original` as RFC 4588 §4 has it. */
function assertRtxOf(rtx: Seen, original: Seen): void {
  assert.equal(rtx.header.ssrc, RTX_SSRC);
  assert.equal(rtx.header.payloadType, 97);
  assert.equal(rtx.header.timestamp, original.header.timestamp);
  assert.equal(rtx.header.marker, original.header.marker);
  assert.equal(u16(rtx.payload, 0), original.header.sequenceNumber, "OSN");
  assert.ok(equalBytes(rtx.payload.subarray(2), original.payload));
}

function frames(world: World, viewer: Viewer, count: number): Seen[] {
  const source = world.publish();
  for (let i = 0; i < count; i++) {
    source.pushFrame(world.now, i === 0);
    world.pass(33);
  }
  return viewer.of(VIDEO_SSRC);
}

test("with RTX a NACK is answered on the RTX SSRC with its own sequence numbers", () => {
  const world = new World();
  const viewer = world.view();
  const sent = frames(world, viewer, 10);
  const wanted = [sent[4]!, sent[5]!, sent[20]!];
  const lost = wanted.map((one) => one.header.sequenceNumber);
  viewer.subscriber.handleNack(VIDEO_SSRC, lost, world.now);
  const rtx = viewer.of(RTX_SSRC);
  assert.equal(rtx.length, 3);
  for (let i = 0; i < 3; i++) assertRtxOf(rtx[i]!, wanted[i]!);
  assert.deepEqual(
    rtx.map((one) => one.header.sequenceNumber),
    [1000, 1001, 1002],
  );
  assert.ok(new Set(viewer.seen.map((one) => one.transport)).size === viewer.seen.length);
});

test("without RTX the very same bytes are sent again", () => {
  const world = new World();
  const { rtxSsrc: _, ...plain } = videoOptions();
  const viewer = world.view({ video: plain });
  const sent = frames(world, viewer, 10);
  viewer.subscriber.handleNack(VIDEO_SSRC, [sent[7]!.header.sequenceNumber], world.now);
  const again = viewer.of(VIDEO_SSRC).slice(30);
  assert.equal(again.length, 1);
  assert.ok(equalBytes(again[0]!.bytes, sent[7]!.bytes));
  assert.equal(world.engine.refused, 0);
});

test("a viewer who did not negotiate NACK gets no answer", () => {
  const world = new World();
  const viewer = world.view();
  const source = world.publish();
  for (let i = 0; i < 5; i++) source.pushAudio(world.now);
  const [first] = viewer.of(AUDIO_SSRC);
  viewer.subscriber.handleNack(AUDIO_SSRC, [first!.header.sequenceNumber], world.now);
  viewer.subscriber.handleNack(0xdead, [1], world.now);
  assert.equal(viewer.seen.length, 5);
});

test("audio is sent again too when NACK was negotiated", () => {
  const world = new World();
  const viewer = world.view({ audio: audioOptions({ nack: true }) });
  const source = world.publish();
  for (let i = 0; i < 5; i++) source.pushAudio(world.now);
  const [, second] = viewer.of(AUDIO_SSRC);
  viewer.subscriber.handleNack(AUDIO_SSRC, [second!.header.sequenceNumber], world.now);
  assert.ok(equalBytes(viewer.seen.at(-1)!.bytes, second!.bytes));
});

for (const rtx of [true, false]) {
  const how = rtx ? "RTX" : "identical packets";
  test(`NACKs reach back over dropped frames and wraps of the sequence number (${how})`, () => {
    const world = new World({ historyMillis: 60_000, retransmitBytesPerSecond: 1e9 });
    const { rtxSsrc, ...plain } = videoOptions({ firstSequenceNumber: 0x7fff });
    const viewer = world.view({ video: rtx && rtxSsrc ? { ...plain, rtxSsrc } : plain });
    const source = world.publish();
    // Up to just below a wrap of the viewer's numbers, cheaply.
    for (let i = 0; i < 330; i++) source.pushFrame(world.now, i === 0, 99, 12, i === 0 ? 3000 : 0);
    for (let round = 0; round < 12; round++) {
      viewer.subscriber.suspend();
      source.pushFrame(world.now);
      viewer.subscriber.resume(world.now);
      source.pushFrame(world.now, true, 15);
    }
    const sent = viewer.of(VIDEO_SSRC).slice(-200);
    const numbers = sent.map((one) => one.header.sequenceNumber);
    assert.ok(numbers.some((one) => one > 0xff00) && numbers.some((one) => one < 0x100), "wraps");
    const before = viewer.seen.length;
    viewer.subscriber.handleNack(VIDEO_SSRC, numbers, world.now);
    const again = viewer.seen.slice(before);
    assert.equal(again.length, 200);
    for (let i = 0; i < 200; i++) {
      if (rtx) assertRtxOf(again[i]!, sent[i]!);
      else assert.ok(equalBytes(again[i]!.bytes, sent[i]!.bytes));
    }
    assert.equal(world.engine.refused, 0);
  });
}

test("numbers that were never sent, or are forgotten, get no answer", () => {
  const world = new World();
  const viewer = world.view();
  const sent = frames(world, viewer, 100);
  const before = viewer.seen.length;
  const highest = sent.at(-1)!.header.sequenceNumber;
  const lost = [999, 1000, highest + 1, highest + 1000, 0, 0xffff];
  viewer.subscriber.handleNack(VIDEO_SSRC, lost, world.now);
  assert.equal(viewer.seen.length, before, "the first packets are older than 2 s");
  viewer.subscriber.handleNack(VIDEO_SSRC, [highest], world.now);
  assert.equal(viewer.seen.length, before + 1);
});

test("the same packet is not sent again within 40 ms", () => {
  const world = new World();
  const viewer = world.view();
  const sent = frames(world, viewer, 10);
  const lost = [sent[20]!.header.sequenceNumber];
  for (let i = 0; i < 8; i++) {
    viewer.subscriber.handleNack(VIDEO_SSRC, lost, world.now);
    world.pass(10);
  }
  assert.equal(viewer.of(RTX_SSRC).length, 2);
});

test("retransmissions are bounded in bytes per second", () => {
  const world = new World({ retransmitBytesPerSecond: 20_000, retransmitMillis: 0 });
  const viewer = world.view();
  const sent = frames(world, viewer, 30);
  const lost = sent.slice(-40).map((one) => one.header.sequenceNumber);
  for (let i = 0; i < 100; i++) viewer.subscriber.handleNack(VIDEO_SSRC, lost, world.now);
  assert.ok(viewer.of(RTX_SSRC).length <= 10, "half a second's worth at once");
  world.pass(1000);
  viewer.subscriber.handleNack(VIDEO_SSRC, lost, world.now);
  assert.ok(viewer.of(RTX_SSRC).length <= 20);
});

test("a retransmission of a keyframe resends the frame it was", () => {
  const world = new World();
  const viewer = world.view();
  const sent = frames(world, viewer, 1);
  viewer.subscriber.handleNack(VIDEO_SSRC, [sent[0]!.header.sequenceNumber], world.now);
  assert.deepEqual(partOf(viewer.of(RTX_SSRC)[0]!.payload.subarray(2)).key, true);
});

test("feedback about anything else than what was sent changes nothing", () => {
  const world = new World();
  const viewer = world.view();
  const source = world.publish();
  const { subscriber } = viewer;
  for (const highest of [0, 1, 999, 0xffff, 0xffff_ffff, -1, Number.NaN]) {
    reportTransport(subscriber, highest, world.now);
    reportBlock(subscriber, { highestSequence: highest }, world.now);
    subscriber.handleNack(VIDEO_SSRC, [highest], world.now);
  }
  assert.equal(subscriber.gate.log.reported, false, "nothing was sent yet");
  source.pushFrame(world.now, true);
  const sent = viewer.seen.length;
  // The engine's first transport-wide number is 65,500, the first video packet 1000.
  for (const highest of [999, 1003, 5000, 65_499, 0]) {
    subscriber.handleNack(VIDEO_SSRC, [highest], world.now);
    reportTransport(subscriber, highest, world.now);
    reportBlock(subscriber, { highestSequence: highest }, world.now);
    reportBlock(subscriber, { ssrc: 0xdead, highestSequence: highest }, world.now);
  }
  assert.equal(viewer.seen.length, sent);
  assert.ok(subscriber.gate.log.unreportedBytes >= viewer.bytes - 10, "none of it was received");
  reportTransport(subscriber, 65_502, world.now);
  assert.equal(subscriber.gate.log.unreportedBytes, 0);
});

for (const framed of [true, false]) {
  test(`what the engine refuses is not counted as sent (${framed ? "framed" : "datagrams"})`, () => {
    const world = new World();
    const viewer = world.view();
    viewer.framed = framed;
    const sent = frames(world, viewer, 10);
    const { engine } = world;
    const seal = engine.seal.bind(engine);
    engine.seal = (senders, packets, ...rest) => seal(senders, packets.slice(1), ...rest);
    const { subscriber } = viewer;
    const before = subscriber.sentBytes;
    const bytes = viewer.bytes;
    const lost = sent.slice(3, 6).map((one) => one.header.sequenceNumber);
    subscriber.handleNack(VIDEO_SSRC, lost, world.now);
    assert.equal(viewer.of(RTX_SSRC).length, 2);
    assert.equal(subscriber.video?.stats.retransmittedPackets, 2);
    assert.equal(subscriber.sentBytes - before, viewer.bytes - bytes);
    assert.equal(subscriber.gate.log.unreportedBytes, subscriber.sentBytes);
  });
}

test("a packet is not sent again before an answer to the first could have come", () => {
  const world = new World();
  const viewer = world.view();
  const sent = frames(world, viewer, 60);
  const { report, at } = viewer.reports.findLast((one) => one.report.ssrc === VIDEO_SSRC)!;
  world.pass(Math.max(0, at + 210 - world.now));
  const lastSr = compactNtp(report.ntp);
  const delaySinceLastSr = ((world.now - at - 200) * 65_536) / 1000;
  reportBlock(viewer.subscriber, { highestSequence: 1000, lastSr, delaySinceLastSr }, world.now);
  assert.ok(Math.abs((viewer.subscriber.roundTrip ?? 0) - 200) < 1);
  const lost = [sent.at(-4)!.header.sequenceNumber];
  const repairs = (): number => viewer.of(RTX_SSRC).length;
  viewer.subscriber.handleNack(VIDEO_SSRC, lost, world.now);
  assert.equal(repairs(), 1);
  world.pass(100);
  viewer.subscriber.handleNack(VIDEO_SSRC, lost, world.now);
  assert.equal(repairs(), 1, "the first is still on its way");
  world.pass(100);
  viewer.subscriber.handleNack(VIDEO_SSRC, lost, world.now);
  assert.equal(repairs(), 2);
});

test("repairs take no more than half of what a narrow path takes", () => {
  const world = new World();
  const viewer = world.view();
  viewer.framed = false;
  const source = world.publish();
  viewer.subscriber.handleRemb(800_000);
  let repaired = 0;
  for (let i = 0; i < 250; i++) {
    source.pushFrame(world.now, i === 0, 2, 1000);
    const last = viewer.of(VIDEO_SSRC).slice(-40);
    const lost = last.map((one) => one.header.sequenceNumber);
    viewer.subscriber.handleNack(VIDEO_SSRC, lost, world.now);
    world.pass(40);
    repaired = viewer.of(RTX_SSRC).reduce((sum, one) => sum + one.bytes.length, 0);
  }
  assert.ok(repaired > 100_000 && repaired < 500_000 * 1.1, `${repaired} bytes in 10 s`);
});

test("a packet that is held no more leads to a keyframe, unless one came since", () => {
  const world = new World({ historyMillis: 500 });
  const viewer = world.view();
  const sent = frames(world, viewer, 60);
  const asked = (): number => world.of("keyframe-request").length;
  const nack = (seen: Seen): void =>
    viewer.subscriber.handleNack(VIDEO_SSRC, [seen.header.sequenceNumber], world.now);
  const before = asked();
  nack(sent.at(-1)!);
  assert.equal(asked(), before);
  nack(sent[60]!);
  assert.equal(asked(), before + 1);
  assert.equal(viewer.of(RTX_SSRC).length, 1);
  world.pass(3000);
  const waiting = asked();
  const source = world.publish();
  source.pushFrame(world.now, true);
  nack(sent[90]!);
  world.pass(2000);
  assert.equal(asked(), waiting);
});
