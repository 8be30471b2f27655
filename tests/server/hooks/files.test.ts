import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { type TestContext, test } from "node:test";
import { start } from "../fixture.ts";
import { until } from "../rtc/client.ts";
import { openEncoder } from "../rtmp/encoder.ts";
import { hookServer } from "./hook_server.ts";

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "monoport-hooks-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

for (const format of ["mp4", "flv"] as const) {
  test(`on_publish may ask for a recording as ${format}; on_dvr tells when it is finished`, async (t) => {
    const folder = folderOf(t);
    const hooks = await hookServer(t);
    hooks.answer = ({ body }, response) => {
      const data = body.stream === "a" ? { record: format } : {};
      response.end(JSON.stringify({ code: 0, data }));
    };
    const path = `${folder}/[app]/[stream].[timestamp].mp4`;
    const events = ["on_publish", "on_unpublish", "on_dvr"];
    const server = await start([...hooks.settings(...events), "--vhost.dvr.dvr_path", path]);
    t.after(() => server.monoport.close());
    const { metrics } = server.monoport;
    for (const stream of ["b", "a"]) {
      const from = await openEncoder(server.port);
      t.after(() => from.close());
      from.publish(`${stream}?key=1`);
      await until(() => from.words.includes("NetStream.Publish.Start"), "publishing");
      from.sendConfiguration();
      for (let i = 0; i < 50; i++) from.sendPicture(i * 40, i % 25 === 0);
      assert.equal(metrics.value("monoport_recordings_total", "hook"), stream === "a" ? 1 : 0);
      from.close();
    }
    await until(() => hooks.of("on_dvr").length === 1, "on_dvr");
    const { body } = hooks.of("on_dvr")[0]!;
    const { client_id } = hooks.of("on_publish")[1]!.body;
    assert.deepEqual(
      [body.client_id, body.ip, body.app, body.stream, body.param],
      [client_id, "127.0.0.1", "live", "a", "?key=1"],
    );
    assert.ok(isAbsolute(body.cwd) && body.file.startsWith(`${folder}/live/a.`), body.file);
    const played = await fetch(`${server.url}/recordings${body.file.slice(folder.length)}`);
    assert.equal(played.status, 200);
    assert.equal(
      played.headers.get("content-type"),
      format === "flv" ? "video/x-flv" : "video/mp4",
    );
    const begins = Buffer.from(await played.arrayBuffer());
    assert.match(begins.toString("latin1"), format === "flv" ? /^FLV/ : /^....ftyp/s);
  });
}

for (const files of [true, false]) {
  test(`on_hls tells of each segment, ${files ? "with its file" : "in memory"}`, async (t) => {
    const folder = folderOf(t);
    const hooks = await hookServer(t);
    const path = files ? ["--vhost.hls.hls_path", folder] : [];
    const server = await start([
      ...hooks.settings("on_hls"),
      "--vhost.hls.hls_fragment",
      "1",
      ...path,
    ]);
    t.after(() => server.monoport.close());
    const from = await openEncoder(server.port);
    t.after(() => from.close());
    from.publish("a?key=1");
    await until(() => from.words.includes("NetStream.Publish.Start"), "publishing");
    from.sendConfiguration();
    let pictures = 0;
    const timer = setInterval(() => {
      from.sendPicture(pictures * 40, pictures++ % 25 === 0);
    }, 10);
    t.after(() => clearInterval(timer));
    // In memory there are segments while somebody asks.
    const leaves = new AbortController();
    const asked = fetch(`${server.url}/live/a.m3u8`, leaves).catch(() => {});
    await until(() => server.monoport.metrics.value("monoport_hls_streams") === 1, "HLS is made");
    await until(() => hooks.calls.length >= 2, "two segments");
    leaves.abort();
    await asked;
    const [one, two] = [hooks.calls[0]!.body, hooks.calls[1]!.body];
    assert.deepEqual([one.action, one.stream, one.param], ["on_hls", "a", "?key=1"]);
    assert.equal(two.seq_no, one.seq_no + 1);
    assert.ok(Math.abs(two.duration - 1) < 0.1, String(two.duration));
    assert.match(one.url, /^live\/a\/[^/]+\.m4s$/);
    assert.equal(one.m3u8_url, "live/a.m3u8");
    assert.ok(isAbsolute(one.cwd));
    if (files) {
      assert.equal(one.m3u8, join(folder, "live/a.m3u8"));
      assert.ok(one.file.startsWith(`${folder}/live/a-`) && existsSync(one.file), one.file);
    } else assert.deepEqual([one.file, one.m3u8], ["", ""]);
    assert.equal((await fetch(`${server.url}/${one.url}`)).status, 200);
  });
}
