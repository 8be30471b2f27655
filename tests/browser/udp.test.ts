/** WebRTC over the one UDP port, beside TCP. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import { type ServerProcess, startServer } from "../server_process.ts";
import { need } from "../tools.ts";
import { launchChromium, openPage, type Stats, statsWhen } from "./chromium.ts";

let browser: Browser;
before(async () => {
  browser = await launchChromium();
});
after(() => browser?.close());

for (const runtime of ["node20", "node", "deno", "bun"] as const) {
  describe(`Chromium on ${runtime}`, () => {
    let server: ServerProcess;
    before(async () => {
      server = await startServer({ runtime, args: ["--demo", "off"] });
    });
    after(() => server?.stop());

    test("publishes and plays over UDP where both are offered", async (t) => {
      const site = `${server.url}/players`;
      const publisher = await openPage(browser, `${site}/whip.html?autostart=true&codec=h264`);
      t.after(() => publisher.context().close());
      const player = await openPage(browser, `${site}/whep.html?autostart=true`);
      t.after(() => player.context().close());
      const overUdp = (stats: Stats): boolean =>
        stats.state === "connected" && stats.protocol === "udp";
      const played = await statsWhen(
        player,
        (stats) =>
          overUdp(stats) &&
          stats.inbound.some((one) => one.framesDecoded > 40) &&
          stats.inbound.some((one) => one.samples > 48_000),
      );
      for (const stats of [played, await statsWhen(publisher, overUdp)]) {
        assert.equal(stats.state, "connected");
        assert.equal(stats.protocol, "udp");
        assert.equal(stats.remotePort, server.port);
      }
      assert.deepEqual(await transports(server), ["udp", "udp"]);
      const sockets = execFileSync(need("ss"), ["-Hnpua"], { encoding: "utf8" })
        .split("\n")
        .filter((line) => line.includes(`pid=${server.pid},`));
      assert.equal(sockets.length, 1, sockets.join("\n"));
      assert.match(sockets[0] ?? "", new RegExp(`:${server.port} `));
    });
  });
}

/** What the API says that its clients' media comes by. */
async function transports(server: ServerProcess): Promise<string[]> {
  const answer = await fetch(`${server.url}/api/v1/clients/`);
  const { clients } = (await answer.json()) as { clients: { transport: string }[] };
  return clients.map((one) => one.transport);
}
