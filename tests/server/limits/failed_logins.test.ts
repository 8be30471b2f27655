import assert from "node:assert/strict";
import { test } from "node:test";
import {
  FAILED_LOGIN_MILLIS,
  FAILED_LOGINS_MAX,
  FailedLogins,
} from "../../../server/limits/failed_logins.ts";
import { Log } from "../../../server/log.ts";
import { serverMetrics } from "../../../server/metrics.ts";
import { start } from "../fixture.ts";

const AUTH = [
  ...["--http_api.auth.enabled", "on"],
  ...["--http_api.auth.username", "admin", "--http_api.auth.password", "secret"],
];
const RIGHT = `Basic ${btoa("admin:secret")}`;
const REFUSED = "monoport_api_logins_refused_total";

test("after ten wrong passwords an address gets 429 with Retry-After whatever it shows, and another one its answer", async (t) => {
  const lines: string[] = [];
  const quiet = ["--log.level", "warn", "--trusted_proxies", "127.0.0.1"];
  const server = await start([...AUTH, ...quiet], { onLine: (line) => void lines.push(line) });
  t.after(() => server.monoport.close());
  const ask = async (authorization: string | undefined, address = "198.51.100.7") => {
    const headers = { "x-forwarded-for": address, ...(authorization && { authorization }) };
    const answer = await fetch(`${server.url}/api/v1/streams`, { headers });
    return { status: answer.status, text: await answer.text(), headers: answer.headers };
  };
  // Without credentials, as a browser asks first, and with what are none: no guess.
  for (let i = 0; i < 2 * FAILED_LOGINS_MAX; i++) {
    assert.equal((await ask([undefined, "Basic !", "Bearer x"][i % 3])).status, 401);
  }
  assert.equal((await ask(RIGHT)).status, 200);
  const wrong = [`Basic ${btoa("admin:guess")}`, `Basic ${btoa("x:secret")}`];
  for (let i = 0; i < FAILED_LOGINS_MAX; i++) {
    assert.equal((await ask(wrong[i % wrong.length])).status, 401);
  }
  for (const shown of [wrong[0], RIGHT]) {
    const limited = await ask(shown);
    assert.equal(limited.status, 429);
    assert.match(limited.text, /http_api\.auth/);
    const seconds = Number(limited.headers.get("retry-after"));
    assert.ok(seconds >= 1 && seconds <= FAILED_LOGIN_MILLIS / 1000, `${seconds} s`);
  }
  assert.equal((await ask(undefined)).status, 401);
  assert.equal((await ask(RIGHT, "198.51.100.8")).status, 200);
  const { metrics } = server.monoport;
  assert.equal(metrics.value(REFUSED, "wrong"), FAILED_LOGINS_MAX);
  assert.equal(metrics.value(REFUSED, "rate"), 2);
  const told = lines.filter((line) => line.includes("wrong password"));
  assert.match(told[0] ?? "", /address=198\.51\.100\.7/);
  assert.ok(told.every((line) => !line.includes("guess")));
});

test("one guess comes back every ten seconds, and ten of them at most", () => {
  let now = 5000;
  const metrics = serverMetrics();
  const log = new Log({ print: () => {}, wallClock: () => 0 }, "error");
  const failed = new FailedLogins({ now: () => now, log, metrics });
  const guesses = (): number => {
    let made = 0;
    for (; made < 100 && failed.wait("2001:db8::1") === 0; made++) failed.add("2001:db8::2");
    return made;
  };
  assert.equal(guesses(), FAILED_LOGINS_MAX);
  now += FAILED_LOGIN_MILLIS - 1;
  assert.equal(guesses(), 0);
  now += 1;
  assert.equal(guesses(), 1);
  now += 3_600_000;
  assert.equal(guesses(), FAILED_LOGINS_MAX);
});
