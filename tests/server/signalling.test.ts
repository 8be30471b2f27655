import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import type { Admission } from "../../server/admit.ts";
import { recorded } from "../core/wire/sdp/recorded.ts";
import { post, type Running, start } from "./fixture.ts";

const PUBLISH = recorded("chromium_publish_h264");
const PLAY = recorded("chromium_play");
const sdpOf = async (answer: Response): Promise<string> => {
  assert.equal(answer.status, 201, await answer.clone().text());
  return answer.text();
};
/** The refusal's text. */
const refused = async (status: number, answer: Response): Promise<string> => {
  const text = await answer.text();
  assert.equal(answer.status, status, text);
  return text;
};

describe("WHIP and WHEP", () => {
  let server: Running;
  let whip: (query: string) => string;
  let whep: (query: string) => string;
  before(async () => {
    server = await start();
    whip = (query) => `${server.url}/rtc/v1/whip/?${query}`;
    whep = (query) => `${server.url}/rtc/v1/whep/?${query}`;
  });
  after(() => server.monoport.close());

  test("an offer gets 201, an ICE-lite answer and a Location that nobody can guess", async () => {
    const answers = await Promise.all([
      post(whip("stream=a1"), PUBLISH),
      post(whip("stream=a2"), PUBLISH),
    ]);
    const locations = answers.map((answer) => answer.headers.get("location") ?? "");
    for (const [i, answer] of answers.entries()) {
      const sdp = await sdpOf(answer);
      assert.equal(answer.headers.get("content-type"), "application/sdp");
      assert.match(sdp, /^a=ice-lite\r$/m);
      assert.match(
        sdp,
        new RegExp(
          `^a=candidate:\\d+ 1 tcp 2124414975 127\\.0\\.0\\.1 ${server.port} typ host tcptype passive\\r$`,
          "m",
        ),
      );
      assert.match(sdp, /^a=setup:passive\r$/m);
      assert.match(locations[i] ?? "", /^\/rtc\/v1\/whip\/\?.*token=[a-z2-7]{32}/);
    }
    assert.notEqual(locations[0], locations[1]);
  });

  test("DELETE ends a session once; a wrong token and an unknown session are 404", async () => {
    const answer = await post(whip("stream=b"), PUBLISH);
    const location = answer.headers.get("location") ?? "";
    await answer.text();
    const remove = async (path: string): Promise<number> => {
      const removed = await fetch(server.url + path, { method: "DELETE" });
      await removed.text();
      return removed.status;
    };
    assert.equal(await remove(location.replace(/token=\w{4}/, "token=aaaa")), 404);
    assert.equal(await remove(location), 200);
    assert.equal(await remove(location), 404);
    assert.equal(await remove("/rtc/v1/whip/"), 405, "an endpoint is nobody's to delete");
    assert.equal((await post(whip("stream=b"), PUBLISH)).status, 201, "the stream is free again");
  });

  test("short forms take app and stream from the path", async () => {
    assert.match(await sdpOf(await post(`${server.url}/whip/live/short`, PUBLISH)), /a=recvonly/);
    assert.match(await sdpOf(await post(`${server.url}/whep/live/short`, PLAY)), /a=sendonly/);
    assert.match(
      await sdpOf(await post(`${server.url}/rtc/v1/whip-play/?stream=short`, PLAY)),
      /a=sendonly/,
    );
    assert.match(await sdpOf(await post(whip("stream=short&action=play"), PLAY)), /a=sendonly/);
  });

  test("a body of another type is 415, one that is too large 413", async () => {
    await refused(415, await post(whip("stream=c"), PUBLISH, { "content-type": "text/plain" }));
    await refused(415, await fetch(whip("stream=c"), { method: "POST", body: new Uint8Array(3) }));
    await refused(413, await post(whip("stream=c"), "x".repeat(200_000)));
  });

  test("a name that is none is 400 and named, for every way in", async () => {
    const wrong = ["a/b", ".hidden", "x".repeat(129), "a b", "%00", "ü"];
    for (const name of wrong) {
      const stream = encodeURIComponent(name);
      for (const url of [
        whip(`stream=${stream}`),
        whep(`stream=${stream}`),
        whip(`app=${stream}&stream=ok`),
      ]) {
        assert.match(
          await refused(400, await post(url, PUBLISH)),
          /1 to 128 of \[A-Za-z0-9\._-\]/,
          url,
        );
      }
    }
  });

  test("wrong SDP is 400 with the line; a line that cannot be taken is 422", async () => {
    const lines = PUBLISH.split("\r\n");
    const at = lines.findIndex((line) => line.startsWith("a=fingerprint"));
    lines[at] = "a=fingerprint:sha-256 nonsense";
    assert.match(
      await refused(400, await post(whip("stream=d"), lines.join("\r\n"))),
      new RegExp(`line ${at + 1}\\b`, "i"),
    );
    await refused(400, await post(whip("stream=d"), "hello"));
    await refused(
      400,
      await post(whip("stream=d"), PUBLISH.replaceAll(/a=fingerprint.*\r\n/g, "")),
    );
    await refused(400, await post(whip("stream=d"), PUBLISH.replaceAll(/a=ice-ufrag.*\r\n/g, "")));
    await refused(422, await post(whip("stream=d"), recorded("chromium_datachannel_only")));
    await refused(422, await post(whip("stream=d"), PLAY));
  });

  test("SRS's switches that weaken are 400, its ICE credentials are ignored", async () => {
    assert.match(
      await refused(400, await post(whip("stream=e&encrypt=false"), PUBLISH)),
      /encrypt=false/,
    );
    assert.match(
      await refused(400, await post(whip("stream=e&dtls=false"), PUBLISH)),
      /dtls=false/,
    );
    const sdp = await sdpOf(
      await post(whip("stream=e&ice-ufrag=chosen00&ice-pwd=chosen0123456789chosen01"), PUBLISH),
    );
    assert.doesNotMatch(sdp, /chosen/);
  });

  test("a stream that another client claims is 409 with Retry-After", async () => {
    await sdpOf(await post(whip("stream=f"), PUBLISH, { "user-agent": "one" }));
    const answer = await post(whip("stream=f"), PUBLISH, { "user-agent": "two" });
    assert.equal(answer.headers.get("retry-after"), "3");
    assert.match(await refused(409, answer), /live\/f/);
    await sdpOf(await post(whip("stream=f"), PUBLISH, { "user-agent": "one" }));
  });

  test("eip and candidate name the addresses, with a port if they like", async () => {
    const sdp = await sdpOf(
      await post(whip("stream=g&eip=192.0.2.1:443&candidate=media.example"), PUBLISH),
    );
    assert.match(sdp, / 192\.0\.2\.1 443 typ host tcptype passive/);
    assert.match(sdp, new RegExp(` media\\.example ${server.port} typ host`));
  });

  test("OPTIONS tells browsers of other sites that they may, GET and HEAD are 2xx, PATCH is 405", async () => {
    const options = await fetch(whip(""), {
      method: "OPTIONS",
      headers: { origin: "https://site.example" },
    });
    assert.equal(options.status, 200);
    assert.equal(options.headers.get("access-control-allow-origin"), "*");
    assert.match(options.headers.get("access-control-allow-methods") ?? "", /POST.*DELETE/);
    assert.equal(options.headers.get("accept-post"), "application/sdp");
    for (const method of ["GET", "HEAD"])
      assert.equal((await fetch(whip(""), { method })).status, 204);
    assert.equal((await fetch(whip(""), { method: "PATCH", body: "x" })).status, 405);
    const offered = await post(whip("stream=h"), PUBLISH, { origin: "https://site.example" });
    assert.equal(offered.headers.get("access-control-allow-origin"), "*");
    assert.match(offered.headers.get("access-control-expose-headers") ?? "", /Location/);
    await offered.text();
  });

  test("SRS's JSON API publishes and plays, and tells failures by code", async () => {
    const call = async (path: string, body: object): Promise<Record<string, unknown>> => {
      const answer = await fetch(server.url + path, { method: "POST", body: JSON.stringify(body) });
      assert.equal(answer.status, 200);
      return (await answer.json()) as Record<string, unknown>;
    };
    const streamurl = `webrtc://127.0.0.1:${server.port}/live/json?eip=192.0.2.7`;
    const published = await call("/rtc/v1/publish/", {
      sdp: PUBLISH,
      streamurl,
      api: null,
      tid: "x",
      clientip: null,
    });
    assert.deepEqual(Object.keys(published), [
      "code",
      "server",
      "service",
      "pid",
      "sdp",
      "sessionid",
    ]);
    assert.equal(published["code"], 0);
    assert.match(String(published["sdp"]), / 192\.0\.2\.7 /);
    const played = await call("/rtc/v1/play/", { sdp: PLAY, streamurl });
    assert.match(String(played["sdp"]), /a=sendonly/);
    assert.equal((await call("/rtc/v1/play/", { sdp: PLAY }))["code"], 400);
    assert.equal(
      (await call("/rtc/v1/play/", { sdp: PLAY, streamurl: "http://x/live/y" }))["code"],
      400,
    );
    assert.equal((await call("/rtc/v1/publish/", { sdp: "nonsense", streamurl }))["code"], 400);
  });
});

test("who is not admitted gets the reason, and nothing is made for him", async (t) => {
  const asked: Admission[] = [];
  const server = await start([], {
    admit: (wanted) => {
      asked.push(wanted);
      return wanted.token === "secret"
        ? { admitted: true }
        : { admitted: false, status: 401, reason: "No key" };
    },
  });
  t.after(() => server.monoport.close());
  const url = `${server.url}/rtc/v1/whip/?stream=a`;
  const answer = await post(url, PUBLISH);
  assert.equal(answer.headers.get("www-authenticate"), "Bearer");
  assert.match(await refused(401, answer), /No key/);
  assert.deepEqual(asked, [
    { action: "publish", app: "live", stream: "a", token: "", address: "127.0.0.1" },
  ]);
  assert.equal(server.monoport.metrics.value("monoport_sessions"), 0);
  assert.equal(server.monoport.metrics.value("monoport_streams"), 0);
  await sdpOf(await post(url, PUBLISH, { authorization: "Bearer secret" }));
  await sdpOf(await post(`${server.url}/rtc/v1/whep/?stream=a&token=secret`, PLAY));
  assert.equal(server.monoport.metrics.value("monoport_sessions"), 2);
});

test("sessions, streams and waiting viewers are bounded, by name", async (t) => {
  const server = await start([
    "--limits.sessions",
    "3",
    "--limits.waiting_viewers",
    "2",
    "--limits.streams",
    "2",
  ]);
  t.after(() => server.monoport.close());
  const play = (stream: string): Promise<Response> =>
    post(`${server.url}/rtc/v1/whep/?stream=${stream}`, PLAY);
  await sdpOf(await play("a"));
  await sdpOf(await play("a"));
  assert.match(await refused(503, await play("a")), /limits\.waiting_viewers/);
  await sdpOf(await play("b"));
  assert.match(await refused(503, await play("c")), /limits\.sessions/);
});

test("clientip and X-Forwarded-For count from trusted proxies only", async (t) => {
  const seen: string[] = [];
  const admit = ({ address }: Admission) => {
    seen.push(address);
    return { admitted: true } as const;
  };
  const [open, behind] = await Promise.all([
    start([], { admit }),
    start(["--trusted_proxies", "127.0.0.1 10.0.0.1"], { admit }),
  ]);
  t.after(() => Promise.all([open.monoport.close(), behind.monoport.close()]));
  const forwarded = { "x-forwarded-for": "198.51.100.1, 203.0.113.9, 10.0.0.1" };
  for (const { url } of [open, behind]) {
    await sdpOf(await post(`${url}/rtc/v1/whep/?stream=x`, PLAY, forwarded));
    const body = JSON.stringify({
      sdp: PLAY,
      streamurl: "webrtc://h/live/x",
      clientip: "192.0.2.55",
    });
    await (await fetch(`${url}/rtc/v1/play/`, { method: "POST", body })).text();
  }
  assert.deepEqual(seen, ["127.0.0.1", "127.0.0.1", "203.0.113.9", "192.0.2.55"]);
});

describe("STUN on the shared port", () => {
  let server: Running;
  before(async () => {
    server = await start();
  });
  after(() => server.monoport.close());
  const header = (bytes: number): number[] => [
    0,
    20 + bytes,
    0,
    1,
    0,
    bytes,
    0x21,
    0x12,
    0xa4,
    0x42,
    ...Array<number>(12).fill(7),
  ];
  const username = [0, 6, 0, 8, ...new TextEncoder().encode("nobody:x")];

  test("without USERNAME it is 400, of nobody 401, both without integrity, and the connection closes", async () => {
    assert.equal(errorCode(await exchange(server.port, header(0))), 400);
    assert.equal(errorCode(await exchange(server.port, [...header(12), ...username])), 401);
    assert.ok(server.monoport.metrics.render().includes("core/session/webrtc/unknown-user"));
  });

  test("byte by byte it is the same, and behind empty frames too", async () => {
    assert.equal(
      errorCode(await exchange(server.port, [0, 0, 0, 0, ...header(12), ...username], 1)),
      401,
    );
  });

  test("garbage in its place gets nothing", async () => {
    assert.equal((await exchange(server.port, [0, 21, ...Array<number>(40).fill(0x99)])).length, 0);
  });
});

/** Writes `bytes` in pieces; all that comes back until the server closes. */
function exchange(port: number, bytes: number[], piece = bytes.length): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const parts: Uint8Array[] = [];
    const socket = connect({ port, host: "127.0.0.1", noDelay: true }, async () => {
      for (let at = 0; at < bytes.length; at += piece) {
        socket.write(Uint8Array.from(bytes.slice(at, at + piece)));
        if (piece < bytes.length) await new Promise((wake) => setTimeout(wake, 2));
      }
    });
    socket.on("data", (chunk: Uint8Array) => parts.push(chunk));
    socket.on("end", () => socket.end());
    socket.on("close", () => resolve(new Uint8Array(Buffer.concat(parts))));
    socket.on("error", reject);
  });
}

/**
 * The ERROR-CODE of one framed error response that has no MESSAGE-INTEGRITY; NaN when it is
 * something else.
 */
function errorCode(frame: Uint8Array): number {
  const length = ((frame[0] ?? 0) << 8) | (frame[1] ?? 0);
  if (length !== frame.length - 2 || frame[2] !== 0x01 || frame[3] !== 0x11) return Number.NaN;
  let code = Number.NaN;
  for (let at = 22; at + 8 <= frame.length; ) {
    const type = ((frame[at] ?? 0) << 8) | (frame[at + 1] ?? 0);
    const size = ((frame[at + 2] ?? 0) << 8) | (frame[at + 3] ?? 0);
    if (type === 0x0008) return Number.NaN;
    if (type === 0x0009) code = (frame[at + 6] ?? 0) * 100 + (frame[at + 7] ?? 0);
    at += 4 + ((size + 3) & ~3);
  }
  return code;
}
