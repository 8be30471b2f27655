import assert from "node:assert/strict";
import { test } from "node:test";
import type { CandidateAddress } from "../../../server/candidates/candidates.ts";
import { whyUnreached } from "../../../server/rtc/unreached.ts";
import { recorded } from "../../core/wire/sdp/recorded.ts";
import { post, type Running, start } from "../fixture.ts";
import { play, publish, type RtcClient, until } from "./client.ts";

const PUBLIC: CandidateAddress = { host: "203.0.113.5", port: 443, source: "host" };
const PRIVATE: CandidateAddress = { host: "fd00::2", port: 8080, source: "interface" };
const CLIENT = "192.0.2.77";

test("what was offered is named with its source, and the ports to open", () => {
  const candidates = { tcp: [PUBLIC, { ...PUBLIC, port: 8080 }], udp: [PRIVATE] };
  const { cause, offered, advice } = whyUnreached({ candidates, proxied: false, address: CLIENT });
  assert.equal(cause, "closed");
  assert.equal(
    offered,
    "tcp 203.0.113.5:443 (Host), tcp 203.0.113.5:8080 (Host), udp [fd00::2]:8080 (interface)",
  );
  assert.match(advice, /open TCP 443 or 8080 and UDP 8080 /);
  assert.match(advice, /CANDIDATE=ADDRESS/);
});

test("behind a proxy that speaks HTTP the advice is to pass it by", () => {
  const candidates = { tcp: [PUBLIC], udp: [] };
  const { cause, advice } = whyUnreached({ candidates, proxied: true, address: CLIENT });
  assert.equal(cause, "proxy");
  assert.match(advice, /raw media cannot pass one that speaks HTTP or ends TLS: let TCP 443 /);
});

test("private addresses for a public client ask for the public one", () => {
  const candidates = { tcp: [PRIVATE], udp: [] };
  const why = whyUnreached({ candidates, proxied: false, address: CLIENT });
  assert.equal(why.cause, "private");
  assert.match(why.advice, /the client 192\.0\.2\.77 is not: set CANDIDATE=ADDRESS/);
  assert.equal(whyUnreached({ candidates, proxied: false, address: "10.0.0.7" }).cause, "closed");
  const none = whyUnreached({ candidates: { tcp: [], udp: [] }, proxied: false, address: CLIENT });
  assert.equal(none.cause, "no-candidate");
});

interface Listed {
  readonly clients: readonly { readonly id: string; readonly trouble?: string }[];
}

async function troubleOf({ url }: Running, client: RtcClient): Promise<string | undefined> {
  const id = new URL(client.location, url).searchParams.get("session");
  const { clients } = (await (await fetch(`${url}/api/v1/clients/`)).json()) as Listed;
  return clients.find((one) => one.id === id)?.trouble;
}

test("no STUN within 5 s of a 201: log, metric and API say what was offered and what to set", {
  timeout: 120_000,
}, async (t) => {
  const lines: string[] = [];
  const running = await start(["--log.level", "warn", "--candidate", "203.0.113.5:443"], {
    onLine: (line) => lines.push(line),
  });
  t.after(() => running.monoport.close());
  const begun = performance.now();
  const viewer = await play(running, { stream: "a" });
  const publisher = await publish(running, { stream: "b" });
  const reached = await publish(running, { stream: "c" });
  t.after(() => reached.close());
  await reached.connect();
  const proxied = await post(`${running.url}/whep/live/d`, recorded("chromium_play"), {
    "x-forwarded-for": "203.0.113.9",
  });
  assert.equal(proxied.status, 201);
  const said = (): string[] => lines.filter((line) => line.includes("No STUN"));
  await until(() => said().length > 0, "the log says so");
  assert.ok(performance.now() - begun >= 4900, "not before its time");
  const { metrics } = running.monoport;
  await until(
    () => metrics.value("monoport_sessions_unreached_total", "closed") === 2,
    "both are counted, the third is not",
  );
  const ofProxy = (): number => metrics.value("monoport_sessions_unreached_total", "proxy");
  await until(() => ofProxy() === 1, "the one who came through a proxy is told apart");
  assert.equal(said().length, 1, "one line for several in a short time");
  assert.match(
    said()[0] ?? "",
    / WARN {2}No STUN within 5 s of an answer.* offered="tcp 203\.0\.113\.5:443 \(CANDIDATE\), tcp 127\.0\.0\.1:\d+ \(Host\), udp 203.*" advice="If these .*open TCP 443 or \d+ and UDP 443 or \d+ to it.*set CANDIDATE=/,
  );
  for (const client of [viewer, publisher])
    assert.match(
      (await troubleOf(running, client)) ?? "",
      /^no STUN has come: the answer offered tcp 203\.0\.113\.5:443 \(CANDIDATE\).*open TCP/,
    );
  assert.equal(await troubleOf(running, reached), undefined);
});
