import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NEVER } from "../../../../core/base/mod.ts";
import {
  CONSENT_MILLIS,
  GRACE_MILLIS,
  type IceEvent,
} from "../../../../core/session/webrtc/ice_lite.ts";
import { SILENT_MILLIS } from "../../../../core/session/webrtc/ice_pairs.ts";
import { agent, drain, freshRequest, noMi, remote, useCandidate } from "./ice_peer.ts";

const MAX = 4;

type Step = readonly [
  kind: "check" | "nominate" | "forge" | "garbage" | "data" | "media" | "close" | "wait",
  pair: number,
  millis: number,
];

const anyStep: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom(
    ...(["check", "check", "nominate", "check", "nominate", "wait", "wait"] as const),
    ...(["forge", "garbage", "data", "media", "media", "close"] as const),
  ),
  fc.integer({ min: 0, max: 7 }),
  fc.oneof(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 0, max: 20_000 })),
);

/** What the rules say, written the slow way: by going through the whole history. */
class Model {
  /** When a checked pair's peer last consented. */
  readonly checked = new Map<number, number>();
  /** When anything came by a pair. */
  readonly heard = new Map<number, number>();
  emptySince: number | undefined = undefined;
  everValid = false;

  valid(pair: number, now: number): void {
    this.checked.set(pair, now);
    this.heard.set(pair, now);
    this.everValid = true;
    this.emptySince = undefined;
  }

  spoke(pair: number, now: number): void {
    if (!this.checked.has(pair)) return;
    this.checked.set(pair, now);
    this.heard.set(pair, now);
  }

  /** What is sent goes to a pair that is heard, if there is one. */
  assertHeard(selected: number, now: number): void {
    const isSilent = (pair: number): boolean => (this.heard.get(pair) ?? 0) + SILENT_MILLIS <= now;
    if (isSilent(selected)) assert.ok([...this.checked.keys()].every(isSilent), "one is heard");
  }

  gone(pair: number, now: number): void {
    if (this.checked.delete(pair) && this.checked.size === 0) this.emptySince = now;
  }
}

const isUdp = (pair: number): boolean => pair >= 6;

test("whatever peers do: only checked pairs are used, few are kept, and the end comes in time", () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 80, size: "max" }), (steps) => {
      const ice = agent(MAX);
      const model = new Model();
      let now = 0;
      for (const [kind, pair, millis] of steps) {
        const until = now + (kind === "wait" ? millis : millis / 10);
        while (ice.nextTimeout() <= until && !ice.expired) {
          now = ice.nextTimeout();
          ice.handleTimeout(now);
          settle(model, drain(ice).events, now);
        }
        now = until;
        if (ice.expired) break;
        act(ice, model, kind, pair, now);
        settle(model, drain(ice).events, now);
        const valid = new Set(ice.validPairs());
        assert.deepEqual([...valid].sort(), [...model.checked.keys()].sort());
        assert.ok(valid.size <= MAX);
        assert.equal(ice.selected === undefined, valid.size === 0);
        if (ice.selected !== undefined) assert.ok(valid.has(ice.selected));
        const oldest = Math.min(...model.checked.values());
        if (valid.size > 0) {
          assert.ok(ice.nextTimeout() <= oldest + CONSENT_MILLIS);
          model.assertHeard(ice.selected ?? -1, now);
        } else if (model.emptySince !== undefined) {
          assert.equal(ice.nextTimeout(), model.emptySince + GRACE_MILLIS);
        }
      }
      if (ice.expired) assert.equal(ice.nextTimeout(), NEVER);
    }),
    { seed: 8445, numRuns: 100 },
  );
});

function act(
  ice: ReturnType<typeof agent>,
  model: Model,
  kind: Step[0],
  pair: number,
  now: number,
): void {
  const transport = isUdp(pair) ? "udp" : "tcp";
  const input = (bytes: Uint8Array) => ice.handleInput({ pair, transport, remote, bytes }, now);
  if (kind === "check" || kind === "nominate") {
    input(kind === "check" ? freshRequest() : freshRequest(useCandidate));
    model.valid(pair, now);
    if (kind === "nominate") assert.equal(ice.selected, pair);
  } else if (kind === "forge" || kind === "garbage") {
    const before = ice.selected;
    input(kind === "forge" ? noMi : new Uint8Array(30));
    if (transport === "tcp") model.gone(pair, now);
    else assert.equal(ice.selected, before);
  } else if (kind === "data") {
    ice.handlePeerData(pair, now);
    if (model.checked.has(pair)) model.heard.set(pair, now);
  } else if (kind === "media") {
    ice.handlePeerMedia(pair, now);
    model.spoke(pair, now);
  } else if (kind === "close") {
    ice.handlePairClosed(pair, now);
    model.gone(pair, now);
  }
}

/** Follows the agent where it closes pairs itself, over the bound or without consent. */
function settle(model: Model, events: readonly IceEvent[], now: number): void {
  for (const event of events) {
    if (event.type !== "close-pair") continue;
    const { code } = event.fault;
    if (code === "no-consent") {
      assert.ok((model.checked.get(event.pair) ?? now) + CONSENT_MILLIS <= now);
      model.checked.delete(event.pair);
    } else if (code === "too-many-pairs") {
      assert.equal(model.checked.size, MAX + 1);
      model.checked.delete(event.pair);
    }
  }
}
