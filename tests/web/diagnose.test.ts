import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  addressCheck,
  rateCheck,
  roundTripCheck,
  rtcCheck,
  summary,
  type Tried,
} from "../../web/lib/diagnose/advice.ts";
import { candidatesOf, onlyTransport } from "../../web/lib/diagnose/checks.ts";
import { reportText } from "../../web/lib/diagnose/report.ts";

const ANSWER = [
  "v=0",
  "a=candidate:1 1 udp 2130706431 192.0.2.1 8080 typ host",
  "a=candidate:2 1 tcp 2105458943 192.0.2.1 8080 typ host tcptype passive",
  "a=candidate:3 1 TCP 2105458942 2001:db8::1 443 typ host tcptype passive",
  "a=end-of-candidates",
  "",
].join("\r\n");
const candidates = candidatesOf(ANSWER);
const blocked: Tried = { outcome: "blocked", candidates, reached: false };
const way = { page: "192.0.2.1:8080", proxied: [] };

describe("the candidates of an answer", () => {
  test("are read with their transport, IPv6 in brackets when shown", () => {
    assert.deepEqual(
      candidates.map(({ transport, address, port }) => `${transport} ${address} ${port}`),
      ["udp 192.0.2.1 8080", "tcp 192.0.2.1 8080", "tcp 2001:db8::1 443"],
    );
    const { facts } = rtcCheck("tcp", { ...blocked, outcome: "connected" }, way, false);
    assert.equal(facts, "tcp 192.0.2.1:8080, tcp [2001:db8::1]:443");
  });

  test("of the other transport are taken out, and nothing else is", () => {
    const tcp = onlyTransport(ANSWER, "tcp").split("\r\n");
    assert.deepEqual(tcp, ANSWER.split("\r\n").toSpliced(1, 1));
    assert.equal(candidatesOf(onlyTransport(ANSWER, "udp")).length, 1);
  });
});

describe("why no media passes", () => {
  const adviceOn = (
    transport: "tcp" | "udp",
    tried: Tried,
    more: Partial<typeof way> = {},
  ): string => rtcCheck(transport, tried, { ...way, ...more }, false).advice;

  test("on the page's own port, something passes HTTP alone", () => {
    assert.match(
      adviceOn("tcp", blocked),
      /speaks HTTP and does not let raw TCP through on this port/,
    );
  });

  test("a proxy that shows itself is named", () => {
    assert.match(adviceOn("tcp", blocked, { proxied: ["via"] as never }), /it shows by via/);
  });

  test("an address that is not the page's is told from the one that is", () => {
    const advice = adviceOn("tcp", blocked, { page: "203.0.113.9:80" });
    assert.match(advice, /came from 203\.0\.113\.9:80, and the server offers 192\.0\.2\.1:8080/);
    assert.match(advice, /CANDIDATE=ADDRESS/);
    const own = candidatesOf("a=candidate:2 1 tcp 1 127.0.0.1 8080 typ host tcptype passive");
    const local = adviceOn("tcp", { ...blocked, candidates: own }, { page: "localhost:8080" });
    assert.match(local, /speaks HTTP/);
  });

  test("packets that arrive without a session are told from none", () => {
    assert.match(adviceOn("udp", { ...blocked, reached: true }), /The server is reached at 192/);
    assert.match(adviceOn("udp", blocked), /No UDP passes.*8080.*firewall/);
  });

  test("the other transport, where it passes, is a comfort", () => {
    assert.match(rtcCheck("udp", blocked, way, true).advice, /Media passes over TCP, so/);
  });
});

describe("figures", () => {
  const rates = { down: 3900, up: 3000, maxKbps: 4000, limitation: "" };

  test("a rate below a small picture's is slow, in the direction that is", () => {
    assert.equal(rateCheck(rates).verdict, "passes");
    const slow = rateCheck({ ...rates, up: 300 });
    assert.equal(slow.verdict, "slow");
    assert.match(slow.advice, /Too slow for publishing a good picture\. Choose/);
    assert.match(rateCheck({ ...rates, up: 300, limitation: "cpu" }).advice, /could not encode/);
    assert.match(rateCheck({ ...rates, up: 9, limitation: "hidden" }).advice, /in the background/);
    assert.match(rateCheck({ ...rates, up: 9, down: 9 }).advice, /playing or publishing/);
    assert.equal(rateCheck({ ...rates, down: 290, up: 290, maxKbps: 300 }).verdict, "passes");
    assert.match(rateCheck({ ...rates, up: undefined }).facts, /up not measured/);
  });

  test("a long way is slow, by its shortest round trip", () => {
    assert.equal(
      roundTripCheck(
        new Map([
          ["HTTP", 400],
          ["WebSocket", 90],
        ]),
      ).verdict,
      "passes",
    );
    assert.equal(roundTripCheck(new Map([["HTTP", 400]])).verdict, "slow");
    assert.equal(roundTripCheck(new Map()).verdict, "blocked");
  });

  test("media from another address than HTTP is told", () => {
    const tcp = { host: "192.0.2.7", port: 4000 };
    const same = addressCheck({ http: "192.0.2.7", tcp, udp: undefined, behindNat: false });
    assert.equal(same.facts, "192.0.2.7 by HTTP, 192.0.2.7:4000 by STUN over TCP");
    assert.equal(same.advice, "");
    const behind = addressCheck({ http: "192.0.2.7", tcp, udp: undefined, behindNat: true });
    assert.match(behind.facts, /, this browser is behind a NAT$/);
    assert.match(
      addressCheck({ http: "10.0.0.1", tcp, udp: tcp, behindNat: false }).advice,
      /another address/,
    );
  });
});

test("the text has verdict, facts and advice of each, and begins with the sum", () => {
  const udp = rtcCheck("udp", blocked, way, false);
  const tcp = rtcCheck("tcp", { ...blocked, outcome: "connected" }, way, false);
  const text = reportText({
    summary: summary(tcp, udp),
    time: new Date(0),
    version: "0.1.0",
    origin: "http://192.0.2.1:8080",
    browser: "a browser",
    candidates,
    checks: new Map([
      ["tcp", tcp],
      ["udp", udp],
    ]),
  });
  assert.match(
    text,
    /^Media passes over TCP; UDP is blocked\.\n\nTime: 1970-01-01T00:00:00\.000Z\n/,
  );
  assert.match(text, /^passes {6}WebRTC over TCP: tcp 192\.0\.2\.1:8080/m);
  assert.match(text, /^blocked {5}WebRTC over UDP: udp 192\.0\.2\.1:8080\n {12}No UDP passes/m);
});
