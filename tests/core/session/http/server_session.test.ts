import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { NEVER } from "../../../../core/base/mod.ts";
import { concat, latin1, latin1Bytes } from "../../../../core/bytes/mod.ts";
import { HttpServerSession, READ_AHEAD_BYTES } from "../../../../core/session/http/mod.ts";
import { GET, POST, Probe } from "./probe.ts";

const EMPTY = new Uint8Array(0);

/** Reads each body to its end, then answers; bodies are added to `bodies`. */
function readAndRespond(probe: Probe, bodies: string[]): void {
  for (let event = probe.events.shift(); event; event = probe.events.shift()) {
    if (event.kind === "request") bodies.push("");
    if (event.kind === "body") bodies.push(bodies.pop() + latin1(event.bytes));
    if (event.kind === "request" || event.kind === "body") probe.readBody();
    else {
      assert.equal(event.kind, "body-end");
      probe.respond();
    }
  }
}

describe("RFC 9112 §9.3.2: pipelining", () => {
  test("the next request comes when the last one is answered", () => {
    const probe = new Probe().input(GET + GET);
    assert.equal(probe.kinds(), "request");
    probe.respond();
    assert.equal(probe.kinds(), "request");
    assert.equal(probe.take(), "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  });

  test("what is sent ahead is bounded: then the driver is asked to stop reading", () => {
    const probe = new Probe().input(GET);
    assert.ok(probe.session.wantsInput);
    probe.input("x".repeat(READ_AHEAD_BYTES));
    assert.ok(!probe.session.wantsInput);
  });

  test("any number of requests in any pieces are answered alike", () => {
    const one = fc.constantFrom(
      [GET, ""],
      [`${POST}abc`, "abc"],
      [
        "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
        "abc",
      ],
      [`\r\n${GET}`, ""],
    );
    fc.assert(
      fc.property(
        fc.array(one, { minLength: 1, maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 }),
        (requests, sizes) => {
          const wire = requests.map(([bytes]) => bytes).join("");
          const probe = new Probe();
          const bodies: string[] = [];
          for (let at = 0, i = 0; at < wire.length; i++) {
            const size = sizes[i % sizes.length] ?? 1;
            probe.input(wire.slice(at, at + size));
            at += size;
            readAndRespond(probe, bodies);
          }
          assert.deepEqual(
            bodies,
            requests.map(([, want]) => want),
          );
          const answers = probe.sent.split("HTTP/1.1 200 OK").length - 1;
          assert.equal(answers, requests.length);
        },
      ),
      { seed: 6, numRuns: 200 },
    );
  });
});

describe("bodies", () => {
  test("nothing of a body is decoded before it is asked for", () => {
    const probe = new Probe().input(`${POST}abc`);
    assert.equal(probe.kinds(), "request");
    probe.readBody();
    assert.equal(probe.kinds(), "body");
    probe.readBody();
    assert.equal(probe.kinds(), "body-end");
  });

  test("a body that is not read stops the reading", () => {
    const probe = new Probe().input(POST.replace("3", "100000"));
    probe.input("x".repeat(READ_AHEAD_BYTES));
    assert.ok(!probe.session.wantsInput);
    probe.readBody();
    assert.equal(probe.kinds(), "request body");
    assert.ok(probe.session.wantsInput);
  });

  test("RFC 9110 §10.1.1: 100 is sent once, at the first read, and not when the body is there", () => {
    const expecting = POST.replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n");
    const probe = new Probe().input(expecting);
    assert.equal(probe.take(), "");
    assert.equal(probe.readBody().take(), "HTTP/1.1 100 Continue\r\n\r\n");
    assert.equal(probe.input("abc").readBody().take(), "");
    assert.equal(new Probe().input(`${expecting}abc`).readBody().take(), "");
  });

  test("an answer without reading an expected body closes the connection", () => {
    const expecting = POST.replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n");
    const probe = new Probe().input(expecting).respond(403);
    assert.match(probe.take(), /^HTTP\/1\.1 403 Forbidden\r\n.*connection: close\r\n/s);
    assert.equal(probe.kinds(), "request end");
  });

  test("a small rest of a body is read away; of a large or chunked one the connection closes", () => {
    const small = new Probe().input(POST).respond().input(`abc${GET}`);
    assert.equal(small.kinds(), "request request");
    for (const fields of ["Content-Length: 70000", "Transfer-Encoding: chunked"]) {
      const probe = new Probe().input(POST.replace("Content-Length: 3", fields)).respond();
      assert.match(probe.take(), /connection: close/);
      assert.equal(probe.kinds(), "request end");
    }
  });

  test("413: told by Content-Length before the application is asked, found out in chunks", () => {
    const told = new Probe({ bodyMaxBytes: 2 }).input(POST);
    assert.match(told.take(), /^HTTP\/1\.1 413 Content Too Large\r\n/);
    assert.equal(told.kinds(), "fault end");
    const found = new Probe({ bodyMaxBytes: 2 });
    found.input(POST.replace("Content-Length: 3", "Transfer-Encoding: chunked")).readBody();
    assert.equal(found.input("3\r\nabc\r\n").kinds(), "request fault body-abort end");
  });
});

describe("RFC 9112 §6.3: how an answer is framed", () => {
  const answer = (request: string, status: number, length?: number): string => {
    const probe = new Probe().input(request);
    probe.session.startResponse({ status, fields: [["etag", '"1"']] }, length);
    probe.session.writeBody(latin1Bytes("ab"));
    probe.session.endResponse(0);
    return probe
      .poll()
      .take()
      .replace('etag: "1"\r\n', "")
      .replace(/^HTTP\/1.1 .*\r\n/, "");
  };

  test("by its length, by chunks, or for HTTP/1.0 by the end of the connection", () => {
    assert.equal(answer(GET, 200, 2), "content-length: 2\r\n\r\nab");
    assert.equal(answer(GET, 200), "transfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n");
    const old = GET.replace("1.1", "1.0");
    assert.equal(answer(old, 200), "connection: close\r\n\r\nab");
    const keeping = old.replace("\r\n\r\n", "\r\nConnection: keep-alive\r\n\r\n");
    assert.equal(answer(keeping, 200, 2), "content-length: 2\r\nconnection: keep-alive\r\n\r\nab");
    assert.equal(answer(keeping, 200), "connection: close\r\n\r\nab");
  });

  test("204, 304 and the answer to HEAD have no body", () => {
    assert.equal(answer(GET, 204, 2), "\r\n");
    assert.equal(answer(GET, 304, 2), "\r\n");
    assert.equal(answer(GET.replace("GET", "HEAD"), 200, 2), "content-length: 2\r\n\r\n");
    assert.equal(answer(GET.replace("GET", "HEAD"), 200), "\r\n");
  });

  test("fields that frame the message are the session's, whatever the application says", () => {
    const probe = new Probe().input(GET);
    const fields = [
      ["Content-Length", "99"],
      ["Transfer-Encoding", "gzip"],
      ["Keep-Alive", "timeout=5"],
      ["Connection", "x"],
    ] as const;
    probe.session.respond({ status: 200, fields }, latin1Bytes("ab"), 0);
    assert.equal(probe.poll().take(), "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab");
  });

  test("Connection: close of the application closes", () => {
    const probe = new Probe().input(GET);
    probe.session.respond({ status: 200, fields: [["connection", "x, Close"]] }, EMPTY, 0);
    assert.match(probe.poll().take(), /\r\nconnection: close\r\n/);
    assert.equal(probe.kinds(), "request end");
  });

  test("RFC 9110 §7.8: Upgrade is named in Connection", () => {
    const probe = new Probe().input(GET);
    probe.session.respond({ status: 426, fields: [["upgrade", "websocket"]] }, EMPTY, 0);
    assert.match(probe.poll().take(), /\r\nupgrade: websocket\r\n.*connection: upgrade\r\n/s);
  });

  test("more or less than the promised length breaks the connection off", () => {
    for (const text of ["a", "abc"]) {
      const probe = new Probe().input(GET);
      probe.session.startResponse({ status: 200, fields: [] }, 2);
      probe.session.writeBody(latin1Bytes(text));
      probe.session.endResponse(0);
      assert.equal(probe.poll().kinds(), "request abort");
    }
  });

  test("common fields are added unless the answer has them", () => {
    const session = new HttpServerSession(
      {
        commonFields: () => [
          ["server", "x"],
          ["date", "d"],
        ],
      },
      0,
    );
    session.handleInput(latin1Bytes(GET), 0);
    session.respond({ status: 200, fields: [["Server", "mine"]] }, EMPTY, 0);
    const sent = latin1(session.pollTransmit() ?? EMPTY);
    assert.equal(sent, "HTTP/1.1 200 OK\r\nServer: mine\r\ndate: d\r\ncontent-length: 0\r\n\r\n");
  });
});

describe("takeOver", () => {
  test("the head is sent, and what came behind the request returned", () => {
    const probe = new Probe().input(`${GET}rest`);
    const rest = probe.session.takeOver({ status: 101, fields: [["upgrade", "x"]] });
    assert.equal(latin1(rest), "rest");
    assert.equal(probe.poll().take(), "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n");
    assert.equal(probe.session.nextTimeout(), NEVER);
  });
});

test("a head byte by byte costs as much work as its length: time does not grow with its square", () => {
  const run = (size: number): number => {
    const head = latin1Bytes(`GET / HTTP/1.1\r\nHost: h\r\nX: ${"a".repeat(size)}\r\n\r\n`);
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 12; round++) {
      const session = new HttpServerSession({}, 0);
      const from = performance.now();
      for (let at = 0; at < head.length; at++) session.handleInput(head.subarray(at, at + 1), 0);
      best = Math.min(best, performance.now() - from);
      assert.equal(session.pollEvent()?.kind, "request");
    }
    return best;
  };
  run(15_000);
  const short = run(1_500);
  const long = run(15_000);
  assert.ok(
    long < 50 * Math.max(short, 0.05),
    `${short} ms for 1,500 bytes, ${long} ms for 15,000`,
  );
});

test("whatever the bytes, whatever the pieces: nothing throws, and pieces change nothing", () => {
  const part = fc.constantFrom(
    GET,
    POST,
    "abc",
    "\r\n",
    "\r",
    "\n",
    "0\r\n\r\n",
    "3\r\nabc\r\n",
    "Host: h\r\n",
    "GET / HTTP/1.1\r\n",
    "Transfer-Encoding: chunked\r\n",
    "x",
  );
  const run = (bytes: Uint8Array, size: number): string => {
    const session = new HttpServerSession({}, 0);
    const said: string[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      session.handleInput(bytes.slice(at, at + size), 0);
      for (let event = session.pollEvent(); event; event = session.pollEvent()) {
        if (event.kind === "request" || event.kind === "body") session.readBody(0);
        if (event.kind === "body-end") session.respond({ status: 200, fields: [] }, EMPTY, 0);
        if (event.kind === "body") said.push(latin1(event.bytes));
        else said.push(event.kind === "fault" ? `${event.fault}` : `<${event.kind}>`);
      }
    }
    const sent: Uint8Array[] = [];
    for (let out = session.pollTransmit(); out; out = session.pollTransmit()) sent.push(out);
    return said.join("") + latin1(concat(sent));
  };
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 10 }),
      fc.integer({ min: 1, max: 9 }),
      (parts, size) => {
        const bytes = latin1Bytes(parts.join(""));
        assert.equal(run(bytes, size), run(bytes, Math.max(bytes.length, 1)));
      },
    ),
    { seed: 7, numRuns: 1000 },
  );
});
