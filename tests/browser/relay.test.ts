import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Runtime } from "../runtimes.ts";
import { type ServerProcess, startServer } from "../server_process.ts";
import { inbound, launchChromium, openPage, statsWhen } from "./chromium.ts";

async function server(t: TestContext, runtime: Runtime, ...args: string[]): Promise<ServerProcess> {
  const common = ["--rtc_server.protocol", "tcp", "--relay.allow", "127.0.0.1"];
  const started = await startServer({ runtime, args: [...common, ...args] });
  t.after(() => started.stop());
  return started;
}

test("a stream goes from Node to Deno by push and on to Bun by pull, and Chromium sees it there", async (t) => {
  const middle = await server(t, "deno", "--demo", "off");
  const first = await server(t, "node", "--relay.push", `live/demo=${middle.url}/whip/live/film`);
  const last = await server(
    t,
    "bun",
    ...["--demo", "off", "--relay.pull", `live/*=${middle.url}/whep/live/[stream]`],
  );
  const browser = await launchChromium();
  t.after(() => browser.close());
  const page = await openPage(browser, `${last.url}/players/whep.html?stream=film&autostart=true`);
  const stats = await statsWhen(page, (one) =>
    one.inbound.some(({ framesDecoded }) => framesDecoded > 60),
  );
  assert.equal(stats.remotePort, last.port);
  assert.equal(inbound(stats, "video").frameWidth, 640);
  assert.equal(inbound(stats, "video").codec, "video/H264");
  assert.equal(inbound(stats, "audio").codec, "audio/opus");
  assert.ok(inbound(stats, "audio").samples > 0);
  for (const { url } of [first, last]) {
    const answer = await fetch(`${url}/api/v1/relays`);
    const { relays } = (await answer.json()) as { relays: { state: string; transport: string }[] };
    assert.deepEqual(
      relays.map(({ state, transport }) => [state, transport]),
      [["connected", "tcp"]],
    );
  }
});
