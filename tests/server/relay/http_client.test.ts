import assert from "node:assert/strict";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import type { Conn, ConnectOptions, Endpoint, Runtime } from "../../../core/base/mod.ts";
import { loadRuntime } from "../../../runtime/mod.ts";
import { AllowList } from "../../../server/relay/allow_list.ts";
import { INTERIM_MAX, RequestFailed } from "../../../server/relay/http_answer.ts";
import { HttpClient } from "../../../server/relay/http_client.ts";
import { port } from "./fixture.ts";

/** A runtime whose names are these, and which tells what was dialled. */
async function named(
  names: Readonly<Record<string, readonly (readonly string[])[]>>,
): Promise<{ runtime: Runtime; dialled: string[]; asked: string[] }> {
  const real = await loadRuntime();
  const dialled: string[] = [];
  const asked: string[] = [];
  const runtime: Runtime = {
    ...real,
    async resolve(name: string): Promise<readonly string[]> {
      // Another answer each time, as a rebinding name server gives.
      const answers = names[name] ?? [];
      const answer = answers[Math.min(asked.length, answers.length - 1)];
      asked.push(name);
      if (answer === undefined) throw new Error(`no such name: ${name}`);
      return answer;
    },
    async connect(to: Endpoint, options?: ConnectOptions): Promise<Conn> {
      dialled.push(`${to.host} ${to.port} ${options?.tls?.serverName ?? ""}`.trim());
      throw new Error("refused");
    },
  };
  return { runtime, dialled, asked };
}

async function ask(runtime: Runtime, allow: readonly string[], url: string): Promise<string> {
  const client = new HttpClient({ runtime, allow: new AllowList(allow), ca: undefined });
  try {
    await client.request({ method: "GET", url: new URL(url), fields: [] });
    return "answered";
  } catch (error) {
    assert.ok(error instanceof RequestFailed, String(error));
    return error.message;
  }
}

test("a listed name that resolves into the operator's network is not dialled", async () => {
  for (const inside of ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "::ffff:192.168.0.1"]) {
    const { runtime, dialled } = await named({ "media.example.com": [[inside]] });
    const why = await ask(runtime, ["media.example.com"], "http://media.example.com/whip");
    assert.match(why, /\(media\.example\.com\) is not listed in relay\.allow$/);
    assert.deepEqual(dialled, []);
  }
});

test("what is dialled is the address that was checked: a name is resolved once", async () => {
  const { runtime, dialled, asked } = await named({
    "media.example.com": [["203.0.113.7"], ["127.0.0.1"]],
  });
  const why = await ask(runtime, ["media.example.com"], "https://media.example.com/whip");
  assert.match(why, /^Cannot connect to 203\.0\.113\.7 port 443: refused$/);
  assert.deepEqual(dialled, ["203.0.113.7 443 media.example.com"]);
  assert.deepEqual(asked, ["media.example.com"]);
});

test("of a name's addresses those that may be are dialled, four at most", async () => {
  const { runtime, dialled } = await named({
    a: [["10.0.0.1", ...Array.from({ length: 9 }, (_, i) => `203.0.113.${i}`)]],
  });
  await ask(runtime, ["a"], "http://a:8080/");
  assert.deepEqual(
    dialled,
    [0, 1, 2, 3].map((i) => `203.0.113.${i} 8080`),
  );
});

test("a name that is not listed is not even looked up", async () => {
  const { runtime, asked } = await named({ b: [["203.0.113.7"]] });
  assert.match(await ask(runtime, ["a"], "http://b/"), /^b:80 is not listed in relay\.allow$/);
  assert.match(await ask(runtime, [], "http://127.0.0.1:9/"), /not listed/);
  assert.match(await ask(runtime, ["a:443"], "http://a/"), /^a:80 is not listed/);
  // Other ways to write 127.0.0.1 are the same to a URL.
  for (const url of [
    "http://2130706433/",
    "http://0x7f.1/",
    "http://127.1/",
    "http://[::ffff:7f00:1]/",
  ]) {
    assert.match(await ask(runtime, ["a", "203.0.113.0/24"], url), /is not listed/, url);
  }
  assert.deepEqual(asked, []);
});

test("a far end that never answers is given up in time, and so is a slow one", async (t) => {
  const runtime = await loadRuntime();
  for (const drip of [false, true]) {
    const slow = createServer((socket) => {
      socket.on("error", () => {});
      if (!drip) return;
      const timer = setInterval(() => socket.write("H"), 50);
      socket.on("close", () => clearInterval(timer));
    });
    t.after(() => slow.close());
    const at = await port();
    await new Promise<void>((resolve) => slow.listen(at, "127.0.0.1", resolve));
    const allow = new AllowList(["127.0.0.1"]);
    const client = new HttpClient({ runtime, allow, ca: undefined, millis: 400 });
    const started = performance.now();
    const url = new URL(`http://127.0.0.1:${at}/`);
    await assert.rejects(client.request({ method: "GET", url, fields: [] }), /in time$/);
    assert.ok(performance.now() - started < 30_000);
  }
});

test("interim answers are passed over, and not without end", async (t) => {
  let interim = 0;
  const server = createServer((socket) => {
    socket.on("error", () => {});
    const whole = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    socket.write("HTTP/1.1 103 E\r\n\r\n".repeat(interim) + whole);
  });
  t.after(() => server.close());
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const runtime = await loadRuntime();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  for (const [count, expected] of [
    [INTERIM_MAX, /^answered$/],
    [30_000, /more than 16 interim answers/],
  ] as const) {
    interim = count;
    assert.match(await ask(runtime, ["127.0.0.1"], url), expected);
  }
});
