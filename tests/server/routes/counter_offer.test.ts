import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { negotiatePublish } from "../../../core/session/webrtc/negotiation/mod.ts";
import { COUNTER_OFFERS_PER_ADDRESS } from "../../../server/rtc/counter_offers.ts";
import { alice } from "../../core/session/webrtc/dtls/peers.ts";
import { accepted, decoded, local } from "../../core/session/webrtc/negotiation/local.ts";
import { recorded } from "../../core/wire/sdp/recorded.ts";
import { post, type Running, start } from "../fixture.ts";
import { Camera, Screen } from "../rtc/camera.ts";
import { publish, RtcClient, until } from "../rtc/client.ts";

const PLAY = recorded("chromium_play");

/** The answer of a viewer whose certificate is Alice's. */
function answerTo(offer: string, setup: "active" | "passive" = "active"): string {
  const hex = Buffer.from(alice.fingerprint.digest).toString("hex").toUpperCase();
  const fingerprint = `sha-256 ${hex.match(/../g)?.join(":")}`;
  const description = { ...decoded(offer), iceLite: false };
  return accepted(negotiatePublish(description, local({ fingerprint, candidates: [] })))
    .sdp.replace("a=ice-lite\r\n", "")
    .replaceAll("a=setup:passive", `a=setup:${setup}`);
}

async function request(
  url: string,
  method: string,
  body?: string,
  headers: Record<string, string> = { "content-type": "application/sdp" },
) {
  const answer = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

describe("counter-offers (draft-ietf-wish-whep-03 §4.2.2)", () => {
  let server: Running;
  before(async () => {
    server = await start();
  });
  after(() => server.monoport.close());
  const whep = (stream: string): string => `${server.url}/rtc/v1/whep/?stream=${stream}`;
  const located = (headers: Headers): string => server.url + (headers.get("location") ?? "");

  test("a POST without a body, and one whose offer does not fit, is 406 with an offer and a Location", async () => {
    const noCodec = PLAY.replaceAll(/^a=rtpmap:(\d+) (VP|H26|AV1|opus|PCM)/gm, "a=rtpmap:$1 x$2")
      .replaceAll(/^(m=audio 9 \S+) .*$/gm, "$1 111")
      .replaceAll(/^a=rtcp-fb:.*\r\n/gm, "");
    for (const [body, headers] of [
      ["", { "content-type": "application/sdp" }],
      [undefined, {}],
      [noCodec, { "content-type": "application/sdp" }],
      [PLAY.replaceAll("a=rtcp-mux\r\n", ""), { "content-type": "application/sdp" }],
    ] as const) {
      const made = await request(whep("nobody"), "POST", body, headers);
      assert.equal(made.status, 406, made.text);
      assert.equal(made.headers.get("content-type"), "application/sdp");
      assert.equal(made.headers.get("accept-patch"), "application/sdp");
      assert.equal(made.headers.get("etag"), null, "there is no ICE session yet");
      assert.match(made.text, /^v=0\r\n[\s\S]*\r\ni=.+\r\n[\s\S]*\r\na=setup:actpass\r\n/);
      assert.doesNotMatch(made.text, /a=(recvonly|inactive)/);
      assert.equal((await request(located(made.headers), "DELETE")).status, 200);
      assert.equal((await request(located(made.headers), "GET")).status, 404);
    }
  });

  test("what no offer of ours would help is refused in words", async () => {
    for (const [body, status] of [
      ["hello", 400],
      [PLAY.replaceAll("a=recvonly", "a=sendonly"), 422],
      [PLAY.replaceAll("a=recvonly", "a=inactive"), 422],
      [PLAY.replace("t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n"), 422],
    ] as const) {
      const made = await request(whep("words"), "POST", body);
      assert.equal(made.status, status);
      assert.match(made.headers.get("content-type") ?? "", /^text\/plain/);
    }
    assert.equal((await request(`${server.url}/rtc/v1/whip/?stream=w`, "POST", "")).status, 400);
    assert.equal((await request(whep("w"), "POST", "x", { "content-type": "text/x" })).status, 415);
  });

  for (const setup of ["active", "passive"] as const) {
    test(`the answer by PATCH, a=setup:${setup}, makes the session; media comes, and ICE restarts`, async (t) => {
      const stream = `counter-${setup}`;
      const source = await publish(server, { stream });
      t.after(() => source.close());
      await source.connect();
      const film = new Camera(source);
      t.after(() => film.stop());
      film.run(3);
      await until(() => film.packets > 5, "the stream is live");
      const made = await request(whep(stream), "POST", "");
      assert.equal(made.status, 406);
      const url = located(made.headers);

      const early = { "content-type": "application/trickle-ice-sdpfrag", "if-match": "*" };
      assert.equal((await request(url, "PATCH", "a=x\r\n", early)).status, 409);
      const head = await request(url, "HEAD");
      assert.equal(head.headers.get("accept-patch"), "application/sdp");
      assert.equal((await request(url, "PATCH", "hello")).status, 400);
      const other = answerTo(made.text, setup).replace(/m=audio[\s\S]*?(?=m=)/, "");
      assert.equal((await request(url, "PATCH", other.replace(" 0 1", " 1"))).status, 422);

      const answer = await request(url, "PATCH", answerTo(made.text, setup));
      assert.equal(answer.status, 204, answer.text);
      const etag = answer.headers.get("etag") ?? "";
      assert.match(etag, /^"[^"]{8,}"$/);
      assert.equal((await request(url, "PATCH", answerTo(made.text, setup))).status, 409);
      const role = setup === "active" ? "client" : "server";
      const viewer = new RtcClient(server, made.text, made.headers.get("location") ?? "", role);
      t.after(() => viewer.close());
      const screen = new Screen(viewer);
      await viewer.connect();
      await until(() => screen.packets > 20, "pictures");
      assert.deepEqual([screen.gaps, screen.torn], [0, 0]);

      const trickle = { "content-type": "application/trickle-ice-sdpfrag", "if-match": etag };
      assert.equal((await request(url, "PATCH", "a=end-of-candidates\r\n", trickle)).status, 204);
      const restart = "a=ice-ufrag:anew\r\na=ice-pwd:newnewnewnewnewnewnewnew\r\n";
      assert.equal((await request(url, "PATCH", restart, trickle)).status, 200);
      assert.equal(await viewer.remove(), 200);
    });
  }

  test("a viewer whose connection is here before his answer waits for it", async (t) => {
    const made = await request(whep("early"), "POST", "");
    const viewer = new RtcClient(server, made.text, made.headers.get("location") ?? "", "client");
    t.after(() => viewer.close());
    const connected = viewer.connect();
    await until(() => viewer.socket !== undefined, "the connection");
    await new Promise((wake) => setTimeout(wake, 100));
    assert.equal(viewer.peer.answers.length, 0);
    const answer = await request(located(made.headers), "PATCH", answerTo(made.text));
    assert.equal(answer.status, 204, answer.text);
    await connected;
  });

  test("SRS's JSON is told the refusal, as ever", async () => {
    const streamurl = `webrtc://127.0.0.1/live/json`;
    const body = JSON.stringify({ sdp: PLAY.replaceAll("a=rtcp-mux\r\n", ""), streamurl });
    const answer = await request(`${server.url}/rtc/v1/play/`, "POST", body);
    assert.match(answer.text, /rtcp-mux/);
    assert.match(answer.text, /"code":400/);
  });
});

test("offers of one address that wait for an answer are bounded; then the refusal is in words", async (t) => {
  const server = await start();
  t.after(() => server.monoport.close());
  const url = `${server.url}/rtc/v1/whep/?stream=many`;
  for (let i = 0; i < COUNTER_OFFERS_PER_ADDRESS; i++)
    assert.equal((await request(url, "POST", "")).status, 406);
  const refusal = await post(url, "");
  assert.equal(refusal.status, 422);
  assert.match(await refusal.text(), /no audio and no video/);
  assert.equal(
    server.monoport.metrics.value("monoport_counter_offers_total"),
    COUNTER_OFFERS_PER_ADDRESS,
  );
  assert.equal(server.monoport.metrics.value("monoport_sessions"), 0);
});
