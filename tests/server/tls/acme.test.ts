import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { MonoportError } from "../../../core/base/mod.ts";
import { ANSWER_MAX_BYTES, type Fetch } from "../../../server/tls/acme/client.ts";
import { type Running, start } from "../fixture.ts";
import { until } from "../rtc/client.ts";
import { Folder, getHttps } from "../tls_client.ts";
import { type VirtualTime, virtualTime } from "./virtual_time.ts";

const DAY_MILLIS = 86_400_000;
const CA = "https://ca.example/directory";

interface Case extends VirtualTime {
  readonly running: Running;
}

/** A server that wants a certificate for media.example from a CA that answers as `fetch` does. */
async function startWith(t: TestContext, fetch: Fetch): Promise<Case> {
  const folder = new Folder();
  t.after(() => folder.remove());
  const time = await virtualTime(4000);
  const running = await start(
    [
      ...["--acme.domains", "media.example", "--acme.directory", CA, "--acme.agree_tos", "on"],
      ...["--tls.dir", folder.path],
    ],
    { runtime: time.runtime, fetch },
  );
  t.after(() => running.monoport.close());
  return { ...time, running };
}

/** The log's `count`th failure. */
async function failure({ lines }: Pick<Case, "lines">, count = 1): Promise<string> {
  const failures = (): string[] =>
    lines.filter((line) => line.includes("Cannot get a certificate"));
  await until(() => failures().length >= count, `failure ${count}:\n${lines.join("\n")}`);
  return failures()[count - 1] ?? "";
}

function againIn(line: string): number {
  return Number(/again="in (\d+) s"/.exec(line)?.[1]);
}

test("settings that cannot work stop the start and name themselves", async (t) => {
  const folder = new Folder();
  t.after(() => folder.remove());
  const file = join(folder.path, "file");
  writeFileSync(file, "");
  writeFileSync(join(folder.path, "acme_account.pem"), "garbage");
  const domains = ["--acme.domains", "a.example"];
  const agreed = [...domains, "--acme.agree_tos", "on"];
  const cases: [args: string[], says: RegExp][] = [
    [domains, /^tls\.dir: a folder is needed/],
    [[...domains, "--tls.dir", join(file, "x")], /^acme\.agree_tos: must be on .*letsencrypt\.org/],
    [[...agreed, "--tls.dir", join(file, "x")], /^tls\.dir: cannot keep what acme\.domains gets/],
    [[...agreed, "--tls.dir", folder.path], /^tls\.dir: cannot keep .*there is no key in/],
    [
      [...agreed, "--tls.dir", `${folder.path}/new`, "--acme.eab_kid", "k"],
      /^acme\.eab_kid, acme\.eab_hmac_key: give both or none/,
    ],
    [["--acme.domains", "*.example"], /no wildcards/],
    [["--acme.domains", "192.0.2.1"], /no addresses/],
    [["--acme.domains", "bücher.example"], /IDNs as xn--/],
    [["--acme.domains", Array(51).fill("a.example").join(" ")], /50 domains at most/],
    [["--acme.directory", "http://ca.example/"], /an https URL/],
    [["--acme.email", "a@b, c@d"], /a mail address/],
    [["--acme.eab_hmac_key", "a+b"], /base64url/],
  ];
  for (const [args, says] of cases) {
    await assert.rejects(start(args), (error) => {
      assert.ok(error instanceof MonoportError, String(error));
      assert.equal(error.code, "config-invalid");
      assert.match(error.message, says);
      return true;
    });
  }
});

test("a CA that cannot be reached is asked again after 1, 3 and 9 minutes, and the port stays", async (t) => {
  let asked = 0;
  const server = await startWith(t, () => {
    asked++;
    return Promise.reject(new TypeError("fetch failed", { cause: new Error("no such host") }));
  });
  for (const [count, least] of [60, 180, 540].entries()) {
    const line = await failure(server, count + 1);
    assert.match(
      line,
      /domain=media\.example error="Cannot reach ca\.example: fetch failed: no such/,
    );
    const seconds = againIn(line);
    assert.ok(seconds >= least && seconds <= least * 1.1, line);
    assert.equal(asked, count + 1);
    server.forward((seconds - 5) * 1000);
    await new Promise((wake) => setTimeout(wake, 100));
    assert.equal(asked, count + 1, "not before its time");
    server.forward(6000);
  }
  const { monoport, port } = server.running;
  assert.equal((await getHttps(port, "/healthz")).status, 200);
  assert.equal(monoport.tls?.selfSigned, true);
  assert.ok(monoport.metrics.value("monoport_acme_orders_total", "failed") >= 3);
});

test("a CA's problem document is passed on, and its Retry-After counts", async (t) => {
  const problem = {
    type: "urn:ietf:params:acme:error:rateLimited",
    detail: "too many certificates",
    subproblems: [
      { type: "urn:ietf:params:acme:error:caa", detail: "no", identifier: { value: "x" } },
    ],
  };
  const headers = { "content-type": "application/problem+json", "retry-after": "7200" };
  const server = await startWith(t, async () => {
    return new Response(JSON.stringify(problem), { status: 429, headers });
  });
  const line = await failure(server);
  assert.match(line, /ca\.example refused: rateLimited: too many certificates \(x caa: no\)/);
  assert.equal(againIn(line), 7200);
});

test("answers that are too long, no JSON, or lead away from https are refused", async (t) => {
  const urls = { newNonce: "https://a/", newAccount: "https://a/", newOrder: "https://a/" };
  const cases: [body: string, says: RegExp][] = [
    [" ".repeat(ANSWER_MAX_BYTES + 1), /The CA's answer is longer than 262144 bytes/],
    ["<html>", /The CA's directory cannot be read/],
    [
      JSON.stringify({ ...urls, newNonce: "http://a/" }),
      /directory cannot be read: newNonce an https/,
    ],
    [JSON.stringify(urls), /The CA gives no nonce/],
    [
      JSON.stringify({ ...urls, meta: { externalAccountRequired: true } }),
      /set acme\.eab_kid and acme\.eab_hmac_key/,
    ],
  ];
  for (const [body, says] of cases) {
    const server = await startWith(t, async (_, { method }) => {
      return new Response(method === "HEAD" ? null : body);
    });
    assert.match(await failure(server), says);
  }
});

test("a refused nonce is replaced by the one that comes with the refusal, five times", async (t) => {
  const urls = { newNonce: "https://a/n", newAccount: "https://a/a", newOrder: "https://a/o" };
  const nonces: string[] = [];
  const server = await startWith(t, async (url, { method, body }) => {
    const headers = { "replay-nonce": `nonce-${nonces.length}` };
    if (method === "GET") return new Response(JSON.stringify(urls));
    if (method === "HEAD") return new Response(null, { headers });
    const jws = JSON.parse(String(body)) as Record<"protected" | "payload" | "signature", string>;
    const header = JSON.parse(Buffer.from(jws.protected, "base64url").toString());
    const key = createPublicKey({ key: header.jwk, format: "jwk" });
    const signed = Buffer.from(`${jws.protected}.${jws.payload}`);
    const signature = Buffer.from(jws.signature, "base64url");
    assert.ok(verify("sha256", signed, { key, dsaEncoding: "ieee-p1363" }, signature));
    assert.deepEqual([header.alg, header.url, url], ["ES256", urls.newAccount, urls.newAccount]);
    nonces.push(header.nonce);
    const problem = { type: "urn:ietf:params:acme:error:badNonce", detail: "old" };
    headers["replay-nonce"] = `nonce-${nonces.length}`;
    return new Response(JSON.stringify(problem), { status: 400, headers });
  });
  assert.match(await failure(server), /a refused: badNonce: old/);
  assert.deepEqual(nonces, ["nonce-0", "nonce-1", "nonce-2", "nonce-3", "nonce-4"]);
});

test("a self-signed certificate is replaced 30 days before it ends, while the server runs", async (t) => {
  const folder = new Folder();
  t.after(() => folder.remove());
  const time = await virtualTime();
  const running = await start(
    ["--http_api.https.enabled", "on", "--tls.dir", folder.path, "--log.level", "info"],
    { runtime: time.runtime },
  );
  t.after(() => running.monoport.close());
  const kept = (): string => readFileSync(join(folder.path, "self_signed.pem"), "latin1");
  const [first, pem] = [running.monoport.tls?.fingerprint, kept()];
  time.forward(790 * DAY_MILLIS);
  await new Promise((wake) => setTimeout(wake, 150));
  assert.equal(running.monoport.tls?.fingerprint, first, "35 days before");
  time.forward(6 * DAY_MILLIS);
  await until(() => running.monoport.tls?.fingerprint !== first, "another is shown");
  assert.notEqual(kept(), pem);
  assert.ok(time.lines.some((line) => line.includes("Replaced the self-signed certificate")));
  assert.equal((await getHttps(running.port, "/healthz")).status, 200);
  const { metrics } = running.monoport;
  const ends = metrics.value("monoport_tls_not_after_seconds") * 1000 - time.runtime.wallClock();
  assert.ok(ends > 820 * DAY_MILLIS);
});
