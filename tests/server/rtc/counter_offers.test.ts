import assert from "node:assert/strict";
import { test } from "node:test";
import { parseStreamName, type StreamName } from "../../../core/stream/mod.ts";
import { nodeCrypto } from "../../../runtime/common/crypto.ts";
import { serverMetrics } from "../../../server/metrics.ts";
import type { RtcContext } from "../../../server/rtc/context.ts";
import {
  COUNTER_OFFER_MILLIS,
  COUNTER_OFFERS_MAX,
  COUNTER_OFFERS_PER_ADDRESS,
  CounterOffers,
} from "../../../server/rtc/counter_offers.ts";
import type { SignalRequest } from "../../../server/signal.ts";
import { local } from "../../core/session/webrtc/negotiation/local.ts";

/** The table alone, with a clock of its own. */
class Bench {
  now = 0;
  timer: { readonly at: number; readonly wake: () => void } | undefined;
  readonly offers: CounterOffers;
  opened = 0;
  readonly #name = parseStreamName("live", "a") as StreamName;

  constructor() {
    const context = {
      runtime: {
        crypto: nodeCrypto,
        now: () => this.now,
        wakeAt: (at: number, wake: () => void) => {
          this.timer = { at, wake };
          return { [Symbol.dispose]: () => {} };
        },
      },
      hub: { stream: () => undefined },
      metrics: serverMetrics(),
      log: { event: () => {} },
      clients: { withId: () => undefined },
    } as unknown as RtcContext;
    this.offers = new CounterOffers({
      context,
      local: (_request, _name, ice) => local({ ufrag: ice.ufrag }),
      open: () => {
        this.opened++;
        return undefined;
      },
    });
  }

  offer(address: string): { readonly id: string; readonly sdp: string } | undefined {
    const request = { action: "play", address, bearer: "" } as SignalRequest;
    return this.offers.make(request, this.#name, "why");
  }

  make(address: string): string | undefined {
    return this.offer(address)?.id;
  }

  until(now: number): void {
    while (this.timer !== undefined && this.timer.at <= now) {
      const { at, wake } = this.timer;
      this.timer = undefined;
      this.now = at;
      wake();
    }
    this.now = now;
  }
}

test("an offer waits for its answer so long, and is forgotten then", () => {
  const bench = new Bench();
  const first = bench.make("192.0.2.1") ?? "";
  bench.until(10_000);
  const second = bench.make("192.0.2.1") ?? "";
  const there = (id: string): boolean => bench.offers.session(id, () => true) !== undefined;
  bench.until(COUNTER_OFFER_MILLIS - 1);
  assert.deepEqual([there(first), there(second)], [true, true]);
  assert.equal(
    bench.offers.session(first, () => false),
    undefined,
    "another token",
  );
  bench.until(COUNTER_OFFER_MILLIS);
  assert.deepEqual([there(first), there(second)], [false, true]);
  bench.until(COUNTER_OFFER_MILLIS + 10_000);
  assert.equal(bench.offers.size, 0);
  assert.equal(bench.timer, undefined, "nothing to wake for");
});

test("offers that wait are bounded by address, IPv6 by /64, and in all; who ends one makes room", () => {
  const bench = new Bench();
  for (let i = 0; i < COUNTER_OFFERS_PER_ADDRESS; i++) assert.ok(bench.make(`2001:db8::${i}`));
  assert.equal(bench.make("2001:db8::ffff:1"), undefined);
  for (let i = 0; bench.offers.size < COUNTER_OFFERS_MAX; i++) assert.ok(bench.make(`10.0.0.${i}`));
  assert.equal(bench.make("192.0.2.9"), undefined);
  const id = bench.offers.size;
  bench.until(COUNTER_OFFER_MILLIS);
  assert.equal(bench.offers.size, 0, `${id} are forgotten`);
  const one = bench.make("192.0.2.9") ?? "";
  assert.ok(one, "there is room again");
  bench.offers.session(one, () => true)?.end();
  assert.equal(bench.offers.size, 0);
});

test("of two answers whose bodies come at the same time one makes the session", () => {
  const bench = new Bench();
  const made = bench.offer("192.0.2.1");
  assert.ok(made);
  const both = [1, 2].map(() => bench.offers.session(made.id, () => true));
  // What a browser answers, as far as it is looked at: the offer turned round.
  const answer = made.sdp
    .replaceAll("a=sendonly", "a=recvonly")
    .replaceAll("a=setup:actpass", "a=setup:active")
    .replaceAll(/a=(ice-lite|ssrc.*|msid.*)\r\n/g, "");
  assert.deepEqual(
    both.map((one) => one?.answer(answer)?.status),
    [undefined, 409],
  );
  assert.equal(bench.opened, 1);
});
