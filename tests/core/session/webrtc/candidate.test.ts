import assert from "node:assert/strict";
import { test } from "node:test";
import { Candidate as WeriftCandidate } from "werift";
import {
  candidateInSdp,
  hostCandidates,
  tcpPassivePriority,
  udpPriority,
} from "../../../../core/session/webrtc/candidate.ts";
import { encodeCandidate } from "../../../../core/wire/sdp/mod.ts";

test("the priority of the only passive TCP candidate is that of RFC 6544 §4.2", () => {
  assert.equal(tcpPassivePriority(0), 126 * 2 ** 24 + (4 * 2 ** 13 + 8191) * 2 ** 8 + 255);
  assert.equal(tcpPassivePriority(0), 2_124_414_975);
});

test("the priority of the first UDP candidate is the usual one, and UDP goes before TCP", () => {
  assert.equal(udpPriority(0), 2_130_706_431);
  assert.ok(udpPriority(20_000) > tcpPassivePriority(0));
});

test("every candidate has a priority of its own; a foundation is of an address and a transport", () => {
  const a = { host: "192.0.2.1", port: 8080 };
  const b = { host: "2001:db8::1", port: 8080 };
  const c = { host: "192.0.2.1", port: 443 };
  const candidates = hostCandidates([a, b, c], [a, b]);
  assert.deepEqual(
    candidates.map(({ foundation }) => foundation),
    ["1", "2", "3", "4", "3"],
  );
  const priorities = candidates.map(({ priority }) => priority);
  assert.equal(new Set(priorities).size, 5);
  assert.deepEqual(
    priorities,
    priorities.toSorted((x, y) => y - x),
  );
});

test("the line is that of RFC 8839 §5.1 with RFC 6544 §4.5, and werift reads it", () => {
  const address = { host: "192.0.2.1", port: 8080 };
  const candidates = hostCandidates([address], [address]).map(candidateInSdp);
  const [udp, tcp] = candidates.map(encodeCandidate);
  assert.equal(udp, "candidate:1 1 udp 2130706431 192.0.2.1 8080 typ host");
  assert.equal(tcp, "candidate:2 1 tcp 2124414975 192.0.2.1 8080 typ host tcptype passive");
  const read = WeriftCandidate.fromSdp(tcp.slice("candidate:".length));
  assert.deepEqual(
    [read.transport, read.priority, read.host, read.port, read.type, read.tcptype],
    ["tcp", 2_124_414_975, "192.0.2.1", 8080, "host", "passive"],
  );
});
