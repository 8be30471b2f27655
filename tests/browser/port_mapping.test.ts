/**
 * What `docker run -p 443:8080` does: the server sits behind a host that maps the port, with an
 * address of its own that nobody outside can reach. Nothing is set.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import { type Namespace, Network } from "../namespaces.ts";
import { type ServerProcess, startServer } from "../server_process.ts";
import { need } from "../tools.ts";
import { inbound, launchChromium, openPage, type Stats, statsWhen } from "./chromium.ts";

const HOST = "203.0.113.1";
const VIEWER = "203.0.113.2";
const CONTAINER = "172.30.0.2";

describe("behind a host that maps port 443 to 8080", () => {
  const network = new Network();
  let host: Namespace;
  let server: ServerProcess;
  let browser: Browser;

  before(async () => {
    const viewer = network.add("viewer");
    host = network.add("host");
    const container = network.add("container");
    const [, outside] = network.join(viewer, `${VIEWER}/24`, host, `${HOST}/24`);
    network.join(host, "172.30.0.1/24", container, `${CONTAINER}/24`);
    viewer.defaultRoute(HOST);
    container.defaultRoute("172.30.0.1");
    host.forwards();
    const to = `dnat to ${CONTAINER}:8080`;
    host.run("nft", "add table ip docker");
    host.run("nft", "add chain ip docker in { type nat hook prerouting priority -100 ; }");
    host.run("nft", `add rule ip docker in iifname ${outside} tcp dport 443 counter ${to}`);
    host.run("nft", `add rule ip docker in iifname ${outside} udp dport 443 counter ${to}`);
    host.run("nft", "add chain ip docker through { type filter hook forward priority 0 ; }");
    // Docker lets nothing else through from outside.
    host.run("nft", `add rule ip docker through iifname ${outside} ct status dnat accept`);
    host.run("nft", `add rule ip docker through iifname ${outside} drop`);
    [server, browser] = await Promise.all([
      startServer({ prefix: container.prefix, host: "0.0.0.0", port: 8080 }),
      launchChromium({ executable: network.wrapper(viewer, need("chromium")) }),
    ]);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
    network.remove();
  });

  async function plays(protocol: "tcp" | "udp"): Promise<Stats> {
    const url = `http://${HOST}:443/players/whep.html?app=live&stream=demo&autostart=true`;
    const page = await openPage(browser, url);
    const stats = await statsWhen(
      page,
      (one) => one.protocol === protocol && one.inbound.some((track) => track.framesDecoded > 30),
    );
    await page.context().close();
    return stats;
  }

  test("Chromium plays over UDP by the mapped port, with no setting", async () => {
    const stats = await plays("udp");
    assert.equal(stats.remotePort, 443);
    assert.ok(inbound(stats, "video").framesDecoded > 30);
  });

  test("Chromium plays over TCP by the mapped port where UDP does not pass", async () => {
    host.run("nft", "insert rule ip docker through meta l4proto udp counter drop");
    const stats = await plays("tcp");
    assert.equal(stats.remotePort, 443);
    assert.ok(inbound(stats, "video").framesDecoded > 30);
    assert.doesNotMatch(server.output(), /No STUN/);
  });
});
