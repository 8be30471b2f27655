import assert from "node:assert/strict";
import { test } from "node:test";
import type { Client } from "../../../server/rtc/client.ts";
import type { RtcContext } from "../../../server/rtc/context.ts";
import { signalSession } from "../../../server/rtc/signal_session.ts";

test("what a session tells of its stream costs no walk over the stream's viewers", () => {
  const viewers = {
    length: 10_000,
    [Symbol.iterator]: () => {
      throw new Error("walked over all viewers");
    },
  };
  const stream = { live: true, viewers, layers: { several: false } };
  const context = {
    hub: { stream: () => stream },
    runtime: { now: () => 0 },
  } as unknown as RtcContext;
  const client = { action: "play", name: { key: "live/a" }, ice: {} } as unknown as Client;
  assert.deepEqual(signalSession(context, client).watched(), {
    active: true,
    viewers: 10_000,
    layers: {},
  });
});
