import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { parseConfig } from "../../../server/config/config.ts";
import { iceLinks } from "../../../server/routes/ice_links.ts";
import { recorded } from "../../core/wire/sdp/recorded.ts";
import { post, type Running, start } from "../fixture.ts";
import { type SlowClock, slowClock } from "../slow_clock.ts";

const PUBLISH = recorded("chromium_publish_h264");
const PLAY = recorded("chromium_play");

async function ask(url: string, method: string, headers: Record<string, string> = {}) {
  const body = method === "POST" ? PLAY : undefined;
  const type: Record<string, string> =
    method === "POST" ? { "content-type": "application/sdp" } : {};
  const answer = await fetch(url, {
    method,
    redirect: "manual",
    headers: { ...type, ...headers },
    ...(body === undefined ? {} : { body }),
  });
  await answer.text();
  return answer;
}

describe("Link headers of ICE servers (RFC 9725 §4.6)", () => {
  const servers =
    "stun:stun.example.net turn:us%22er:my%40Pass@turn.example.net?transport=udp turns:user:pw@[2001:db8::1]:443?transport=tcp";
  const links = [
    '<stun:stun.example.net>; rel="ice-server"',
    '<turn:turn.example.net?transport=udp>; rel="ice-server"; username="us\\"er"; credential="my@Pass"',
    '<turns:[2001:db8::1]:443?transport=tcp>; rel="ice-server"; username="user"; credential="pw"',
  ];
  const ice = (header: string | null): string[] =>
    (header ?? "").split(/, (?=<)/).filter((link) => link.includes("ice-server"));

  test("are as the settings have them", () => {
    const { config } = parseConfig({}, ["--rtc_server.ice_servers", servers]);
    assert.deepEqual(iceLinks(config["rtc_server.ice_servers"]), links);
  });

  test("settings that are none are refused, and their secrets not repeated", () => {
    for (const wrong of [
      "stun:user:pw@stun.example",
      "turn:turn.example",
      "turn:user@turn.example",
      "http://stun.example",
      "turn:user:p%zz@turn.example",
      "turn:user:p%0Aw@turn.example",
      "stun:stun.example?transport=udp",
      "turn:user:pw@turn.example?transport=sctp",
      "turn:user:pw@",
    ]) {
      assert.throws(
        () => parseConfig({}, ["--rtc_server.ice_servers", wrong]),
        (error: Error) =>
          /rtc_server\.ice_servers.*stun:HOST/.test(error.message) &&
          !error.message.includes(wrong),
        wrong,
      );
    }
  });

  test("are in the 201, the 406 and the answer to OPTIONS, not in a preflight, and for the admitted only", async (t) => {
    const server = await start(["--rtc_server.ice_servers", servers], {
      admit: ({ token }) =>
        token === "good" ? { admitted: true } : { admitted: false, status: 401, reason: "No" },
    });
    t.after(() => server.monoport.close());
    const bearer = { authorization: "Bearer good" };
    const whip = `${server.url}/rtc/v1/whip/?stream=ice`;
    const whep = `${server.url}/whep/live/ice`;
    const made = await post(whip, PUBLISH, bearer);
    await made.text();
    assert.equal(made.status, 201);
    assert.deepEqual(ice(made.headers.get("link")), links);
    const played = await post(whep, PLAY, bearer);
    await played.text();
    assert.deepEqual(ice(played.headers.get("link")), links);
    const offered = await post(whep, "", bearer);
    await offered.text();
    assert.deepEqual(ice(offered.headers.get("link")), links);
    const options = await ask(whip, "OPTIONS", bearer);
    assert.equal(options.status, 200);
    assert.deepEqual(ice(options.headers.get("link")), links);
    assert.equal((await ask(whip, "OPTIONS")).headers.get("link"), null);
    const preflight = { ...bearer, "access-control-request-method": "POST" };
    assert.equal((await ask(whip, "OPTIONS", preflight)).headers.get("link"), null);
    assert.equal((await post(whip, PUBLISH)).headers.get("link"), null);
  });

  test("are absent without the setting", async (t) => {
    const server = await start();
    t.after(() => server.monoport.close());
    const made = await post(`${server.url}/rtc/v1/whip/?stream=none`, PUBLISH);
    await made.text();
    assert.equal(made.headers.get("link"), null);
  });
});

describe("redirects (RFC 9725 §4.5)", () => {
  const other = "https://other.example/media";

  test("rtc_server.redirect sends every offer on with 307, its path and its query, and nothing else", async (t) => {
    const server = await start(["--rtc_server.redirect", `${other}/`]);
    t.after(() => server.monoport.close());
    for (const [path, location] of [
      ["/rtc/v1/whip/?app=a&stream=b%20c", "/rtc/v1/whip/?app=a&stream=b%20c&redirected=1"],
      ["/whep/live/x", "/whep/live/x?redirected=1"],
    ] as const) {
      const answer = await ask(server.url + path, "POST");
      assert.equal(answer.status, 307);
      assert.equal(answer.headers.get("location"), other + location);
      assert.equal(answer.headers.get("access-control-allow-origin"), "*");
    }
    assert.equal((await ask(`${server.url}/rtc/v1/whip/`, "OPTIONS")).status, 200);
    assert.equal((await ask(`${server.url}/rtc/v1/whip/`, "GET")).status, 204);
    assert.equal((await ask(`${server.url}/rtc/v1/whip/?session=x`, "DELETE")).status, 404);
    assert.equal(server.monoport.metrics.value("monoport_redirects_total"), 2);
  });

  test("an offer that was sent on once stays", async (t) => {
    const server = await start(["--rtc_server.redirect", other]);
    t.after(() => server.monoport.close());
    assert.equal((await ask(`${server.url}/whep/live/x?redirected=1`, "POST")).status, 201);
  });

  test("limits.redirect sends on who finds no room, and refuses who was sent on", async (t) => {
    const server = await start(["--limits.sessions", "1", "--limits.redirect", other]);
    t.after(() => server.monoport.close());
    assert.equal((await ask(`${server.url}/whep/live/x`, "POST")).status, 201);
    const answer = await ask(`${server.url}/whep/live/x`, "POST");
    assert.equal(answer.status, 307);
    assert.match(answer.headers.get("location") ?? "", /^https:\/\/other\.example\/media\/whep/);
    assert.equal((await ask(`${server.url}/whep/live/x?redirected=1`, "POST")).status, 503);
  });

  test("a redirect that is no URL of a server is refused at the start", () => {
    for (const key of ["rtc_server.redirect", "limits.redirect"]) {
      for (const wrong of [
        "other.example",
        "ftp://x",
        "https://x?a=b",
        "https://u:p@x",
        "https://",
      ])
        assert.throws(
          () => parseConfig({}, [`--${key}`, wrong]),
          /https:\/\/other\.example/,
          wrong,
        );
    }
  });
});

describe("the rate of requests (RFC 9725 §5)", () => {
  const args = [
    ...["--limits.requests_per_second", "1", "--limits.requests_burst", "3"],
    ...["--trusted_proxies", "127.0.0.1"],
  ];
  const from = (address: string) => ({ "x-forwarded-for": address });
  const slow = async (t: TestContext): Promise<Running & Pick<SlowClock, "forward">> => {
    const { runtime, forward } = await slowClock();
    const server = await start(args, { runtime });
    t.after(() => server.monoport.close());
    return { ...server, forward };
  };
  const limited = (server: Running): number =>
    server.monoport.metrics.value("monoport_requests_limited_total");

  test("is bounded by address; who is over it gets 429 with Retry-After, others nothing of it", async (t) => {
    const server = await slow(t);
    const url = `${server.url}/rtc/v1/whip/?session=x`;
    const statuses: number[] = [];
    for (const method of ["DELETE", "PATCH", "POST", "DELETE"])
      statuses.push((await ask(url, method, from("192.0.2.1"))).status);
    assert.deepEqual(statuses, [404, 404, 404, 429]);
    for (const path of ["/whip/live/a", "/rtc/v1/play/", "/rtc/v1/whep/layer"]) {
      const answer = await ask(server.url + path, "POST", from("192.0.2.1"));
      assert.equal(answer.status, 429, path);
      assert.match(answer.headers.get("retry-after") ?? "", /^[1-9]$/);
      assert.equal(answer.headers.get("access-control-allow-origin"), "*");
    }
    assert.equal(limited(server), 4);
    // OPTIONS asks for admission; with this a POST is no preflight.
    const preflight = { ...from("192.0.2.1"), "access-control-request-method": "POST" };
    for (const [method, fields] of [
      ["OPTIONS", from("192.0.2.1")],
      ["POST", preflight],
    ] as const)
      assert.equal((await ask(`${server.url}/whip/live/a`, method, fields)).status, 429, method);
    assert.equal(limited(server), 6);
    // Reading costs nothing, and neither does a preflight.
    assert.equal((await ask(`${server.url}/whip/live/a`, "GET", from("192.0.2.1"))).status, 204);
    assert.equal((await ask(`${server.url}/whip/live/a`, "OPTIONS", preflight)).status, 200);
    assert.equal((await ask(url, "DELETE", from("192.0.2.2"))).status, 404);
    server.forward(1100);
    assert.equal((await ask(url, "DELETE", from("192.0.2.1"))).status, 404);
  });

  test("counts one /64 of IPv6 as one, and a trusted proxy that names nobody not at all", async (t) => {
    const server = await slow(t);
    const url = `${server.url}/rtc/v1/whip/?session=x`;
    const statuses: number[] = [];
    for (let i = 1; i <= 4; i++)
      statuses.push((await ask(url, "DELETE", from(`2001:db8::${i}`))).status);
    assert.equal(statuses[3], 429);
    assert.equal((await ask(url, "DELETE", from("2001:db8:0:1::1"))).status, 404);
    for (let i = 0; i < 6; i++) assert.equal((await ask(url, "DELETE")).status, 404);
  });
});
