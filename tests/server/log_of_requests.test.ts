import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { loadRuntime } from "../../runtime/mod.ts";
import { parseConfig } from "../../server/config/config.ts";
import { type Monoport, serve } from "../../server/monoport.ts";
import { post, raw } from "./fixture.ts";
import { play, publish, until } from "./rtc/client.ts";

/** Sends what it is given and goes away; resolves when the connection is closed. */
function hitAndRun(port: number, text: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.end(text));
    socket.resume();
    socket.on("error", () => {});
    socket.on("close", () => resolve());
  });
}

describe("what requests leave in the log", () => {
  const lines: string[] = [];
  let monoport: Monoport;
  let url = "";
  let port = 0;
  before(async () => {
    const runtime = { ...(await loadRuntime()), print: (line: string) => void lines.push(line) };
    const more = ["--log.level", "debug", "--demo", "off"];
    const { config } = parseConfig({}, ["--listen", "127.0.0.1:0", ...more]);
    monoport = await serve({ runtime, config });
    port = monoport.endpoints[0]?.port ?? 0;
    url = `http://127.0.0.1:${port}`;
  });
  after(() => monoport.close());

  test("a client that breaks its body off is no error of ours", async () => {
    const head = (path: string, framing: string): string =>
      `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/sdp\r\n${framing}\r\n\r\n`;
    for (const path of ["/rtc/v1/whip/?app=live&stream=cut", "/whep/live/cut", "/rtc/v1/play/"]) {
      await hitAndRun(port, `${head(path, "Content-Length: 100")}v=0\r\n`);
      await hitAndRun(port, `${head(path, "Transfer-Encoding: chunked")}5\r\nv=0`);
      const answer = await raw(port, `${head(path, "Transfer-Encoding: chunked")}x\r\nv=0\r\n`);
      assert.match(answer, /^HTTP\/1\.1 400 /);
    }
    const { metrics } = monoport;
    await until(
      () => metrics.value("monoport_sessions_refused_total", "400") >= 9,
      "nine refusals",
    );
    assert.deepEqual(
      lines.filter((line) => line.includes(" ERROR ")),
      [],
    );
    assert.equal(metrics.value("monoport_http_requests_total", "5xx"), 0);
  });

  test("no token, no ICE password, no SDP; nor does the API show them", async () => {
    const place = { url, port };
    const source = await publish(place, { stream: "secret" });
    const viewer = await play(place, { stream: "secret" });
    await source.connect();
    const secrets = [source, viewer].flatMap(({ answer, location }) => [
      new URL(location, url).searchParams.get("token") ?? "",
      /^a=ice-pwd:(\S+)/m.exec(answer)?.[1] ?? "",
    ]);
    secrets.push("bearer-secret", "query-secret");
    const headers = { authorization: "Bearer bearer-secret" };
    await (await post(`${url}/whip/live/secret?token=query-secret`, "v=0", headers)).text();
    await (await post(`${url}/whip/live/..?token=query-secret`, "v=0", headers)).text();
    await (await fetch(`${url}/rtc/v1/whip/?token=query-secret`, { method: "DELETE" })).text();
    let shown = "";
    for (const path of ["clients", "streams", "summaries", "vhosts"]) {
      shown += await (await fetch(`${url}/api/v1/${path}`)).text();
    }
    await viewer.remove();
    await source.remove();
    for (const client of [source, viewer]) client.close();
    shown += lines.join("\n");
    assert.match(shown, /live\/secret/);
    for (const secret of secrets) {
      assert.ok(secret.length >= 12, "there is a secret");
      assert.ok(!shown.includes(secret), `${secret} is shown`);
    }
    assert.doesNotMatch(shown, /a=fingerprint|a=ice-/);
  });
});
