import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import { type ServerProcess, startServer } from "../server_process.ts";
import { inbound, launchChromium, openPage, statsOf, statsWhen } from "./chromium.ts";

let browser: Browser;
before(async () => {
  browser = await launchChromium({ args: ["--ignore-certificate-errors"] });
});
after(() => browser.close());

for (const runtime of ["node", "deno", "bun"] as const) {
  describe(`Chromium by HTTPS on ${runtime}`, () => {
    let server: ServerProcess;
    before(async () => {
      // The environment of the article's HTTPS command, as far as it says what to serve.
      const env = {
        SRS_HTTP_API_HTTPS_ENABLED: "on",
        SRS_HTTP_SERVER_HTTTPS_ENABLED: "on",
        SRS_RTC_SERVER_TCP_ENABLED: "on",
        SRS_RTC_SERVER_PROTOCOL: "tcp",
      };
      server = await startServer({ runtime, env });
    });
    after(() => server.stop());

    test("publishes and plays over plain TCP on the one port that serves the pages by TLS", async (t) => {
      const { port } = server;
      const url = `https://127.0.0.1:${port}/players`;
      const publisher = await openPage(browser, `${url}/whip.html?stream=one&autostart=true`);
      t.after(() => publisher.context().close());
      const sends = await statsWhen(publisher, ({ outbound }) =>
        outbound.some(({ kind, packets }) => kind === "video" && packets > 0),
      );
      const player = await openPage(browser, `${url}/whep.html?stream=one&autostart=true`);
      t.after(() => player.context().close());
      const plays = await statsWhen(player, (stats) =>
        stats.inbound.some(({ framesDecoded }) => framesDecoded > 30),
      );
      for (const stats of [sends, plays]) {
        assert.equal(stats.state, "connected");
        assert.equal(stats.protocol, "tcp");
        assert.equal(stats.remotePort, port);
      }
      assert.ok(inbound(plays, "video").framesDecoded > 30);
      assert.equal(inbound(await statsOf(player), "video").codec, "video/H264");
      assert.equal(await player.evaluate(() => isSecureContext), true);
      const metrics = await (await fetch(`${server.url}/metrics`)).text();
      for (const protocol of ["tls", "stun-tcp", "http"]) {
        assert.match(
          metrics,
          new RegExp(`monoport_connections_total{protocol="${protocol}"} [1-9]`),
        );
      }
    });
  });
}
