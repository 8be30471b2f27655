import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { latin1Bytes } from "../../../../core/bytes/mod.ts";
import { decodeSdp, encodeSdp, isSdpFault, MAX_SDP_LENGTH } from "../../../../core/wire/sdp/mod.ts";
import { editedOffers } from "./edits.ts";
import { recorded, recordedNames } from "./recorded.ts";

/**
 * Fuzzed input must come back as a value; a description must survive being written and read again.
 */
function readsSafely(sdp: string | Uint8Array): void {
  const description = decodeSdp(sdp);
  if (isSdpFault(description)) {
    assert.ok(description.line >= 0 && description.text.length <= 120);
    return;
  }
  const again = decodeSdp(encodeSdp(description));
  assert.ok(!isSdpFault(again), isSdpFault(again) ? again.message : "");
}

test("an offer cut at every line and every character is a value", () => {
  const sdp = recorded("libdatachannel_publish");
  for (let end = 0; end <= sdp.length; end++) readsSafely(sdp.slice(0, end));
  for (const name of recordedNames()) {
    const lines = recorded(name).split("\r\n");
    for (let at = 0; at < lines.length; at += 7) readsSafely(lines.slice(0, at).join("\r\n"));
    for (let at = 0; at < lines.length; at += 7) readsSafely(lines.toSpliced(at, 1).join("\r\n"));
  }
});

test("an offer with any bit flipped is a value", () => {
  const bytes = latin1Bytes(recorded("libdatachannel_publish"));
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const at = bit >> 3;
    const was = bytes[at] ?? 0;
    bytes[at] = was ^ (1 << (bit & 7));
    readsSafely(bytes);
    bytes[at] = was;
  }
});

test("an offer whose lines are lost, doubled, moved, replaced or scratched is a value", () => {
  fc.assert(fc.property(editedOffers(), readsSafely), { seed: 8866, numRuns: 1000 });
});

test("bytes that are no SDP are a fault", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => isSdpFault(decodeSdp(bytes))),
    { seed: 8866, numRuns: 500 },
  );
});

test("hostile descriptions of full size take linear time", () => {
  const head = "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nt=0 0\nm=audio 9 RTP/SAVPF 0\n";
  const line = `a=fmtp:0 ${";".repeat(4000)}\n`;
  const spaces = `a=ssrc-group:${" 1".repeat(2000)}\n`;
  const fill = (unit: string): string =>
    head + unit.repeat(Math.floor((MAX_SDP_LENGTH - head.length) / unit.length));
  const started = performance.now();
  for (let i = 0; i < 20; i++) {
    decodeSdp(fill(line));
    decodeSdp(fill(spaces));
    decodeSdp(fill("a=extmap:1 u\n"));
    decodeSdp(fill("a=x\n"));
    decodeSdp(fill("m=audio 9 RTP/SAVPF 0\n"));
    decodeSdp("\n".repeat(MAX_SDP_LENGTH));
    decodeSdp("\u{1f600}".repeat(MAX_SDP_LENGTH / 2));
  }
  // About 0.2 s on a slow core; something quadratic takes minutes.
  assert.ok(performance.now() - started < 10_000);
});
