import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Path } from "../../web/lib/path.ts";
import { endpoint, readSettings } from "../../web/lib/settings.ts";

const TCP = "a=candidate:1 1 tcp 2 192.0.2.1 8080 typ host tcptype passive";
const UDP = "a=candidate:2 1 udp 1 192.0.2.1 8080 typ host";
const sdp = (...candidates: readonly string[]): string => ["v=0", ...candidates, ""].join("\r\n");
const BOTH = sdp(UDP, TCP);

function answered(answer: string, forced?: "tcp" | "udp"): Path {
  const path = new Path(forced);
  path.answer = answer;
  return path;
}

describe("the path of a page", () => {
  test("tries all addresses first, and for a shorter time while there is more to try", () => {
    const path = answered(BOTH);
    assert.equal(path.narrowed(BOTH), BOTH);
    assert.equal(path.note, "");
    assert.ok(path.millis < answered(sdp(TCP)).millis);
  });

  test("goes over to the transport that was not chosen, once", () => {
    const path = answered(BOTH);
    assert.equal(path.fallBack("udp"), "tcp");
    assert.equal(path.narrowed(BOTH), sdp(TCP));
    assert.match(path.note, /by TCP alone, as UDP did not carry/);
    assert.equal(path.tried, BOTH, "both were tried in the end");
    assert.equal(path.fallBack("tcp"), undefined);
    assert.equal(answered(BOTH).fallBack("tcp"), "udp");
    assert.equal(answered(BOTH).fallBack(""), "tcp", "no path was found at all");
  });

  test("has nothing else to try where one transport is offered, or asked for", () => {
    assert.equal(answered(sdp(TCP)).fallBack("tcp"), undefined);
    const forced = answered(BOTH, "udp");
    assert.equal(forced.narrowed(BOTH), sdp(UDP));
    assert.equal(forced.fallBack("udp"), undefined);
    assert.equal(forced.tried, sdp(UDP));
    assert.equal(forced.note, "");
  });

  test("tries all of it again when it is begun anew", () => {
    const path = answered(BOTH);
    path.fallBack("udp");
    path.reset();
    assert.equal(path.narrowed(BOTH), BOTH);
  });
});

test("transport is a query of the page and not passed on; another value is none", () => {
  const read = (query: string) => readSettings(new URL(`http://host/players/whep.html?${query}`));
  assert.equal(read("transport=tcp").transport, "tcp");
  assert.equal(read("transport=quic").transport, undefined);
  assert.equal(read("").transport, undefined);
  assert.doesNotMatch(endpoint(read("transport=tcp&eip=192.0.2.1"), "whep").search, /transport/);
});
