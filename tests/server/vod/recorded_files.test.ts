import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Running, raw, rawStatus, start } from "../fixture.ts";

const API = "/api/v1/recordings/files";

interface Served extends Running {
  readonly folder: string;
}

/** A server over a folder with some recordings, the last one the newest. */
async function served(t: TestContext, args: readonly string[] = []): Promise<Served> {
  const base = mkdtempSync(join(tmpdir(), "monoport-files-"));
  t.after(() => rmSync(base, { recursive: true }));
  const folder = join(base, "recordings");
  mkdirSync(join(folder, "live"), { recursive: true });
  mkdirSync(join(folder, "show"));
  writeFileSync(join(base, "secret.1.mp4"), "secret");
  for (const [i, name] of [
    "live/a.1.mp4",
    "live/a.2.flv",
    "live/b.3.mp4",
    "show/a.4.mp4",
  ].entries()) {
    writeFileSync(join(folder, name), "x".repeat(100 + i));
    utimesSync(join(folder, name), 1000 + i, 1000 + i);
  }
  writeFileSync(join(folder, "live/a.5.mp4.part"), "part");
  writeFileSync(join(folder, "live/notes.txt"), "notes");
  writeFileSync(join(folder, "plain"), "a file, not a folder");
  writeFileSync(join(folder, "live/.a.6.mp4"), "hidden");
  symlinkSync(join(base, "secret.1.mp4"), join(folder, "live/c.7.mp4"));
  symlinkSync(base, join(folder, "out"));
  const path = `${folder}/[app]/[stream].[timestamp].mp4`;
  const server = await start(["--vhost.dvr.dvr_path", path, ...args]);
  t.after(() => server.monoport.close());
  return { ...server, folder };
}

interface Listing {
  readonly code: number;
  readonly total: number;
  readonly recordings: readonly {
    readonly name: string;
    readonly app: string;
    readonly stream: string;
    readonly format: string;
    readonly size: number;
    readonly modified_ms: number;
    readonly url: string;
  }[];
}

async function list({ url }: Running, query = ""): Promise<Listing> {
  return (await (await fetch(`${url}${API}${query}`)).json()) as Listing;
}

const names = ({ recordings }: Listing): string[] => recordings.map(({ name }) => name);

test("finished recordings are listed, the newest first, by application and stream, in pages", async (t) => {
  const server = await served(t);
  const all = await list(server);
  assert.deepEqual(names(all), ["show/a.4.mp4", "live/b.3.mp4", "live/a.2.flv", "live/a.1.mp4"]);
  assert.equal(all.total, 4);
  assert.deepEqual(all.recordings[2], {
    name: "live/a.2.flv",
    app: "live",
    stream: "a",
    format: "flv",
    size: 101,
    modified_ms: 1_001_000,
    url: "/recordings/live/a.2.flv",
  });
  assert.deepEqual(names(await list(server, "?app=live&stream=a")), [
    "live/a.2.flv",
    "live/a.1.mp4",
  ]);
  assert.deepEqual(names(await list(server, "?stream=a&start=1&count=1")), ["live/a.2.flv"]);
  assert.equal((await list(server, "?start=4")).total, 4);
  assert.deepEqual(names(await list(server, "?start=4")), []);
  for (const wrong of ["start=-1", "count=1001", "count=x"])
    assert.equal((await fetch(`${server.url}${API}?${wrong}`)).status, 400, wrong);
});

test("what is no finished recording is neither sent nor deleted: other files, links, names with dots", async (t) => {
  const { url, port, folder } = await served(t);
  const sent = await fetch(`${url}/recordings/live/a.2.flv`);
  assert.equal(sent.status, 200);
  assert.equal(sent.headers.get("content-type"), "video/x-flv");
  assert.equal((await sent.text()).length, 101);
  for (const other of [
    "live/a.5.mp4.part",
    "live/notes.txt",
    "live/.a.6.mp4",
    "live/c.7.mp4",
    "out/secret.1.mp4",
    "../secret.1.mp4",
    "live/../../secret.1.mp4",
    "..%2Fsecret.1.mp4",
    "live/..%2F..%2Fsecret.1.mp4",
    "%2e%2e/secret.1.mp4",
    "live%2Fa.1.mp4%00.mp4",
    "/live/a.1.mp4",
    "live//a.1.mp4",
    "live\\a.1.mp4",
    `live/${"a".repeat(300)}.1.mp4`,
    "plain/a.1.mp4",
    "",
  ]) {
    const fields = "Host: localhost\r\n";
    for (const [method, path] of [
      ["GET", "/recordings"],
      ["DELETE", API],
    ] as const) {
      const status = await rawStatus(port, method, `${path}/${other}`, fields);
      assert.ok([400, 404, 405].includes(status), `${method} ${other}: ${status}`);
    }
  }
  assert.ok(existsSync(join(folder, "../secret.1.mp4")));
  assert.ok(existsSync(join(folder, "live/notes.txt")));
});

test("DELETE takes a recording away, for this machine or who has the password alone", async (t) => {
  const server = await served(t);
  const { url, port, folder } = server;
  const one = `${API}/live/a.1.mp4`;
  const elsewhere = "Host: media.example\r\n";
  const page = "Host: localhost\r\nOrigin: http://pages.example\r\n";
  for (const fields of [elsewhere, page]) {
    assert.equal(await rawStatus(port, "DELETE", one, fields), 403);
    assert.equal(await rawStatus(port, "GET", API, fields), 403);
  }
  assert.ok(existsSync(join(folder, "live/a.1.mp4")));
  assert.equal((await list(server)).total, 4);
  assert.equal((await fetch(url + one, { method: "DELETE" })).status, 200);
  assert.ok(!existsSync(join(folder, "live/a.1.mp4")));
  assert.equal((await list(server)).total, 3, "the listing knows at once");
  assert.equal((await fetch(url + one, { method: "DELETE" })).status, 404);
  assert.equal((await fetch(`${url}/recordings/live/a.1.mp4`)).status, 404);
});

test("a page lists them; with vhost.http_static.enabled off there is nothing of all that", async (t) => {
  const on = await served(t);
  const page = await fetch(`${on.url}/recordings`);
  assert.match(await page.text(), /<h1>Recordings<\/h1>/);
  const off = await served(t, ["--vhost.http_static.enabled", "off"]);
  assert.equal((await list(off)).recordings, undefined, "SRS lists its API for unknown paths");
  assert.equal((await fetch(`${off.url}/recordings/live/a.1.mp4`)).status, 404);
  const answer = await raw(
    off.port,
    "DELETE /api/v1/recordings/files/live/a.1.mp4 HTTP/1.0\r\nHost: localhost\r\n\r\n",
  );
  assert.match(answer, /^HTTP\/1\.[01] 40[45]/);
  assert.ok(existsSync(join(off.folder, "live/a.1.mp4")));
});

test("the page that deletes is shown in no other site's frame", async (t) => {
  const { url } = await served(t);
  const policyOf = async (path: string): Promise<string> =>
    (await fetch(url + path)).headers.get("content-security-policy") ?? "";
  for (const path of ["/recordings.html", "/recordings"]) {
    assert.match(await policyOf(path), /frame-ancestors 'self'$/);
  }
  assert.match(await policyOf("/players/whep.html"), /frame-ancestors \*$/);
});

test("a recording in no folder is not taken for a stream of the application `recordings`", async (t) => {
  const { folder } = await served(t);
  const path = `${folder}/[app]-[stream].[timestamp].flv`;
  writeFileSync(join(folder, "live-a.8.flv"), "y".repeat(10));
  const { url, monoport } = await start(["--vhost.dvr.dvr_path", path]);
  t.after(() => monoport.close());
  const sent = await fetch(`${url}/recordings/live-a.8.flv`, {
    signal: AbortSignal.timeout(10_000),
  });
  assert.equal(await sent.text(), "y".repeat(10));
});
