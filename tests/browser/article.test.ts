/**
 * The commands of SRS's article "Support WebRTC over TCP", as README.md has them: their environment,
 * our program in place of the image's entry point, a machine that has the address of CANDIDATE,
 * and a browser on the pages the article lists.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import { type Namespace, Network } from "../namespaces.ts";
import { type ServerProcess, startServer } from "../server_process.ts";
import { need, repository } from "../tools.ts";
import { inbound, launchChromium, openPage, type Stats, statsWhen } from "./chromium.ts";

const HOST = "192.168.3.82";

interface Command {
  /** The port that `-p` maps. */
  readonly port: number;
  readonly env: Readonly<Record<string, string>>;
  /** The pages listed below it, up to the next command. */
  readonly pages: readonly string[];
}

/** The `docker run` commands of README.md that set SRS's environment. */
function commands(): readonly Command[] {
  const readme = readFileSync(join(repository, "README.md"), "utf8");
  return readme
    .split(/^(?=docker run )/m)
    .slice(1)
    .map((text) => ({
      port: Number(/-p (\d+):\1\/tcp/.exec(text)?.[1]),
      env: Object.fromEntries(
        [...text.matchAll(/-e (\w+)="?([^"\s]*)"?/g)].map(([, name = "", value = ""]) => [
          name,
          value,
        ]),
      ),
      pages: [...text.matchAll(/https?:\/\/localhost:\d+\/players\/\S+/g)].map(([url]) => url),
    }));
}

describe("the article's commands", () => {
  const network = new Network();
  let host: Namespace;
  let browser: Browser;

  before(async () => {
    host = network.add("article");
    const lan = network.add("lan");
    network.join(host, `${HOST}/24`, lan, "192.168.3.1/24");
    browser = await launchChromium({
      executable: network.wrapper(host, need("chromium")),
      args: ["--ignore-certificate-errors"],
    });
  });
  after(async () => {
    await browser?.close();
    network.remove();
  });

  /** As docker does it: the command's environment, and no arguments, or `-e` as SRS has it. */
  function run({ env, port }: Command, ...args: readonly string[]): Promise<ServerProcess> {
    return startServer({ prefix: host.prefix, noListen: true, port, env, args });
  }

  async function publishesAndPlays(
    server: ServerProcess,
    { pages, port }: Command,
  ): Promise<readonly Stats[]> {
    const page = (name: RegExp): string => {
      const found = pages.find((url) => name.test(url));
      assert.ok(found, `README.md lists no page like ${name}`);
      return found;
    };
    const publisher = await openPage(browser, page(/whip\.html|rtc_publisher/));
    try {
      const sends = await statsWhen(publisher, ({ outbound }) =>
        outbound.some(({ kind, packets }) => kind === "video" && packets > 0),
      );
      const player = await openPage(browser, page(/whep\.html|rtc_player/));
      try {
        const plays = await statsWhen(
          player,
          (stats) =>
            stats.inbound.some(({ framesDecoded }) => framesDecoded > 30) &&
            stats.inbound.some(({ kind, samples }) => kind === "audio" && samples > 24_000),
        );
        for (const stats of [sends, plays]) {
          assert.equal(stats.protocol, "tcp", server.output());
          assert.equal(stats.remotePort, port);
        }
        assert.ok(inbound(plays, "video").framesDecoded > 30, server.output());
        assert.ok(inbound(plays, "audio").samples > 24_000);
        return [sends, plays];
      } finally {
        await player.context().close();
      }
    } finally {
      await publisher.context().close();
    }
  }

  function listens(): readonly string[] {
    const lines = host.run("ss", "-Hltun").trim().split("\n");
    return [
      ...new Set(
        lines.map((line) => {
          const [kind = "", , , , local = ""] = line.split(/\s+/);
          return `${kind} ${local.slice(local.lastIndexOf(":") + 1)}`;
        }),
      ),
    ].sort();
  }

  test("one TCP port for WebRTC: the equal endpoints of API and media are one listener", async (t) => {
    const command = commands().find(({ env }) => !("SRS_HTTP_API_HTTPS_ENABLED" in env));
    assert.ok(command);
    const server = await run(command, "-e");
    t.after(() => server.stop());
    assert.deepEqual(listens(), ["tcp 8080"]);
    assert.doesNotMatch(server.output(), /Warning/);
    await publishesAndPlays(server, command);
  });

  test("HTTPS on 8088, with webrtc:// pages; the misspelt name is taken, with a warning", async (t) => {
    const command = commands().find(({ env }) => "SRS_HTTP_API_HTTPS_ENABLED" in env);
    assert.ok(command);
    const server = await run(command);
    t.after(() => server.stop());
    assert.deepEqual(listens(), ["tcp 8080", "tcp 8088"]);
    assert.match(
      server.output(),
      /SRS_HTTP_SERVER_HTTTPS_ENABLED is taken as SRS_HTTP_SERVER_HTTPS_ENABLED/,
    );
    await publishesAndPlays(server, command);
  });

  test("SRS's own ports are each served when the environment gives them", async (t) => {
    const env = {
      SRS_LISTEN: "1935",
      SRS_HTTP_API_LISTEN: "1985",
      SRS_RTC_SERVER_ENABLED: "on",
      SRS_RTC_SERVER_LISTEN: "8000",
      SRS_RTC_SERVER_TCP_ENABLED: "on",
      SRS_RTC_SERVER_TCP_LISTEN: "8000",
      SRS_RTC_SERVER_PROTOCOL: "tcp",
    };
    const server = await startServer({ prefix: host.prefix, noListen: true, port: 8080, env });
    t.after(() => server.stop());
    assert.deepEqual(listens(), ["tcp 1935", "tcp 1985", "tcp 8000", "tcp 8080"]);
    const pages = ["whip", "whep"].map(
      (name) => `http://localhost:8080/players/${name}.html?autostart=true&api=1985`,
    );
    await publishesAndPlays(server, { port: 8000, env, pages });
  });
});
