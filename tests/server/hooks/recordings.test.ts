import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
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
