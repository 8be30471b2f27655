import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { NEVER } from "../../../../core/base/mod.ts";
import { HTTP_LIMITS } from "../../../../core/session/http/mod.ts";
import { GET, POST, Probe } from "./probe.ts";

describe("deadlines", () => {
  test("408 when a head takes longer than headMillis, from its first byte", () => {
    const probe = new Probe().input("GET");
    assert.equal(probe.session.nextTimeout(), HTTP_LIMITS.headMillis);
    probe.at(HTTP_LIMITS.headMillis - 1).input(" /");
    assert.equal(probe.kinds(), "");
    probe.at(HTTP_LIMITS.headMillis);
    assert.match(probe.take(), /^HTTP\/1\.1 408 /);
    assert.equal(probe.kinds(), "fault end");
    probe.at(HTTP_LIMITS.headMillis + HTTP_LIMITS.lingerMillis);
    assert.equal(probe.kinds(), "close");
    assert.equal(probe.session.nextTimeout(), NEVER);
  });

  test("a connection that never sends a byte closes without an answer", () => {
    const probe = new Probe().at(HTTP_LIMITS.headMillis);
    assert.equal(probe.take(), "");
    assert.equal(probe.kinds(), "end");
  });

  test("the second head has its own deadline, also when it was sent ahead", () => {
    const probe = new Probe().input(`${GET}GET /`);
    probe.at(5_000).respond();
    assert.equal(probe.session.nextTimeout(), 5_000 + HTTP_LIMITS.headMillis);
  });

  test("no deadline runs while the application thinks", () => {
    assert.equal(new Probe().input(GET).session.nextTimeout(), NEVER);
    assert.equal(new Probe().input(POST).session.nextTimeout(), NEVER);
  });

  test("408 when a body pauses for bodyIdleMillis while it is wanted", () => {
    const probe = new Probe().input(POST).readBody();
    assert.equal(probe.session.nextTimeout(), HTTP_LIMITS.bodyIdleMillis);
    probe.at(20_000).input("a").readBody();
    assert.equal(probe.session.nextTimeout(), 20_000 + HTTP_LIMITS.bodyIdleMillis);
    probe.at(20_000 + HTTP_LIMITS.bodyIdleMillis);
    assert.equal(probe.kinds(), "request body fault body-abort end");
    assert.match(probe.take(), /^HTTP\/1\.1 408 /);
  });

  test("408 when a body drips for bodyMillis", () => {
    const probe = new Probe().input(
      POST.replace("Content-Length: 3", "Transfer-Encoding: chunked"),
    );
    probe.readBody();
    for (let now = 0; now < HTTP_LIMITS.bodyMillis; now += 20_000) {
      probe.at(now).input("1\r\na\r\n").readBody();
    }
    assert.match(probe.kinds(), /^request( body)+$/);
    probe.at(HTTP_LIMITS.bodyMillis);
    assert.equal(probe.kinds(), "fault body-abort end");
  });

  test("a body that its reader leaves for bodyMillis is his own affair", () => {
    const probe = new Probe().input(POST).readBody().input("a");
    probe
      .at(2 * HTTP_LIMITS.bodyMillis)
      .readBody()
      .input("bc")
      .readBody();
    assert.equal(probe.kinds(), "request body body body-end");
    assert.equal(probe.session.nextTimeout(), NEVER);
  });

  test("RFC 9112 §9.5: an idle connection closes after keepAliveMillis; a request starts anew", () => {
    const probe = new Probe().input(GET).respond();
    assert.ok(probe.session.idle);
    assert.equal(probe.session.nextTimeout(), HTTP_LIMITS.keepAliveMillis);
    probe.at(50_000).input(GET).respond();
    assert.equal(probe.session.nextTimeout(), 50_000 + HTTP_LIMITS.keepAliveMillis);
    probe.take();
    probe.at(50_000 + HTTP_LIMITS.keepAliveMillis);
    assert.equal(probe.take(), "");
    assert.equal(probe.kinds(), "request request end");
  });
});

describe("RFC 9112 §9.6: lingering", () => {
  test("after an error answer: our FIN, then reading on up to lingerMaxBytes", () => {
    const probe = new Probe().input("BAD\r\n\r\n");
    assert.match(
      probe.take(),
      /^HTTP\/1\.1 400 Bad Request\r\n.*connection: close\r\n.*\r\nbad-method/s,
    );
    assert.equal(probe.kinds(), "fault end");
    assert.ok(probe.session.wantsInput);
    probe.input("x".repeat(HTTP_LIMITS.lingerMaxBytes));
    assert.ok(!probe.session.wantsInput);
    assert.equal(probe.kinds(), "");
    assert.equal(probe.end().kinds(), "close");
  });

  test("nothing that comes behind a refused request is taken for a request", () => {
    const probe = new Probe().input(`BAD\r\n\r\n${GET}`).input(GET);
    assert.equal(probe.kinds(), "fault end");
  });
});

describe("FIN", () => {
  test("a request that came whole is answered, then the connection closes", () => {
    const probe = new Probe().input(GET).end();
    assert.equal(probe.kinds(), "request");
    probe.respond();
    assert.match(probe.take(), /^HTTP\/1\.1 200 OK/);
    assert.equal(probe.kinds(), "end close");
  });

  test("requests sent ahead are answered too, an unfinished one is not", () => {
    const probe = new Probe().input(`${GET}${GET}GET`).end().respond().respond();
    assert.equal(probe.kinds(), "request request end close");
  });

  test("in a head: no answer", () => {
    const probe = new Probe().input("GET /").end();
    assert.equal(probe.take(), "");
    assert.equal(probe.kinds(), "fault end close");
  });

  test("in a body: its reader learns it, and may answer", () => {
    const probe = new Probe().input(POST).readBody().end();
    assert.equal(probe.kinds(), "request body-abort");
    probe.respond(400);
    assert.match(probe.take(), /^HTTP\/1\.1 400 /);
    assert.equal(probe.kinds(), "end close");
    assert.equal(new Probe().input(POST).end().readBody().kinds(), "request body-abort");
  });
});
