import assert from "node:assert/strict";
import { test } from "node:test";
import { loadRuntime } from "../../../runtime/mod.ts";
import { parseConfig } from "../../../server/config/config.ts";
import { Relays } from "../../../server/relay/relays.ts";
import type { RtcContext } from "../../../server/rtc/context.ts";

test("the chains of publishers who came to nothing are forgotten, beyond limits.streams", async () => {
  const { config } = parseConfig({}, ["--limits.streams", "3"]);
  const there = new Set<string>();
  const hub = { stream: (key: string) => (there.has(key) ? {} : undefined) };
  const rtc = { runtime: await loadRuntime(), config, hub } as unknown as RtcContext;
  const relays = new Relays({ rtc, ca: undefined });
  there.add("live/0");
  for (const i of [0, 1, 2]) relays.published(`live/${i}`, ["a"]);
  assert.deepEqual(relays.viaOf("live/2"), ["a"]);
  relays.published("live/3", ["b"]);
  assert.deepEqual(
    [0, 1, 2, 3].map((i) => relays.viaOf(`live/${i}`)),
    [["a"], [], [], ["b"]],
  );
  relays.published("live/0", []);
  assert.deepEqual(relays.viaOf("live/0"), []);
});
