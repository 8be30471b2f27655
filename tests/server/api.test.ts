import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { VERSION } from "../../server/version.ts";
import { type Running, rawStatus, start } from "./fixture.ts";

describe("the HTTP API", () => {
  let server: Running;
  before(async () => {
    server = await start(["--demo", "on"]);
  });
  after(() => server.monoport.close());
  const get = async (path: string): Promise<Record<string, unknown>> =>
    (await (await fetch(server.url + path)).json()) as Record<string, unknown>;

  test("versions tells our own version, and whose API it keeps to", async () => {
    const answer = await get("/api/v1/versions");
    assert.deepEqual(Object.keys(answer), ["code", "server", "service", "pid", "data"]);
    assert.equal(answer["code"], 0);
    const data = answer["data"] as Record<string, unknown>;
    assert.equal(data["version"], VERSION);
    assert.deepEqual([data["major"], data["minor"], data["revision"]].join("."), VERSION);
    assert.match(String(data["compatible"]), /^SRS\/\d/);
  });

  test("streams has SRS's fields, and true figures of the demo stream", async () => {
    let stream: Record<string, unknown> = {};
    for (let i = 0; i < 600 && !((stream["frames"] as number) > 20); i++) {
      await new Promise((wake) => setTimeout(wake, 50));
      const { streams } = (await get("/api/v1/streams/")) as { streams: Record<string, unknown>[] };
      stream = streams[0] ?? {};
    }
    const fields =
      "id name vhost app tcUrl url live_ms clients frames send_bytes recv_bytes kbps publish video audio viewers warnings";
    assert.deepEqual(Object.keys(stream), fields.split(" "));
    assert.deepEqual([stream["url"], stream["tcUrl"]], ["/live/demo", ""]);
    assert.ok((stream["recv_bytes"] as number) > 10_000);
    assert.ok(Math.abs((stream["live_ms"] as number) - Date.now()) < 60_000);
    const video = stream["video"] as Record<string, unknown>;
    assert.deepEqual([video["codec"], video["width"], video["height"]], ["H264", 640, 360]);
    assert.deepEqual([video["profile"], video["level"]], ["Constrained Baseline", "3.1"]);
    assert.ok((video["kbps"] as number) > 50 && (video["fps"] as number) > 1);
    assert.equal(video["b_frames"], false);
    const { kbps, profile, ...audio } = stream["audio"] as Record<string, unknown>;
    assert.deepEqual(audio, { codec: "Opus", sample_rate: 48_000, channel: 2 });
    assert.match(String(profile), /^(CELT|hybrid) fullband$/);
    assert.ok((kbps as number) > 5);
    assert.deepEqual(stream["publish"], { active: true, cid: "", by: "demo", transport: "" });
    const nobody = {
      ...{ whep: 0, whep_udp: 0, whep_tcp: 0, push: 0 },
      ...{ flv: 0, ts: 0, aac: 0, rtmp: 0, hls: 0 },
    };
    assert.deepEqual(stream["viewers"], nobody);
    assert.deepEqual(stream["warnings"], []);
    const { stream: one } = (await get(`/api/v1/streams/${stream["id"]}`)) as {
      stream: { name: string };
    };
    assert.equal(one.name, "demo");
  });

  test("what is not there has SRS's codes", async () => {
    assert.deepEqual(await get("/api/v1/streams/none"), { code: 2048 });
    assert.deepEqual(await get("/api/v1/clients/none"), { code: 2049 });
    assert.deepEqual(await get("/api/v1/vhosts/none"), { code: 2014 });
    assert.ok("urls" in (await get("/api/v1/nothing")));
  });

  test("summaries and features tell of this process", async () => {
    const { data } = (await get("/api/v1/summaries")) as {
      data: { self: Record<string, unknown> };
    };
    assert.equal(data.self["version"], VERSION);
    assert.ok((data.self["mem_kbyte"] as number) > 1000);
    const { features } = (await get("/api/v1/features"))["data"] as {
      features: Record<string, boolean>;
    };
    const { hls, ssl, dvr, callback, rtc_tcp } = features;
    assert.deepEqual([hls, ssl, dvr, callback, rtc_tcp], [true, false, false, false, true]);
    const { vhosts } = (await get("/api/v1/vhosts/")) as { vhosts: { hls: object }[] };
    assert.deepEqual(vhosts[0]?.hls, { enabled: true, fragment: 2 });
  });

  test("a method that a resource does not have is 405, and the Server field is ours", async () => {
    const answer = await fetch(`${server.url}/api/v1/streams/`, { method: "POST", body: "x" });
    assert.equal(answer.status, 405);
    assert.equal(answer.headers.get("server"), `Monoport/${VERSION}`);
    await answer.body?.cancel();
  });

  test("changing state is for this machine, named as such, without a proxy or a page of another origin", async () => {
    const { port } = server;
    const remove = (fields: string): Promise<number> =>
      rawStatus(port, "DELETE", "/api/v1/clients/x", fields);
    assert.equal(await remove(`host: 127.0.0.1:${port}\r\n`), 200);
    assert.equal(await remove("host: localhost\r\n"), 200);
    assert.equal(await remove("host: evil.example\r\n"), 403);
    assert.equal(await remove(`host: 192.0.2.1:${port}\r\n`), 403);
    assert.equal(await remove("host: localhost\r\nx-forwarded-for: 192.0.2.1\r\n"), 403);
    assert.equal(await remove("host: localhost\r\norigin: https://evil.example\r\n"), 403);
    assert.equal(
      await remove(`host: localhost:${port}\r\norigin: http://localhost:${port}\r\n`),
      200,
    );
  });

  test("pages of other sites may read, and get no leave to change", async () => {
    const origin = { origin: "https://site.example" };
    const read = await fetch(`${server.url}/api/v1/versions`, { headers: origin });
    assert.equal(read.headers.get("access-control-allow-origin"), "*");
    await read.body?.cancel();
    const asked = { ...origin, "access-control-request-method": "DELETE" };
    const preflight = await fetch(`${server.url}/api/v1/clients/x`, {
      method: "OPTIONS",
      headers: asked,
    });
    assert.equal(preflight.status, 204);
    assert.doesNotMatch(preflight.headers.get("access-control-allow-methods") ?? "", /DELETE/);
  });

  test("CORS of the API and of the pages is switched apart", async (t) => {
    const headersOf = async (url: string, path: string): Promise<string | null> => {
      const answer = await fetch(url + path, { method: "HEAD" });
      return answer.headers.get("access-control-allow-origin");
    };
    for (const [off, api, pages] of [
      ["http_api", null, "*"],
      ["http_server", "*", null],
    ] as const) {
      const other = await start([`--${off}.crossdomain`, "off"]);
      t.after(() => other.monoport.close());
      for (const path of ["/api/v1/versions", "/rtc/v1/whip/", "/whep/live/a", "/metrics"]) {
        assert.equal(await headersOf(other.url, path), api, path);
      }
      assert.equal(await headersOf(other.url, "/players/whip.html"), pages);
    }
  });

  test("metrics are Prometheus text, and count what came in", async () => {
    const answer = await fetch(`${server.url}/metrics`);
    assert.match(answer.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
    const text = await answer.text();
    assert.match(text, /^# TYPE monoport_connections gauge$/m);
    assert.match(text, /^monoport_connections_total\{protocol="http"\} [1-9]/m);
  });

  test("pages come with a policy that loads nothing from elsewhere, and are not sent twice", async () => {
    const page = await fetch(`${server.url}/players/whep.html`);
    assert.equal(page.status, 200);
    assert.match(page.headers.get("content-security-policy") ?? "", /default-src 'none'/);
    await page.body?.cancel();
    const again = await fetch(`${server.url}/players/whep.html`, {
      headers: { "if-none-match": page.headers.get("etag") ?? "" },
    });
    assert.equal(again.status, 304);
    assert.equal((await fetch(`${server.url}/nothing`)).status, 404);
    assert.equal((await fetch(`${server.url}/__proto__`)).status, 404);
  });
});

test("what is switched off is not there", async (t) => {
  const server = await start(["--http_api.enabled", "off", "--http_server.enabled", "off"]);
  t.after(() => server.monoport.close());
  for (const path of ["/api/v1/versions", "/", "/rtc/v1/whip/"]) {
    const answer = await fetch(server.url + path);
    assert.equal(answer.status, 404, path);
    await answer.body?.cancel();
  }
});

test("a port that is taken is told by address", async (t) => {
  const server = await start();
  t.after(() => server.monoport.close());
  await assert.rejects(
    start(["--listen", `127.0.0.1:${server.port}`]),
    (error: Error & { code?: string }) => {
      assert.equal(error.code, "port-in-use");
      assert.match(error.message, new RegExp(`^TCP 127\\.0\\.0\\.1:${server.port} is in use`));
      assert.match(error.message, new RegExp(`sport = :${server.port}.*as in --listen \\d+$`));
      return true;
    },
  );
});
