import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BURST_SECONDS,
  CALM_MILLIS,
  HELD_MAX_MILLIS,
  type Inflow,
  type InflowBounds,
  type InflowLimit,
  Inflows,
} from "../../../server/limits/inflow.ts";
import { ADDRESSES_MAX } from "../../../server/limits/rate_limit.ts";

/** 1000 kbit/s are 125 bytes in a ms. */
const BOUNDS: InflowBounds = { bitrate: 1000, packets: 100 };
const BURST_BYTES = 125_000 * BURST_SECONDS;
const NOTHING = { onHeld: (): void => {}, onExceeded: (): void => {} };

class Time {
  now = 1_000_000;
  readonly inflows: Inflows;
  readonly told: string[] = [];

  constructor(bounds: InflowBounds = BOUNDS) {
    this.inflows = new Inflows({ bounds, now: () => this.now });
  }

  begin(address = "192.0.2.1"): Inflow {
    const inflow = this.inflows.begin(address, {
      onHeld: (limit: InflowLimit) => void this.told.push(`held ${limit}`),
      onExceeded: (limit: InflowLimit) => void this.told.push(`exceeded ${limit}`),
    });
    assert.ok(inflow !== undefined);
    return inflow;
  }
}

test("what comes at once within five seconds' worth is not held back, and what goes beyond is, as long as it takes", () => {
  const time = new Time();
  const inflow = time.begin();
  assert.equal(inflow.take(BURST_BYTES, 1, time.now), 0);
  assert.equal(inflow.take(12_500, 1, time.now), 100);
  assert.match(inflow.trouble(time.now), /limits\.publisher_bitrate/);
  time.now += 100;
  assert.equal(inflow.take(0, 0, time.now), 0);
  time.now += CALM_MILLIS + 1;
  assert.equal(inflow.trouble(time.now), "");
  assert.deepEqual(time.told, ["held limits.publisher_bitrate"]);
});

test("packets are bound as bytes are", () => {
  const time = new Time();
  const inflow = time.begin();
  assert.equal(inflow.take(1, 100 * BURST_SECONDS, time.now), 0);
  assert.equal(inflow.take(1, 10, time.now), 100);
  assert.deepEqual(time.told, ["held limits.publisher_packets"]);
});

test("who sends at his bound for an hour, a keyframe each second, is never held back", () => {
  const time = new Time();
  const inflow = time.begin();
  for (let frame = 0; frame < 25 * 3600; frame++) {
    const bytes = frame % 25 === 0 ? 77_000 : 2000; // 125,000 a second
    assert.equal(inflow.take(bytes, 4, time.now), 0);
    time.now += 40;
  }
});

test("a sender whom TCP holds back gets his bound on average, and is to be ended after HELD_MAX_MILLIS", () => {
  const time = new Time();
  const inflow = time.begin();
  const begun = time.now;
  let bytes = 0;
  while (inflow.exceeded === undefined && time.now < begun + 60_000) {
    bytes += 65_536;
    time.now += inflow.take(65_536, 8, time.now) + 1;
  }
  assert.equal(inflow.exceeded, "limits.publisher_bitrate");
  const seconds = (time.now - begun) / 1000;
  assert.ok(seconds >= HELD_MAX_MILLIS / 1000 && seconds < 12, `${seconds} s`);
  assert.ok(bytes <= BURST_BYTES + 125_000 * seconds + 65_536, `${bytes} bytes`);
  assert.deepEqual(time.told, [
    "held limits.publisher_bitrate",
    "exceeded limits.publisher_bitrate",
  ]);
});

test("one who catches up with 16 s that he kept, at half his bound, is held back for a while and not ended", () => {
  const time = new Time();
  const inflow = time.begin();
  const begun = time.now;
  const HALF = 62.5; // bytes in a ms
  let sent = 0;
  let heldFor = 0;
  while (time.now < begun + 60_000) {
    const due = HALF * (16_000 + time.now - begun) - sent;
    const bytes = Math.min(65_536, due);
    sent += bytes;
    const wait = inflow.take(bytes, 1, time.now);
    heldFor += wait;
    time.now += Math.max(wait, 40);
  }
  assert.equal(inflow.exceeded, undefined);
  assert.deepEqual(time.told, ["held limits.publisher_bitrate"]);
  assert.ok(heldFor > 3000 && heldFor < HELD_MAX_MILLIS, `${heldFor} ms`);
});

test("datagrams beyond the bound are refused, the bound on average is taken, and a flood is to be ended", () => {
  const time = new Time();
  const inflow = time.begin();
  const begun = time.now;
  let taken = 0;
  while (inflow.exceeded === undefined && time.now < begun + 60_000) {
    for (let i = 0; i < 10; i++) {
      if (inflow.refuses(time.now)) continue;
      taken++;
      inflow.take(1000, 1, time.now);
    }
    time.now += 10;
  }
  const seconds = (time.now - begun) / 1000;
  assert.ok(seconds >= HELD_MAX_MILLIS / 1000 && seconds < 17, `${seconds} s`);
  const most = 100 * (BURST_SECONDS + seconds);
  assert.ok(taken > most * 0.9 && taken <= most + 1, `${taken} of ${most}`);
});

test("who leaves and comes again, under whatever name, does not find a full bucket; another address does", () => {
  const time = new Time();
  const first = time.begin();
  first.take(BURST_BYTES, 0, time.now);
  time.inflows.end("192.0.2.1", first);
  time.now += 1000;
  const again = time.begin();
  assert.equal(again.take(125_000, 0, time.now), 0);
  assert.ok(again.take(125_000, 0, time.now) > 0);
  assert.equal(time.begin("192.0.2.2").take(BURST_BYTES, 0, time.now), 0);
  time.now += 1000 * BURST_SECONDS;
  assert.equal(time.begin().take(BURST_BYTES, 0, time.now), 0);
});

test("IPv6 addresses of one /64 are one", () => {
  const time = new Time();
  const first = time.begin("2001:db8::1");
  first.take(BURST_BYTES, 0, time.now);
  time.inflows.end("2001:db8::1", first);
  assert.ok(time.begin("2001:db8::2").take(BURST_BYTES, 0, time.now) > 0);
});

test("what is kept of those who left is bound, and nothing is kept of who was within his bounds", () => {
  const time = new Time();
  const end = (address: string, bytes: number): void => {
    const inflow = time.inflows.begin(address, NOTHING);
    inflow?.take(bytes, 0, time.now);
    time.inflows.end(address, inflow);
  };
  end("192.0.2.1", 0);
  assert.equal(time.inflows.addresses, 0);
  for (let i = 0; i < ADDRESSES_MAX + 10; i++) end(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 9);
  assert.equal(time.inflows.addresses, ADDRESSES_MAX);
});

test("0 is no bound", () => {
  const none = new Inflows({ bounds: { bitrate: 0, packets: 0 }, now: () => 0 });
  assert.equal(none.begin("192.0.2.1", NOTHING), undefined);
  const time = new Time({ bitrate: 0, packets: 100 });
  const inflow = time.begin();
  assert.equal(inflow.take(1e12, 1, time.now), 0);
  assert.equal(inflow.refuses(time.now), false);
  time.inflows.end("192.0.2.1", inflow);
  assert.equal(time.begin().take(0, 499, time.now), 0);
});
