/** The short form of `npm run soak -- tone`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { tellTone, toneFaults, toneThroughServers } from "./tone_chain.ts";

const MILLIS = 30_000;
/** Where a busy machine holds a server up, packets are dropped, as they should be. */
const ATTEMPTS = 3;

test("a tone from AAC to Opus to AAC keeps its level and its place beside the picture, without a click", async (t) => {
  let figures = await toneThroughServers(MILLIS, "node");
  for (let i = 1; i < ATTEMPTS && figures.dropped > 0; i++) {
    figures = await toneThroughServers(MILLIS, "node");
  }
  t.diagnostic(tellTone(figures));
  assert.deepEqual(toneFaults(figures, MILLIS), []);
});
