import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "../../../server/config/config.ts";
import { withoutSecretValues } from "../../../server/config/secrets.ts";
import { raw } from "../fixture.ts";
import { until } from "../rtc/client.ts";
import { film, port, relays, server, watch } from "./fixture.ts";

const ALLOW = ["--relay.allow", "127.0.0.1"];
const AUTH = [
  ...["--http_api.auth.enabled", "on"],
  ...["--http_api.auth.username", "admin", "--http_api.auth.password", "pass:wörd"],
];
const basic = (text: string): { authorization: string } => ({
  authorization: `Basic ${Buffer.from(text, "utf8").toString("base64")}`,
});

function ask(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/api/v1/relays`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

test("a relay is begun and ended by the API, and its token is told to nobody", async (t) => {
  const far = await server(t);
  const near = await server(t, ...ALLOW);
  await film(t, near, "cam");
  const wish = {
    kind: "push",
    stream: "live/cam",
    url: `${far.url}/whip/live/copy?key=hush&app=x`,
  };
  const made = await ask(near.url, { ...wish, token: "s3cret" });
  const text = await made.text();
  assert.equal(made.status, 200, text);
  const { relay } = JSON.parse(text) as { relay: { id: string; url: string; source: string } };
  assert.equal(relay.url, `${far.url}/whip/live/copy?key=...&app=x`);
  assert.equal(relay.source, "api");
  const screen = await watch(t, far, "copy");
  await until(() => screen.packets > 30, "pictures");
  const told = await (await fetch(`${near.url}/api/v1/relays`)).text();
  assert.doesNotMatch(told, /s3cret|hush/);
  assert.match(
    ((await (await ask(near.url, wish)).json()) as { message: string }).message,
    /already/,
  );
  const gone = await fetch(`${near.url}/api/v1/relays/${relay.id}`, { method: "DELETE" });
  assert.equal(gone.status, 200);
  assert.deepEqual(await relays(near), []);
  await until(() => far.monoport.metrics.value("monoport_sessions") === 1, "the push has ended");
  const again = await fetch(`${near.url}/api/v1/relays/${relay.id}`, { method: "DELETE" });
  assert.equal(again.status, 404);
});

test("a wish that makes no sense is 400 in words, and one for a host that is not listed too", async (t) => {
  const near = await server(t, ...ALLOW);
  const ok = { kind: "pull", stream: "live/cam", url: "http://127.0.0.1:1/whep" };
  for (const [body, words] of [
    ["{", /JSON/],
    [{ ...ok, kind: "both" }, /kind: push or pull/],
    [{ ...ok, stream: "cam" }, /stream: APP\/STREAM/],
    [{ ...ok, stream: "live/..x" }, /is not 1 to 128/],
    [{ ...ok, url: "ftp://127.0.0.1/" }, /no http or https URL/],
    [{ ...ok, url: "http://a:b@127.0.0.1/" }, /no http or https URL/],
    [{ ...ok, url: "http://10.0.0.1/" }, /10\.0\.0\.1 is not listed in relay\.allow/],
    [{ ...ok, token: "a\r\nb" }, /token: a bearer token/],
    [{ ...ok, more: 1 }, /more/],
  ] as const) {
    const answer = await ask(near.url, body);
    assert.equal(answer.status, 400);
    assert.match(((await answer.json()) as { message: string }).message, words);
  }
  const form = await ask(near.url, ok, { "content-type": "text/plain" });
  assert.equal(form.status, 400);
  const long = await ask(near.url, { ...ok, url: `http://127.0.0.1/${"x".repeat(9000)}` });
  assert.equal(long.status, 400);
  assert.deepEqual(await relays(near), []);
});

test("relays beyond limits.relays are refused", async (t) => {
  const near = await server(t, ...ALLOW, "--limits.relays", "2");
  const at = await port();
  for (const [stream, status] of [
    ["a", 200],
    ["b", 200],
    ["c", 400],
  ] as const) {
    const url = `http://127.0.0.1:${at}/whep`;
    const answer = await ask(near.url, { kind: "pull", stream: `live/${stream}`, url });
    assert.equal(answer.status, status);
  }
});

test("without credentials relays are this machine's own, and no page's", async (t) => {
  const near = await server(t, ...ALLOW);
  for (const method of ["GET", "POST"]) {
    const page = await fetch(`${near.url}/api/v1/relays`, {
      method,
      headers: { origin: "https://evil.test" },
    });
    assert.equal(page.status, 403);
    const head = `${method} /api/v1/relays HTTP/1.1\r\nhost: rebound.test\r\nconnection: close\r\n`;
    assert.match(await raw(near.port, `${head}content-length: 0\r\n\r\n`), /^HTTP\/1\.1 403 /);
  }
});

test("http_api.auth asks for credentials on /api/, not on signalling", async (t) => {
  const near = await server(t, ...ALLOW, ...AUTH);
  const status = async (path: string, headers: Record<string, string> = {}): Promise<number> => {
    const answer = await fetch(near.url + path, { headers });
    await answer.text();
    return answer.status;
  };
  for (const path of ["/api/v1/streams", "/api/v1/relays", "/api/v1/versions", "/api/"]) {
    assert.equal(await status(path), 401, path);
    assert.equal(await status(path, basic("admin:pass:wörd")), 200, path);
    assert.equal(await status(path, basic("admin:pass:word")), 401, path);
    assert.equal(await status(path, basic("admin:")), 401, path);
  }
  for (const authorization of [
    "Basic",
    "Basic =",
    "Basic YQ",
    "Bearer abc",
    `Basic ${"A".repeat(4000)}`,
  ]) {
    assert.equal(await status("/api/v1/streams", { authorization }), 401, authorization);
  }
  const asked = await fetch(`${near.url}/api/v1/streams`);
  assert.equal(asked.headers.get("www-authenticate"), 'Basic realm="Monoport", charset="UTF-8"');
  assert.equal(await status("/rtc/v1/whip/"), 204);
  assert.equal(await status("/healthz"), 200);
  // Whoever shows them may change state from anywhere, but no page of another origin for him.
  const away = (origin: string): Promise<string> =>
    raw(
      near.port,
      `DELETE /api/v1/relays/x HTTP/1.1\r\nhost: media.example.com\r\n${origin}authorization: ${basic("admin:pass:wörd").authorization}\r\nconnection: close\r\n\r\n`,
    );
  assert.match(await away(""), /^HTTP\/1\.1 404 /);
  assert.match(await away("origin: https://evil.test\r\n"), /^HTTP\/1\.1 403 /);
});

test("http_api.auth without a name or a password does not start", () => {
  assert.throws(
    () => parseConfig({}, ["--http_api.auth.enabled", "on"]),
    /auth\.username: is empty/,
  );
});

test("a rule for a host that is not listed does not start, nor one that cannot be read", () => {
  const parse = (...args: string[]): void => void parseConfig({}, args);
  const push = "live/cam=https://media.example.com/whip/live/cam";
  assert.throws(
    () => parse("--relay.push", push),
    /relay\.push: live\/cam cannot use media\.example\.com: add it/,
  );
  parse("--relay.push", push, "--relay.allow", "media.example.com");
  for (const bad of [
    "live/cam",
    "cam=http://h/",
    "live/*=http://h/whip",
    "live/cam=rtmp://h/",
    "live/cam=http://u:p@h/",
    "live/c am=http://h/",
    "*/*=http://h/[stream]",
  ]) {
    assert.throws(
      () => parse("--relay.pull", bad, "--relay.allow", "h"),
      /relay\.pull .*cannot be/,
      bad,
    );
  }
  assert.throws(() => parse("--relay.allow", "http://h"), /relay\.allow/);
  parse("--relay.pull", "live/*=http://h/whep/[app]/[stream] a/b=http://h/x", "--relay.allow", "h");
});

test("secrets are in no error and not in the command line that the API tells", () => {
  const parse = (): void => void parseConfig({}, ["--relay.token", "nohost-s3cret"]);
  assert.throws(parse, (error: Error) => {
    assert.match(error.message, /relay\.token \(command line\): cannot be "\*\*\*"/);
    return true;
  });
  const push = (): void =>
    void parseConfig({}, ["--relay.push", "a/b=ftp://me:s3cret@h/x?token=s3cret c"]);
  assert.throws(push, /cannot be "a\/b=ftp:\/\/\*\*\*@h\/x\?\*\*\* c"/);
  const key = (): void => void parseConfig({}, ["--acme.eab_hmac_key", "s3cret!"]);
  assert.throws(key, /acme\.eab_hmac_key \(command line\): cannot be "\*\*\*"/);
  assert.deepEqual(
    withoutSecretValues([
      ...["--acme.eab_hmac_key", "s3cret", "--relay.token", "h=s3cret", "--listen", "1"],
      ...["--http_api.auth.password=s3cret", "--relay.push", "a/b=http://h/?key=s3cret"],
    ]),
    [
      ...["--acme.eab_hmac_key", "***", "--relay.token", "***", "--listen", "1"],
      ...["--http_api.auth.password=***", "--relay.push", "***"],
    ],
  );
});
