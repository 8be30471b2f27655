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
import { inbound, launchChromium, openPage, statsWhen } from "./chromium.ts";

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

  /** One publisher, and one viewer after the other on each page of the command. */
  async function publishesAndPlays(server: ServerProcess, { pages, port }: Command): Promise<void> {
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
      } finally {
        await player.context().close();
      }
      for (const url of pages.filter((one) => one.includes("srs_player"))) await playsFile(url);
    } finally {
      await publisher.context().close();
    }
  }

  /** srs_player.html shows moving pictures and decodes sound, the publisher's Opus as AAC. */
  async function playsFile(url: string): Promise<void> {
    const by = url.includes(".m3u8") ? "HLS" : "HTTP-FLV";
    const player = await openPage(browser, url);
    try {
      await player.waitForFunction(
        (protocol) => {
          const { dataset } = document.documentElement;
          const video = document.querySelector("video") as
            | (HTMLVideoElement & { readonly webkitAudioDecodedByteCount: number })
            | null;
          const frames = video?.getVideoPlaybackQuality().totalVideoFrames ?? 0;
          const sound = video?.webkitAudioDecodedByteCount ?? 0;
          return (
            dataset["state"] === "live" &&
            dataset["protocol"] === protocol &&
            frames > 30 &&
            sound > 4_000
          );
        },
        by,
        { timeout: 90_000 },
      );
    } catch (cause) {
      const said = await player.textContent("main");
      throw new Error(`${url} does not play by ${by}: ${said}`, { cause });
    } finally {
      await player.context().close();
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

  const [webrtc, streams, https, ...more] = commands();

  test("README.md has three", () => {
    assert.ok(https);
    assert.equal(more.length, 0);
    assert.deepEqual(
      [webrtc, streams, https].map((one) => [one?.port, one?.pages.length]),
      [
        [8080, 2],
        [8080, 2],
        [8088, 4],
      ],
    );
  });

  test("one TCP port for WebRTC: the equal endpoints of API and media are one listener", async (t) => {
    assert.ok(webrtc);
    const server = await run(webrtc, "-e");
    t.after(() => server.stop());
    assert.deepEqual(listens(), ["tcp 8080"]);
    assert.doesNotMatch(server.output(), /Warning/);
    await publishesAndPlays(server, webrtc);
  });

  test("one TCP port for WebRTC and live streams, HTTP-FLV and HLS", async (t) => {
    assert.ok(webrtc && streams);
    const server = await run(streams);
    t.after(() => server.stop());
    assert.deepEqual(listens(), ["tcp 8080"]);
    assert.doesNotMatch(server.output(), /Warning/);
    await publishesAndPlays(server, { ...streams, pages: [...webrtc.pages, ...streams.pages] });
  });

  test("HTTPS on 8088, with webrtc:// pages; the misspelt name is taken, with a warning", async (t) => {
    assert.ok(https);
    const server = await run(https);
    t.after(() => server.stop());
    assert.deepEqual(listens(), ["tcp 8080", "tcp 8088"]);
    assert.match(
      server.output(),
      /SRS_HTTP_SERVER_HTTTPS_ENABLED is taken as SRS_HTTP_SERVER_HTTPS_ENABLED/,
    );
    await publishesAndPlays(server, https);
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
