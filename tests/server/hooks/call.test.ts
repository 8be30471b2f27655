import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { callHook, HookFailed } from "../../../server/hooks/call.ts";
import { hookServer } from "./hook_server.ts";

const real = (url: string, init: RequestInit): Promise<Response> => fetch(url, init);

const YES = ["0", " 0\n", '{"code":0}', '{"code":0,"data":null}', '{"code": 0, "msg": "x"}'];
const NO = ["1", '{"code":1}', '{"code":-1}'];
const NEITHER = ["", "{}", "null", "[]", '"0"', '{"code":"0"}', "<html>", "0x", "[".repeat(9999)];

test("200 or 201 with 0 or code 0 is a yes, another code a no, and anything else no answer", async (t) => {
  const hooks = await hookServer(t);
  let text = "";
  let status = 200;
  hooks.answer = (_, response) => response.writeHead(status).end(text);
  const call = () => callHook(real, hooks.url(""), "{}", AbortSignal.timeout(5000));
  for (status of [200, 201]) {
    for (text of YES) assert.equal((await call()).accepted, true, text);
    for (text of NO) assert.equal((await call()).accepted, false, text);
    for (text of NEITHER) await assert.rejects(call(), HookFailed, text);
  }
  text = "0";
  for (status of [400, 401, 403, 404]) assert.equal((await call()).accepted, false);
  for (status of [202, 204, 500, 503]) await assert.rejects(call(), HookFailed);
});

test("a recording is asked for by data.record, as mp4 or flv", async (t) => {
  const hooks = await hookServer(t);
  let data: unknown;
  hooks.answer = (_, response) => response.end(JSON.stringify({ code: 0, data }));
  const call = () => callHook(real, hooks.url(""), "{}", AbortSignal.timeout(5000));
  for (const [given, record] of [
    [{ record: "mp4" }, "mp4"],
    [{ record: "flv" }, "flv"],
    [{ record: "avi" }, undefined],
    [{ record: true }, undefined],
    [[], undefined],
    [undefined, undefined],
  ] as const) {
    data = given;
    assert.deepEqual(await call(), { accepted: true, record });
  }
});

test("no redirect is followed", async (t) => {
  const hooks = await hookServer(t);
  hooks.answer = ({ path }, response) =>
    path === "/yes" ? response.end("0") : response.writeHead(307, { location: "/yes" }).end();
  const call = callHook(real, hooks.url("away"), "{}", AbortSignal.timeout(5000));
  await assert.rejects(call, HookFailed);
  assert.deepEqual(
    hooks.calls.map(({ path }) => path),
    ["/away"],
  );
});

test("an answer without end is cut off, and one that dribbles ends with the time", async (t) => {
  const hooks = await hookServer(t);
  let taken = 0;
  hooks.answer = (_, response) => {
    const more = (): void => {
      while (!response.destroyed && taken < 1e8) {
        taken += 8192;
        if (!response.write(" ".repeat(8192))) break;
      }
    };
    response.on("drain", more);
    more();
  };
  await assert.rejects(
    callHook(real, hooks.url(""), "{}", AbortSignal.timeout(5000)),
    /longer than 16384 bytes/,
  );
  assert.ok(taken < 1e8, "the server could not send it all");
  hooks.answer = (_, response) => {
    const timer = setInterval(() => response.write(" "), 20);
    response.on("close", () => clearInterval(timer));
  };
  await assert.rejects(
    callHook(real, hooks.url(""), "{}", AbortSignal.timeout(300)),
    /did not answer in time/,
  );
});

test("a reset is tried once more, for a kept connection may just have ended", async (t) => {
  const hooks = await hookServer(t);
  const reset = (response: ServerResponse): unknown => response.socket?.destroy();
  let resets = 1;
  hooks.answer = (_, response) => (resets-- > 0 ? reset(response) : response.end("0"));
  const call = () => callHook(real, hooks.url(""), "{}", AbortSignal.timeout(5000));
  assert.equal((await call()).accepted, true);
  resets = Number.POSITIVE_INFINITY;
  hooks.calls.length = 0;
  await assert.rejects(call(), /cannot be reached/);
  assert.ok(hooks.calls.length <= 4, "bounded tries"); // a runtime may try a POST again itself
});
