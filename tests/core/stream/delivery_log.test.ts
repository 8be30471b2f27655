import assert from "node:assert/strict";
import { test } from "node:test";
import { DeliveryLog } from "../../../core/stream/delivery_log.ts";

/**
 * Sends frames 33 ms apart with a large one every 2 s; the path takes 1 ms, reports come every
 * second.
 */
function play(lateReport: number, seconds: number): number {
  const log = new DeliveryLog();
  let sequence = 0;
  let worst = 0;
  /** Of the packets sent until some ms before a report. */
  const sentAt: number[] = [];
  for (let now = 0; now < seconds * 1000; now++) {
    if (now % 33 === 0) {
      const bytes = (now / 33) % 60 === 0 ? 80_000 : 3000;
      log.sent(bytes, Math.ceil(bytes / 1200), -1, -1, ++sequence, now);
      sentAt.push(now);
    }
    worst = Math.max(worst, log.behind(now));
    const second = Math.floor(now / 1000);
    if (now % 1000 === 500) {
      // One report was made earlier than it came.
      const age = second === 3 ? lateReport : 1;
      const highest = sentAt.filter((at) => at <= now - age).length;
      if (highest > 0) log.handleHighest("video", highest, now);
    }
  }
  return worst;
}

test("a viewer whose report comes late once is not taken for one with a slow path", () => {
  for (const late of [50, 105, 150, 200, 300, 400]) {
    const worst = play(late, 12);
    assert.ok(worst <= late, `a report late by ${late} ms makes him ${worst} ms late`);
  }
});
