import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import http from "node:http";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { need } from "../../tools.ts";
import { type Server, startServer } from "./fixture.ts";

let server: Server;
let base: string;
before(async () => {
  server = await startServer();
  base = `http://127.0.0.1:${server.port}`;
});
after(() => server.close());

interface Got {
  readonly status: number;
  readonly body: Buffer;
  readonly port: number | undefined;
}

function request(path: string, options: http.RequestOptions, body?: Uint8Array): Promise<Got> {
  return new Promise((resolve, reject) => {
    const sent = http.request(base + path, options, (answer) => {
      const parts: Buffer[] = [];
      // Asked for now: the socket goes back to the agent with the end.
      const port = answer.socket.localPort;
      answer.on("data", (part: Buffer) => parts.push(part));
      answer.on("end", () =>
        resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(parts), port }),
      );
    });
    sent.on("error", reject);
    if (options.headers && "expect" in options.headers) sent.on("continue", () => sent.end(body));
    else sent.end(body);
  });
}

describe("node:http as a client", () => {
  test("keeps one connection for many requests", async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set<number | undefined>();
    for (let i = 0; i < 30; i++) {
      const path = ["/json", "/slow", "/cookies", "/not-modified", "/known"][i % 5] ?? "/json";
      // node:http closes after a HEAD whose answer tells no length.
      const method = i % 10 === 4 ? "HEAD" : "GET";
      ports.add((await request(path, { agent, method })).port);
    }
    const upload = await request("/echo", { agent, method: "POST" }, new Uint8Array(300_000));
    assert.equal(JSON.parse(upload.body.toString()).len, 300_000);
    ports.add(upload.port);
    agent.destroy();
    assert.equal(ports.size, 1);
  });

  test("waits for 100 Continue", async () => {
    const options = { method: "POST", headers: { expect: "100-continue", "content-length": "5" } };
    const got = await request("/echo", options, Buffer.from("hello"));
    assert.equal(JSON.parse(got.body.toString()).len, 5);
  });

  test("gets the refusal of an upload of 1 MB", async () => {
    const got = await request("/refuse", { method: "POST" }, new Uint8Array(1_000_000));
    assert.equal(got.status, 403);
  });
});

describe("fetch of the runtime", () => {
  test("reads and uploads, twenty at a time", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        if (i % 2 === 0) return await (await fetch(`${base}/slow`)).text();
        const body = new Uint8Array(100_000 + i);
        const answer = await fetch(`${base}/echo`, { method: "POST", body });
        return ((await answer.json()) as { len: number }).len;
      }),
    );
    for (const [i, answer] of answers.entries()) {
      assert.equal(answer, i % 2 === 0 ? "c0c1c2" : 100_000 + i);
    }
  });

  test("an aborted fetch ends the body", async () => {
    const { cancelled } = server.seen;
    const abort = new AbortController();
    const answer = await fetch(`${base}/stream?mb=100000`, { signal: abort.signal });
    await answer.body?.getReader().read();
    abort.abort();
    for (let i = 0; i < 3000 && server.seen.cancelled === cancelled; i++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.equal(server.seen.cancelled, cancelled + 1);
  });
});

describe("curl", () => {
  const curl = need("curl");
  const run = async (...args: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)(curl, ["-sS", "--max-time", "60", ...args], {
      maxBuffer: 16 * 1024 * 1024,
    });
    return stdout;
  };

  test("GET twice on one connection, HEAD, HTTP/1.0", async () => {
    const count = ["-o", "/dev/null", "-w", "%{http_code} %{num_connects}\n"];
    assert.equal(await run(...count, `${base}/json`, ...count, `${base}/slow`), "200 1\n200 0\n");
    assert.match(await run("-I", `${base}/json`), /^HTTP\/1\.1 200 OK\r\n/);
    assert.equal(await run("--http1.0", `${base}/slow`), "c0c1c2");
  });

  test("an upload with Expect: 100-continue, by length and in chunks", async () => {
    const body = "x".repeat(100_000);
    for (const extra of [[], ["-H", "Transfer-Encoding: chunked"]]) {
      const text = await run("-H", "Expect: 100-continue", ...extra, "-d", body, `${base}/echo`);
      assert.equal(JSON.parse(text).len, 100_000);
    }
  });

  test("its HTTP/2 upgrade offer is passed over", async () => {
    assert.equal(await run("--http2", `${base}/json`), '{"ok":true,"n":42}');
  });

  test("8 MB", async () => {
    assert.equal((await run(`${base}/huge`)).length, 8 * 1024 * 1024);
  });
});
