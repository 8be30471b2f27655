import assert from "node:assert/strict";
import {
  appendFileSync,
  mkdtempSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Files } from "../../../core/base/mod.ts";
import { loadRuntime } from "../../../runtime/mod.ts";
import type { Admission, Verdict } from "../../../server/admit.ts";
import type { Visitor, Visits } from "../../../server/hooks/mod.ts";
import { serverMetrics } from "../../../server/metrics.ts";
import type { RecordedFile } from "../../../server/record/mod.ts";
import { playedFileRoutes } from "../../../server/routes/recorded_files.ts";
import { CHUNK_BYTES, DOWNLOADS_PER_ADDRESS, Vod } from "../../../server/vod/mod.ts";
import { raw } from "../fixture.ts";
import { type Server, startServer } from "../http/fixture.ts";
import { sleep, until } from "../rtc/client.ts";

const NAME = "live/a.1.mp4";
const SIZE = 40 * CHUNK_BYTES;

interface Playing {
  readonly server: Server;
  readonly url: string;
  readonly path: string;
  readonly content: Uint8Array;
  readonly vod: Vod;
  /** Files that are open, and bytes that were read of them. */
  readonly files: { open: number; read: number };
  readonly metrics: ReturnType<typeof serverMetrics>;
}

interface PlayingOptions {
  readonly size?: number;
  readonly admit?: (wanted: Admission) => Verdict;
  readonly hooks?: Visits;
}

/** One recording, served. */
async function playing(t: TestContext, options: PlayingOptions = {}): Promise<Playing> {
  const { size = 1000, admit = () => ({ admitted: true }), hooks } = options;
  const runtime = await loadRuntime();
  const folder = mkdtempSync(join(tmpdir(), "monoport-vod-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "a.1.mp4");
  const content = Uint8Array.from({ length: size }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
  writeFileSync(path, content);
  const files = { open: 0, read: 0 };
  const find = async (name: string): Promise<RecordedFile | undefined> => {
    if (name !== NAME) return undefined;
    const { size, mtimeMs: modified } = statSync(path);
    return { name, app: "live", stream: "a", format: "mp4", path, size, modified };
  };
  const store = { find, again: find, list: async () => [], remove: async () => false };
  const metrics = serverMetrics();
  const counted = counting(runtime.files, files);
  const vod = new Vod({ runtime, files: counted, store, hooks, metrics });
  t.after(() => vod.close());
  const app = playedFileRoutes({
    identity: { server: "", service: "", pid: "" },
    vod,
    admit,
    peer: () => ({
      address: "192.0.2.1",
      direct: "192.0.2.1",
      trusted: false,
      local: { host: "127.0.0.1", port: 80 },
      host: "",
      port: 80,
      proxied: false,
    }),
    refuses: () => undefined,
  });
  const server = await startServer({ fetch: (request) => app.fetch(request) });
  t.after(() => server.close());
  const url = `http://127.0.0.1:${server.port}/recordings/${NAME}`;
  return { server, url, path, content, vod, files, metrics };
}

function counting(
  real: Files,
  seen: { open: number; read: number },
): Pick<Files, "open" | "remove"> {
  return {
    remove: (path) => real.remove(path),
    open: async (path, how) => {
      const file = await real.open(path, how);
      seen.open++;
      return {
        read: async (at, length) => {
          const bytes = await file.read(at, length);
          seen.read += bytes.length;
          return bytes;
        },
        close: () => {
          seen.open--;
          return file.close();
        },
        write: (bytes, at) => file.write(bytes, at),
        size: () => file.size(),
        truncate: (to) => file.truncate(to),
        sync: () => file.sync(),
      };
    },
  };
}

const bytesOf = async (answer: Response): Promise<Buffer> =>
  Buffer.from(await answer.arrayBuffer());

test("a recording is sent whole or in part: 200, 206, 304, 412, 416, each with its validators", async (t) => {
  const { url, content, files } = await playing(t);
  const whole = await fetch(url);
  assert.equal(whole.status, 200);
  const etag = whole.headers.get("etag") ?? "";
  assert.match(etag, /^"[\w-]+"$/);
  for (const [name, value] of [
    ["content-type", "video/mp4"],
    ["content-length", "1000"],
    ["accept-ranges", "bytes"],
    ["cache-control", "private, no-cache"],
  ] as const)
    assert.equal(whole.headers.get(name), value, name);
  assert.ok(Date.parse(whole.headers.get("last-modified") ?? "") <= Date.now());
  assert.deepEqual(await bytesOf(whole), Buffer.from(content));

  const part = await fetch(url, { headers: { range: "bytes=990-", "if-range": etag } });
  assert.equal(part.status, 206);
  assert.equal(part.headers.get("content-range"), "bytes 990-999/1000");
  assert.equal(part.headers.get("content-length"), "10");
  assert.equal(part.headers.get("etag"), etag);
  assert.deepEqual(await bytesOf(part), Buffer.from(content.subarray(990)));

  const status = async (headers: Record<string, string>): Promise<number> => {
    const answer = await fetch(url, { headers });
    await answer.body?.cancel();
    return answer.status;
  };
  assert.equal(await status({ "if-none-match": etag }), 304);
  assert.equal(await status({ "if-match": '"other"' }), 412);
  assert.equal(await status({ range: "bytes=0-1,5-6" }), 200);
  const beyond = await fetch(url, { headers: { range: "bytes=1000-" } });
  assert.equal(beyond.status, 416);
  assert.equal(beyond.headers.get("content-range"), "bytes */1000");
  await beyond.body?.cancel();
  await until(() => files.open === 0, "all files are closed");
});

test("HEAD has the fields of GET, no body, and opens no file; another name is 404", async (t) => {
  const { server, url, files } = await playing(t);
  const head = await raw(
    server.port,
    `HEAD /recordings/${NAME} HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1\r\nConnection: close\r\n\r\n`,
  );
  assert.match(head, /^HTTP\/1.1 200 /);
  assert.match(head, /\r\ncontent-length: 1000\r\n/i);
  assert.match(head, /\r\n\r\n$/);
  assert.deepEqual(files, { open: 0, read: 0 });
  for (const other of ["live/b.1.mp4", "", "live", "..%2f..%2fetc/passwd", "live/a.1.mp4/"])
    assert.equal((await fetch(url.replace(NAME, other))).status, 404, other);
});

test("bytes are read as they are taken: one chunk is all that is kept for who takes none", async (t) => {
  const { vod, files } = await playing(t, { size: 4 * CHUNK_BYTES });
  const file = await vod.find(NAME);
  assert.ok(file !== undefined);
  const body = await vod.body(file, { first: 10, length: 3 * CHUNK_BYTES }, "a");
  assert.ok(typeof body !== "string");
  const reader = body.getReader();
  await sleep(20);
  assert.equal(files.read, 0);
  for (let i = 1; i <= 3; i++) {
    await reader.read();
    await sleep(20);
    assert.equal(files.read, i * CHUNK_BYTES);
  }
  assert.equal((await reader.read()).done, true);
  assert.equal(files.open, 0);
});

test("a reader who goes away closes the file, and what he did not take is not read", async (t) => {
  const { url, files, metrics } = await playing(t, { size: SIZE });
  const leaves = new AbortController();
  const answer = await fetch(url, leaves);
  await answer.body?.getReader().read();
  assert.equal(metrics.value("monoport_downloads"), 1);
  leaves.abort();
  await until(() => files.open === 0, "the file is closed");
  assert.ok(files.read < SIZE);
  assert.equal(metrics.value("monoport_downloads"), 0);
  const sent = metrics.value("monoport_downloaded_bytes_total");
  assert.ok(sent > 0 && sent <= files.read, `${sent} of ${files.read}`);
});

test("over DOWNLOADS_PER_ADDRESS recordings at a time one address gets 429", async (t) => {
  const { vod, url } = await playing(t);
  const file = await vod.find(NAME);
  assert.ok(file !== undefined);
  const bodies: ReadableStream[] = [];
  for (let i = 0; i < DOWNLOADS_PER_ADDRESS; i++) {
    const body = await vod.body(file, { first: 0, length: 1 }, "192.0.2.1");
    if (typeof body !== "string") bodies.push(body);
  }
  assert.equal(bodies.length, DOWNLOADS_PER_ADDRESS);
  const refused = await fetch(url);
  assert.equal(refused.status, 429);
  assert.equal(refused.headers.get("retry-after"), "10");
  const other = await vod.body(file, { first: 0, length: 1 }, "192.0.2.2");
  assert.notEqual(typeof other, "string");
  for (const body of [...bodies, other]) if (typeof body !== "string") await body.cancel();
  assert.equal((await bytesOf(await fetch(url))).length, 1000);
});

test("a file that becomes shorter while it is sent ends the connection: the body must not look whole", async (t) => {
  const { vod, path } = await playing(t, { size: 2 * CHUNK_BYTES });
  const file = await vod.find(NAME);
  assert.ok(file !== undefined);
  const body = await vod.body(file, { first: 0, length: file.size }, "a");
  assert.ok(typeof body !== "string");
  const reader = body.getReader();
  assert.equal((await reader.read()).value?.length, CHUNK_BYTES);
  truncateSync(path, CHUNK_BYTES);
  await assert.rejects(reader.read(), /became shorter/);
  appendFileSync(path, "x");
});

test("admission is asked with every request, hooks once for a viewer", async (t) => {
  const wanted: Admission[] = [];
  const visitors: Visitor[] = [];
  let verdict: Verdict = { admitted: true };
  const left: string[] = [];
  const hooks: Visits = {
    enter: async (visitor) => {
      visitors.push(visitor);
      const visit = { id: "one", began: () => {}, left: () => left.push("one") };
      return verdict.admitted ? { admitted: true, visit } : verdict;
    },
  };
  const admit = (one: Admission): Verdict => {
    wanted.push(one);
    return one.token === "wrong"
      ? { admitted: false, status: 401, reason: "no" }
      : { admitted: true };
  };
  const { url, vod } = await playing(t, { admit, hooks });
  const status = async (query: string, agent = "x"): Promise<number> => {
    const answer = await fetch(url + query, { headers: { "user-agent": agent } });
    await answer.arrayBuffer();
    return answer.status;
  };
  assert.equal(await status("?token=wrong"), 401);
  assert.equal(visitors.length, 0);
  assert.equal(await status("?token=t"), 200);
  assert.equal(await status("?token=t"), 200);
  assert.equal(wanted.length, 3);
  assert.deepEqual(
    { ...visitors[0], tcUrl: "" },
    {
      action: "play",
      app: "live",
      stream: "a",
      token: "t",
      address: "192.0.2.1",
      param: "?token=t",
      tcUrl: "",
      pageUrl: "",
      file: "a.1.mp4",
    },
  );
  assert.equal(visitors.length, 1);
  verdict = { admitted: false, status: 403, reason: "no" };
  assert.equal(await status("?token=t", "y"), 403);
  assert.equal(await status("?token=t"), 200, "who is watching is not asked for again");
  vod.close();
  assert.deepEqual(left, ["one"]);
});
