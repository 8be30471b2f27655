import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { recorded } from "../../core/wire/sdp/recorded.ts";
import { post, type Running, start } from "../fixture.ts";

const PUBLISH = recorded("chromium_publish_h264");
const PLAY = recorded("chromium_play");
const FRAGMENT = "application/trickle-ice-sdpfrag";
const CANDIDATE = "a=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host generation 0";

/** Of a recorded offer. */
function credentials(sdp: string): { readonly ufrag: string; readonly pwd: string } {
  const value = (name: string): string =>
    new RegExp(`^a=${name}:(.*?)\\r?$`, "m").exec(sdp)?.[1] ?? "";
  return { ufrag: value("ice-ufrag"), pwd: value("ice-pwd") };
}

function fragment(ufrag: string, pwd: string, ...more: string[]): string {
  const head = ["a=group:BUNDLE 0 1", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:0"];
  return [...head, `a=ice-ufrag:${ufrag}`, `a=ice-pwd:${pwd}`, ...more, ""].join("\r\n");
}

interface Session {
  readonly url: string;
  readonly etag: string;
  readonly answer: string;
}

async function open(
  server: Running,
  way: "whip" | "whep",
  stream: string,
  headers: Record<string, string> = {},
): Promise<Session> {
  const offer = way === "whip" ? PUBLISH : PLAY;
  const made = await post(`${server.url}/rtc/v1/${way}/?stream=${stream}`, offer, headers);
  const answer = await made.text();
  assert.equal(made.status, 201, answer);
  return {
    url: server.url + (made.headers.get("location") ?? ""),
    etag: made.headers.get("etag") ?? "",
    answer,
  };
}

interface Call {
  readonly method?: string;
  readonly type?: string;
  readonly match?: string;
  readonly body?: string;
  readonly bearer?: string;
}

async function call(url: string, { method = "PATCH", type, match, body, bearer }: Call) {
  const headers: Record<string, string> = {};
  if (type !== undefined) headers["content-type"] = type;
  if (match !== undefined) headers["if-match"] = match;
  if (bearer !== undefined) headers["authorization"] = `Bearer ${bearer}`;
  const answer = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

describe("endpoints (RFC 9725 §4.1, §4.2)", () => {
  let server: Running;
  before(async () => {
    server = await start();
  });
  after(() => server.monoport.close());

  const allow = "GET, HEAD, POST, OPTIONS";
  for (const [path, method, status, headers] of [
    ["/rtc/v1/whip/", "GET", 204, { "accept-post": "application/sdp" }],
    ["/rtc/v1/whip/", "HEAD", 204, { "accept-post": "application/sdp" }],
    ["/rtc/v1/whep/", "GET", 200, { "content-type": "application/sdp", "content-length": "0" }],
    ["/rtc/v1/whep/", "HEAD", 200, { "content-type": "application/sdp" }],
    ["/rtc/v1/whip/?action=play", "HEAD", 200, { "content-type": "application/sdp" }],
    ["/whip/live/a", "GET", 204, { "accept-post": "application/sdp" }],
    ["/whep/live/a", "HEAD", 200, { "content-type": "application/sdp" }],
    ["/rtc/v1/whip/", "OPTIONS", 200, { "accept-post": "application/sdp", allow }],
    ["/rtc/v1/whep", "OPTIONS", 200, { "accept-post": "application/sdp", allow }],
    ["/whep/live/a", "OPTIONS", 200, { "accept-post": "application/sdp", allow }],
    ["/rtc/v1/whip/", "PUT", 405, { allow }],
    ["/rtc/v1/whip/", "PATCH", 405, { allow }],
    ["/rtc/v1/whep/", "DELETE", 405, { allow }],
    ["/whip/live/a", "DELETE", 405, { allow }],
    ["/rtc/v1/play/", "PATCH", 405, { allow: "POST, OPTIONS" }],
    ["/rtc/v1/play/", "OPTIONS", 204, {}],
  ] as const) {
    test(`${method} ${path} is ${status}`, async () => {
      const answer = await call(server.url + path, { method });
      assert.equal(answer.status, status);
      for (const [name, value] of Object.entries(headers))
        assert.equal(answer.headers.get(name), value, name);
      assert.equal(answer.headers.get("access-control-allow-origin"), "*");
      if (status < 300) assert.equal(answer.text, "");
    });
  }

  test("a preflight is answered for all that clients send, and answers show what they read", async () => {
    const answer = await fetch(`${server.url}/rtc/v1/whip/?stream=x`, {
      method: "OPTIONS",
      headers: {
        origin: "https://site.example",
        "access-control-request-method": "PATCH",
        "access-control-request-headers": "authorization,content-type,if-match",
      },
    });
    const list = (name: string): string[] => (answer.headers.get(name) ?? "").split(", ");
    for (const method of ["POST", "PATCH", "DELETE"])
      assert.ok(list("access-control-allow-methods").includes(method), method);
    for (const name of ["Authorization", "Content-Type", "If-Match"])
      assert.ok(list("access-control-allow-headers").includes(name), name);
    const made = await post(`${server.url}/rtc/v1/whep/?stream=cors`, PLAY);
    await made.text();
    const exposed = made.headers.get("access-control-expose-headers")?.split(", ") ?? [];
    for (const name of ["Location", "ETag", "Link", "Accept-Patch", "Retry-After"])
      assert.ok(exposed.includes(name), name);
  });

  test("without CORS headers OPTIONS is answered too", async (t) => {
    const quiet = await start(["--http_api.crossdomain", "off"]);
    t.after(() => quiet.monoport.close());
    const answer = await call(`${quiet.url}/rtc/v1/whip/`, { method: "OPTIONS" });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("accept-post"), "application/sdp");
    assert.equal(answer.headers.get("access-control-allow-origin"), null);
  });
});

describe("sessions (RFC 9725 §4.3)", () => {
  let server: Running;
  before(async () => {
    server = await start();
  });
  after(() => server.monoport.close());

  for (const way of ["whip", "whep"] as const) {
    const own = credentials(way === "whip" ? PUBLISH : PLAY);
    const trickle = fragment(own.ufrag, own.pwd, CANDIDATE, "a=end-of-candidates");
    const restart = fragment("anew", "newnewnewnewnewnewnewnew", CANDIDATE);
    const allow = "GET, HEAD, PATCH, DELETE, OPTIONS";

    test(`the 201 of ${way} has a strong ETag and Accept-Patch`, async () => {
      const offer = way === "whip" ? PUBLISH : PLAY;
      const made = await post(`${server.url}/rtc/v1/${way}/?stream=${way}-201`, offer);
      await made.text();
      assert.match(made.headers.get("etag") ?? "", /^"[^"]{8,}"$/);
      assert.equal(made.headers.get("accept-patch"), FRAGMENT);
    });

    const rows: readonly (readonly [string, Call, number, Record<string, string>])[] = [
      ["GET", { method: "GET" }, 204, { "accept-patch": FRAGMENT }],
      ["HEAD", { method: "HEAD" }, 204, { "accept-patch": FRAGMENT }],
      ["OPTIONS", { method: "OPTIONS" }, 200, { allow }],
      ["POST", { method: "POST", type: "application/sdp", body: PLAY }, 405, { allow }],
      ["PUT", { method: "PUT", body: "" }, 405, { allow }],
      ["candidates with the ETag", { type: FRAGMENT, match: "ETAG", body: trickle }, 204, {}],
      [
        "candidates with one of several tags",
        { type: FRAGMENT, match: '"other", ETAG', body: trickle },
        204,
        {},
      ],
      ["candidates with *", { type: FRAGMENT, match: "*", body: trickle }, 204, {}],
      [
        "candidates without credentials",
        { type: FRAGMENT, match: "ETAG", body: `${CANDIDATE}\r\n` },
        204,
        {},
      ],
      [
        "a type with parameters",
        { type: `${FRAGMENT}; charset=utf-8`, match: "ETAG", body: trickle },
        204,
        {},
      ],
      ["no If-Match", { type: FRAGMENT, body: trickle }, 428, {}],
      ["a restart without If-Match", { type: FRAGMENT, body: restart }, 428, {}],
      ["another tag", { type: FRAGMENT, match: '"other"', body: trickle }, 412, {}],
      ["a weak tag", { type: FRAGMENT, match: "W/ETAG", body: trickle }, 412, {}],
      ["a restart by another tag", { type: FRAGMENT, match: '"x"', body: restart }, 412, {}],
      ["another type", { type: "text/plain", match: "ETAG", body: trickle }, 415, {}],
      ["no type", { match: "ETAG" }, 415, { "accept-patch": FRAGMENT }],
      ["an empty fragment", { type: FRAGMENT, match: "ETAG", body: "" }, 400, {}],
      ["no fragment", { type: FRAGMENT, match: "ETAG", body: "hello" }, 400, {}],
      [
        "a wrong candidate",
        { type: FRAGMENT, match: "ETAG", body: `${trickle}a=candidate:x\r\n` },
        400,
        {},
      ],
      [
        "too many candidates",
        { type: FRAGMENT, match: "ETAG", body: trickle + `${CANDIDATE}\r\n`.repeat(300) },
        400,
        {},
      ],
      [
        "a new ufrag with the old pwd",
        { type: FRAGMENT, match: "*", body: fragment("anew", own.pwd) },
        422,
        {},
      ],
      ["a body too large", { type: FRAGMENT, match: "ETAG", body: "a".repeat(200_000) }, 413, {}],
    ];
    for (const [name, request, status, headers] of rows) {
      test(`${way}: ${name} is ${status}`, async (t) => {
        const session = await open(server, way, `${way}-rows`);
        t.after(() => call(session.url, { method: "DELETE" }));
        const match = request.match?.replace("ETAG", session.etag);
        const answer = await call(
          session.url,
          match === undefined ? request : { ...request, match },
        );
        assert.equal(answer.status, status, answer.text);
        for (const [field, value] of Object.entries(headers))
          assert.equal(answer.headers.get(field), value, field);
        assert.equal(answer.headers.get("etag"), null, "RFC 9725 §4.3.2");
        // Whatever was wrong, the session is what it was.
        const still = { type: FRAGMENT, match: session.etag, body: trickle };
        assert.equal((await call(session.url, still)).status, 204);
      });
    }

    for (const match of ["*", '"*"', "ETAG"]) {
      test(`${way}: new credentials with If-Match ${match} restart ICE`, async (t) => {
        const session = await open(server, way, `${way}-restart`);
        t.after(() => call(session.url, { method: "DELETE" }));
        const field = match.replace("ETAG", session.etag);
        const answer = await call(session.url, { type: FRAGMENT, match: field, body: restart });
        assert.equal(answer.status, 200, answer.text);
        assert.equal(answer.headers.get("content-type"), FRAGMENT);
        const etag = answer.headers.get("etag") ?? "";
        assert.match(etag, /^"[^"]{8,}"$/);
        assert.notEqual(etag, session.etag);
        const [before, now] = [credentials(session.answer), credentials(answer.text)];
        assert.ok(now.ufrag.length >= 8 && now.pwd.length >= 22);
        assert.notEqual(now.ufrag, before.ufrag);
        assert.notEqual(now.pwd, before.pwd);
        assert.match(answer.text, /^a=ice-lite\r\n/);
        assert.match(answer.text, /\r\nm=(audio|video) 9 UDP\/TLS\/RTP\/SAVPF \d+\r\na=mid:0\r\n/);
        const candidates = (text: string): readonly string[] => [
          ...new Set(text.match(/^a=candidate.*$/gm)),
        ];
        assert.deepEqual(candidates(answer.text), candidates(session.answer));
        // The old tag is over, and so are the old credentials.
        const late = { type: FRAGMENT, match: session.etag, body: trickle };
        assert.equal((await call(session.url, late)).status, 412);
        const renewed = fragment("anew", "newnewnewnewnewnewnewnew", CANDIDATE);
        const next = { type: FRAGMENT, match: etag, body: renewed };
        assert.equal((await call(session.url, next)).status, 204);
      });
    }

    test(`${way}: a restart that is sent again gets the same answer`, async (t) => {
      const session = await open(server, way, `${way}-again`);
      t.after(() => call(session.url, { method: "DELETE" }));
      const request = { type: FRAGMENT, match: "*", body: restart };
      const [first, second] = [await call(session.url, request), await call(session.url, request)];
      assert.deepEqual([first.status, second.status], [200, 200]);
      assert.equal(second.text, first.text);
      assert.equal(second.headers.get("etag"), first.headers.get("etag"));
    });

    test(`${way}: DELETE needs no If-Match, ignores one, and is 404 the second time`, async () => {
      for (const match of [undefined, '"other"']) {
        const session = await open(server, way, `${way}-delete`);
        const remove = { method: "DELETE", ...(match === undefined ? {} : { match }) };
        assert.equal((await call(session.url, remove)).status, 200);
        for (const method of ["DELETE", "GET", "HEAD", "POST"])
          assert.equal((await call(session.url, { method })).status, 404, method);
        const late = { type: FRAGMENT, match: session.etag, body: trickle };
        assert.equal((await call(session.url, late)).status, 404);
      }
    });
  }

  test("a URL with another token is 404 for every method", async (t) => {
    const session = await open(server, "whip", "token");
    t.after(() => call(session.url, { method: "DELETE" }));
    const other = session.url.replace(/token=\w{4}/, "token=aaaa");
    for (const method of ["GET", "HEAD", "PATCH", "DELETE"])
      assert.equal((await call(other, { method })).status, 404, method);
    assert.equal((await call(session.url, { method: "GET" })).status, 204);
  });
});

describe("bearer tokens (RFC 9725 §4.7.1)", () => {
  let server: Running;
  before(async () => {
    server = await start([], {
      admit: ({ token }) =>
        token.startsWith("good")
          ? { admitted: true }
          : { admitted: false, status: token === "" ? 401 : 403, reason: "No" },
    });
  });
  after(() => server.monoport.close());

  test("a session made with one wants it again, or one that is admitted as well", async () => {
    const session = await open(server, "whip", "bearer", { authorization: "Bearer good" });
    const body = fragment("anew", "newnewnewnewnewnewnewnew");
    const patch = { type: FRAGMENT, match: "*", body };
    for (const [bearer, status] of [
      [undefined, 401],
      ["bad", 403],
      ["good", 200],
      ["good-renewed", 200],
    ] as const) {
      const answer = await call(session.url, { ...patch, ...(bearer && { bearer }) });
      assert.equal(answer.status, status, answer.text);
      if (status === 401) assert.equal(answer.headers.get("www-authenticate"), "Bearer");
    }
    assert.equal((await call(session.url, { method: "DELETE" })).status, 401);
    assert.equal((await call(session.url, { method: "DELETE", bearer: "good" })).status, 200);
  });

  test("one made by a token in the query has its secret in its URL alone", async () => {
    const made = await post(`${server.url}/rtc/v1/whip/?stream=query&token=good`, PUBLISH);
    await made.text();
    assert.equal(made.status, 201);
    const url = server.url + (made.headers.get("location") ?? "");
    assert.equal((await call(url, { method: "DELETE" })).status, 200);
  });
});
