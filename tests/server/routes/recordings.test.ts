import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { raw, start } from "../fixture.ts";
import { until } from "../record/stage.ts";

interface Told {
  readonly id: string;
  readonly state: string;
  readonly by: string;
  readonly bytes: number;
  readonly file: string;
  readonly files: number;
  readonly format: string;
}

interface Api {
  readonly url: string;
  readonly port: number;
  readonly list: () => Promise<Told[]>;
  readonly ask: (body: unknown, headers?: Record<string, string>) => Promise<Response>;
}

/** A server with the demo stream. */
async function api(t: TestContext, ...args: readonly string[]): Promise<Api> {
  const folder = mkdtempSync(join(tmpdir(), "monoport-api-"));
  const path = ["--vhost.dvr.dvr_path", `${folder}/[app]/[stream].[timestamp].mp4`];
  const more = ["--demo", "on", "--vhost.dvr.dvr_min_free", "0"];
  const { url, port, monoport } = await start([...path, ...more, ...args]);
  t.after(async () => {
    await monoport.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const list = async (): Promise<Told[]> => {
    const answer = await fetch(`${url}/api/v1/recordings`);
    return ((await answer.json()) as { recordings: Told[] }).recordings;
  };
  const ask: Api["ask"] = (body, headers = {}) =>
    fetch(`${url}/api/v1/recordings`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  return { url, port, list, ask };
}

test("a recording is begun, seen and ended by the API", async (t) => {
  const { url, list, ask } = await api(t);
  assert.deepEqual(await list(), []);
  const wish = { app: "live", stream: "demo" };
  let made = await ask(wish);
  for (let i = 0; made.status === 404 && i < 500; i++) {
    await new Promise((wake) => setTimeout(wake, 20));
    made = await ask(wish); // it begins just now
  }
  assert.equal(made.status, 200);
  const { recording } = (await made.json()) as { recording: Told };
  assert.equal(`${recording.state} ${recording.by} ${recording.format}`, "waiting api mp4");
  const again = (await (await ask(wish)).json()) as { recording: Told };
  assert.equal(again.recording.id, recording.id);
  let told: Told | undefined;
  for (let i = 0; i < 600 && !((told?.bytes ?? 0) > 10_000); i++) {
    [told] = await list();
    await new Promise((wake) => setTimeout(wake, 50));
  }
  assert.equal(told?.state, "recording");
  assert.match(told?.file ?? "", /^live\/demo\.\d+\.mp4$/);
  const path = `${url}/api/v1/recordings/${recording.id}`;
  assert.equal((await fetch(path, { method: "DELETE" })).status, 200);
  let state = "";
  void (async () => {
    while (state !== "ended") state = (await list())[0]?.state ?? "";
  })();
  await until("its end", () => state === "ended");
  assert.equal((await fetch(path, { method: "DELETE" })).status, 404);
});

test("a wish that makes no sense is refused in words", async (t) => {
  const { ask } = await api(t, "--limits.recordings", "0");
  for (const [body, status, words] of [
    [{ app: "live" }, 400, /stream/],
    [{ app: "live", stream: "../x" }, 400, /is not 1 to 128/],
    [{ app: "live", stream: "x", format: "mkv" }, 400, /mp4 or flv/],
    [{ app: "live", stream: "x", duration: 0 }, 400, /1 second/],
    [{ app: "live", stream: "x", path: "/etc" }, 400, /path/],
    ["{", 400, /JSON/],
    [{ app: "live", stream: "nobody" }, 404, /Nobody publishes live\/nobody/],
    ["x".repeat(10_000), 413, /8192 bytes/],
  ] as const) {
    const answer = await ask(body);
    const text = await answer.text();
    assert.equal(answer.status, status, text);
    assert.match(text, words);
  }
  assert.equal((await ask({}, { "content-type": "text/plain" })).status, 400);
  let full = await ask({ app: "live", stream: "demo" });
  for (let i = 0; full.status === 404 && i < 50; i++)
    full = await ask({ app: "live", stream: "demo" });
  assert.equal(full.status, 503);
  assert.match(await full.text(), /limits\.recordings/);
});

test("recordings are for operators: this machine itself, or whoever has the API's credentials", async (t) => {
  const { port } = await api(t);
  const from = (host: string, more = ""): Promise<string> =>
    raw(
      port,
      `GET /api/v1/recordings HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${more}\r\n`,
    );
  assert.match(await from("127.0.0.1"), /^HTTP\/1\.1 200 /);
  assert.match(await from("media.example"), /^HTTP\/1\.1 403 .*Cannot use recordings/s);
  assert.match(await from("127.0.0.1", "Origin: http://evil.example\r\n"), /^HTTP\/1\.1 403 /);
  const auth = ["--http_api.auth.username", "admin", "--http_api.auth.password", "secret"];
  const guarded = await api(t, "--http_api.auth.enabled", "on", ...auth);
  const path = `${guarded.url}/api/v1/recordings`;
  assert.equal((await fetch(path)).status, 401);
  const authorization = `Basic ${Buffer.from("admin:secret").toString("base64")}`;
  assert.equal((await fetch(path, { headers: { authorization } })).status, 200);
});
