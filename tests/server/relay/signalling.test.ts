import assert from "node:assert/strict";
import { test } from "node:test";
import type { HttpAnswer } from "../../../server/relay/http_answer.ts";
import type { HttpClient, HttpRequest } from "../../../server/relay/http_client.ts";
import { type Accepted, postOffer, type Refused } from "../../../server/relay/signalling.ts";

type Canned = { readonly status: number; readonly fields?: Readonly<Record<string, string>> };

/** Offers to a far end that answers like this, one answer after the other. */
async function offer(url: string, ...answers: Canned[]): Promise<[Accepted, HttpRequest[]]> {
  const requests: HttpRequest[] = [];
  const client = {
    async request(request: HttpRequest): Promise<HttpAnswer> {
      const { status = 500, fields = {} } = answers[requests.length] ?? {};
      requests.push(request);
      await request.body?.({ host: "192.0.2.9", port: 40_000 });
      return { status, field: (name) => fields[name], body: "v=0\r\n", address: "192.0.2.1" };
    },
  };
  let made = 0;
  const accepted = await postOffer(client as unknown as HttpClient, {
    url: new URL(url),
    token: (at) => (at.host === "a.test" ? "token-of-a" : undefined),
    via: ["one", "self"],
    wallClock: () => 0,
    offer: () => `offer ${++made}`,
  });
  return [accepted, requests];
}

test("an offer is posted with its type, its chain and the token of its host", async () => {
  const [accepted, requests] = await offer("https://a.test/whip?x=1", { status: 201 });
  assert.deepEqual(requests[0]?.fields, [
    ["Content-Type", "application/sdp"],
    ["Accept", "application/sdp"],
    ["Monoport-Via", "one, self"],
    ["Authorization", "Bearer token-of-a"],
  ]);
  assert.equal(accepted.session, undefined);
});

test("Location is taken relative to where the answer came from", async () => {
  const location = async (value: string, ...before: Canned[]): Promise<string | undefined> => {
    const last = { status: 201, fields: { location: value } };
    return (await offer("http://a.test/x/whip?q", ...before, last))[0].session?.href;
  };
  assert.equal(await location("/s/1"), "http://a.test/s/1");
  assert.equal(await location("s/1?t=2"), "http://a.test/x/s/1?t=2");
  assert.equal(await location("http://b.test/s"), "http://b.test/s");
  const away = { status: 307, fields: { location: "http://b.test/y/" } };
  assert.equal(await location("s", away), "http://b.test/y/s");
  assert.equal(await location("javascript:1"), undefined);
  assert.equal(await location("http://u:p@b.test/"), undefined);
});

test("a redirect loses the token of the first host, and is the same offer", async () => {
  const away = { status: 308, fields: { location: "https://b.test/" } };
  const [, requests] = await offer("https://a.test/", away, { status: 201 });
  assert.deepEqual(
    requests.map(({ url, fields }) => [
      url.host,
      fields.some(([name]) => name === "Authorization"),
    ]),
    [
      ["a.test", true],
      ["b.test", false],
    ],
  );
  assert.equal(await requests[1]?.body?.({ host: "", port: 0 }), "offer 1");
});

test("no redirect leads from https to http", async () => {
  const down = { status: 307, fields: { location: "http://a.test/" } };
  await assert.rejects(offer("https://a.test/", down), /redirects from https to http:\/\/a\.test/);
});

test("the session of an https server is not ended over http, where the token would be read", async () => {
  const made = { status: 201, fields: { location: "http://a.test/s/1" } };
  const [accepted] = await offer("https://a.test/", made);
  assert.equal(accepted.session, undefined);
});

test("servers that the stream has passed are told with the answer", async () => {
  const [told] = await offer("http://a.test/", { status: 201, fields: { "monoport-via": "x, y" } });
  assert.deepEqual(told.via, ["x", "y"]);
  const [odd] = await offer("http://a.test/", { status: 201, fields: { "monoport-via": "x y" } });
  assert.deepEqual(odd.via, []);
});

test("Retry-After is at most 300 s, and nonsense is none", async () => {
  const asked = async (value: string): Promise<unknown> => {
    const refused = offer("http://a.test/", { status: 503, fields: { "retry-after": value } });
    return await refused.then(
      () => "taken",
      (error: Refused) => error.retryAfterMillis,
    );
  };
  assert.equal(await asked("7"), 7000);
  assert.equal(await asked("999999999"), 300_000);
  assert.equal(await asked("Thu, 01 Jan 1970 00:01:00 GMT"), 60_000);
  for (const odd of ["-1", "soon", "1e3", "Wed, 31 Dec 1969 23:00:00 GMT"]) {
    assert.equal(await asked(odd), undefined, odd);
  }
});
