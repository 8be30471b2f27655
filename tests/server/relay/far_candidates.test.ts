import assert from "node:assert/strict";
import { test } from "node:test";
import { type Candidate, decodeCandidate } from "../../../core/wire/sdp/mod.ts";
import { AllowList } from "../../../server/relay/allow_list.ts";
import {
  CANDIDATES_MAX,
  type FarCandidates,
  farCandidates,
} from "../../../server/relay/far_candidates.ts";

function read(line: string): Candidate {
  const candidate = decodeCandidate(line);
  assert.ok("address" in candidate, line);
  return candidate;
}

function chosen(lines: readonly string[], allow: readonly string[] = []): FarCandidates {
  const signaller = { host: "media.test", address: "203.0.113.7" };
  return farCandidates(lines.map(read), signaller, new AllowList(allow));
}

test("passive TCP candidates of the far end's own address, the best first; active ones are not dialled", () => {
  const { tcp, udp, passedOver } = chosen([
    "1 1 tcp 10 203.0.113.7 8080 typ host tcptype passive",
    "2 1 TCP 20 203.0.113.7 443 typ host tcptype passive",
    "3 1 tcp 90 203.0.113.7 9 typ host tcptype active",
    "4 1 tcp 90 203.0.113.7 9000 typ host tcptype so",
    "5 1 udp 30 203.0.113.7 8000 typ host",
    "6 1 udp 30 203.0.113.7 0 typ host",
  ]);
  assert.deepEqual(tcp, [
    { host: "203.0.113.7", port: 443 },
    { host: "203.0.113.7", port: 8080 },
  ]);
  assert.deepEqual(udp, [{ host: "203.0.113.7", port: 8000 }]);
  assert.deepEqual(passedOver, []);
});

test("any other address must be listed with its port, and a name be the far end's own", () => {
  const lines = [
    "1 1 tcp 9 203.0.113.8 8080 typ host tcptype passive",
    "2 1 tcp 8 10.0.0.1 22 typ host tcptype passive",
    "3 1 udp 7 169.254.169.254 80 typ host",
    "4 1 tcp 6 Media.Test 8080 typ host tcptype passive",
    "5 1 tcp 5 other.test 8080 typ host tcptype passive",
    "6 1 udp 4 ::ffff:203.0.113.7 5000 typ host",
  ];
  const { tcp, udp, passedOver } = chosen(lines, ["203.0.113.8:8080", "10.0.0.0/8:8080", "*.test"]);
  assert.deepEqual(tcp, [
    { host: "203.0.113.8", port: 8080 },
    { host: "203.0.113.7", port: 8080 },
  ]);
  assert.deepEqual(udp, [{ host: "203.0.113.7", port: 5000 }]);
  assert.deepEqual(passedOver, [
    "tcp 10.0.0.1 port 22",
    "udp 169.254.169.254 port 80",
    "tcp other.test port 8080",
  ]);
});

test("an answer with hundreds of candidates makes us try four of each transport", () => {
  const many = Array.from({ length: 200 }, (_, i) => [
    `1 1 tcp ${i} 203.0.113.7 ${i + 1} typ host tcptype passive`,
    `1 1 udp ${i} 203.0.113.7 ${i + 1} typ host`,
    `1 1 udp ${i} 10.0.0.1 ${i + 1} typ host`,
  ]).flat();
  const { tcp, udp, passedOver } = chosen(many);
  assert.equal(CANDIDATES_MAX, 4);
  assert.deepEqual([tcp.length, udp.length, passedOver.length], [4, 4, 4]);
  assert.equal(tcp[0]?.port, 200);
});
