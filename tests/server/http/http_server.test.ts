import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Client, type Server, sleep, startServer } from "./fixture.ts";

const GET_JSON = "GET /json HTTP/1.1\r\nHost: x\r\n\r\n";

let server: Server;
before(async () => {
  server = await startServer();
});
after(() => server.close());

/** Runs `use` with a fresh connection, and with no error of the application's left behind. */
async function withClient(use: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client(server.port);
  try {
    await use(client);
  } finally {
    client.destroy();
  }
}

describe("RFC 9112: requests", () => {
  test("§9.3: a connection stays open for the next request", () =>
    withClient(async (client) => {
      for (let i = 0; i < 3; i++) {
        client.write(GET_JSON);
        const answer = await client.answer();
        assert.equal(answer.status, 200);
        assert.equal(answer.body.toString(), '{"ok":true,"n":42}');
        assert.equal(answer.fields["content-length"], "18");
        assert.equal(answer.fields["connection"], undefined);
        assert.equal(answer.fields["server"], "Monoport/test");
        assert.match(answer.fields["date"] ?? "", /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/);
      }
    }));

  test("a head that comes byte by byte is answered", () =>
    withClient(async (client) => {
      for (const char of GET_JSON) {
        client.write(char);
        await sleep(1);
      }
      assert.equal((await client.answer()).status, 200);
    }));

  test("§7.1: a chunked upload of 1 MB in random pieces, with a trailer, comes whole", () =>
    withClient(async (client) => {
      let sum = 0;
      let total = 0;
      client.write("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
      for (let size = 1; total < 1e6; size = (size * 7919) % 30011) {
        const bytes = Buffer.from(Array.from({ length: size }, (_, i) => (i * 31 + total) & 0xff));
        for (const byte of bytes) sum = (sum + byte) & 0xffff;
        total += size;
        client.write(`${size.toString(16)}\r\n`);
        client.write(bytes);
        client.write("\r\n");
        if (size % 3 === 0) await sleep(1);
      }
      client.write("0\r\nX-Trailer: 1\r\n\r\n");
      assert.deepEqual(JSON.parse((await client.answer()).body.toString()), { len: total, sum });
      client.write(GET_JSON);
      assert.equal((await client.answer()).status, 200);
    }));

  test("§6.2: an upload with Content-Length in pieces comes whole", () =>
    withClient(async (client) => {
      client.write("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 300\r\n\r\n");
      for (let i = 0; i < 30; i++) {
        client.write(Buffer.alloc(10, 1));
        await sleep(1);
      }
      assert.deepEqual(JSON.parse((await client.answer()).body.toString()), { len: 300, sum: 300 });
    }));

  test("§9.3.2: 20 pipelined requests, bodies among them, are answered in order", () =>
    withClient(async (client) => {
      let pipeline = "";
      for (let i = 0; i < 20; i++) {
        pipeline +=
          i % 4 === 3
            ? "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
            : `GET /url?${i} HTTP/1.1\r\nHost: x\r\n\r\n`;
      }
      client.write(pipeline);
      for (let i = 0; i < 20; i++) {
        const body = JSON.parse((await client.answer()).body.toString());
        if (i % 4 === 3) assert.equal(body.len, 3);
        else assert.equal(body.url, `http://x/url?${i}`);
      }
    }));

  test("§3.2.2: a target in absolute form overrides Host", () =>
    withClient(async (client) => {
      client.write("GET http://b.example:81/url?q HTTP/1.1\r\nHost: a.example\r\n\r\n");
      const body = JSON.parse((await client.answer()).body.toString());
      assert.deepEqual(body, { url: "http://b.example:81/url?q", remote: "127.0.0.1" });
    }));

  test("§3.2.4: OPTIONS * is answered without the application", () =>
    withClient(async (client) => {
      client.write("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n");
      assert.equal((await client.answer()).status, 204);
    }));

  test("RFC 9110 §9.1: CONNECT, TRACE and small letters are answered 501", async () => {
    for (const line of ["CONNECT a:80", "TRACE /json", "get /json"]) {
      await withClient(async (client) => {
        client.write(`${line} HTTP/1.1\r\nHost: x\r\n\r\n`);
        assert.equal((await client.answer()).status, 501);
      });
    }
  });

  test("a Host that no URL can be made of is answered 400", () =>
    withClient(async (client) => {
      client.write("GET /json HTTP/1.1\r\nHost: xn--a\r\n\r\n");
      const { status } = await client.answer();
      assert.ok(status === 400 || status === 200, `${status}`);
    }));

  test("HTTP/1.0: the answer ends the connection, unless keep-alive was asked for", () =>
    withClient(async (client) => {
      client.write("GET /json HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
      assert.equal((await client.answer()).fields["connection"], "keep-alive");
      client.write("GET /json HTTP/1.0\r\n\r\n");
      assert.equal((await client.answer()).fields["connection"], "close");
      await client.until(() => client.ended);
    }));

  test("HTTP/1.0: a body of unknown length is ended by the end of the connection", () =>
    withClient(async (client) => {
      client.write("GET /slow HTTP/1.0\r\n\r\n");
      const answer = await client.answer();
      assert.equal(answer.fields["transfer-encoding"], undefined);
      assert.equal(answer.body.toString(), "c0c1c2");
    }));

  test("§9.6: Connection: close is obeyed", () =>
    withClient(async (client) => {
      client.write("GET /json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      assert.equal((await client.answer()).fields["connection"], "close");
      await client.until(() => client.ended);
    }));

  test("a client that has sent FIN is still answered", () =>
    withClient(async (client) => {
      client.socket.end("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
      assert.equal((await client.answer()).body.toString(), "c0c1c2");
      await client.until(() => client.closed);
    }));

  test("a byte of RTMP goes another way", () =>
    withClient(async (client) => {
      client.write(Uint8Array.of(3, 9, 9, 9, 9, 9, 9));
      await client.until(() => client.received.length >= 7);
      assert.equal(client.received[0], 3);
    }));
});

test("a request through TLS has an https URL; a PROXY header's client is the remote", async () => {
  const remote = { host: "192.0.2.1", port: 1 };
  const secure = await startServer({}, { secure: true, remote });
  const client = new Client(secure.port);
  client.write("GET /url HTTP/1.1\r\nHost: x:8443\r\n\r\nGET /url HTTP/1.0\r\n\r\n");
  const [first, second] = [await client.answer(), await client.answer()];
  assert.deepEqual(JSON.parse(first.body.toString()), {
    url: "https://x:8443/url",
    remote: "192.0.2.1",
  });
  // Without Host: the address that the client came to.
  assert.equal(JSON.parse(second.body.toString()).url, `https://127.0.0.1:${secure.port}/url`);
  client.destroy();
  await secure.close();
});

describe("RFC 9110 §10.1.1: Expect: 100-continue", () => {
  test("100 is sent when the application reads the body", () =>
    withClient(async (client) => {
      client.write(
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
      );
      assert.equal((await client.answer()).status, 100);
      client.write("hello");
      assert.equal(JSON.parse((await client.answer()).body.toString()).len, 5);
      client.write(GET_JSON);
      assert.equal((await client.answer()).status, 200);
    }));

  test("a refusal comes without 100, and the connection closes", () =>
    withClient(async (client) => {
      client.write(
        "POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
      );
      const answer = await client.answer();
      assert.equal(answer.status, 403);
      assert.equal(answer.fields["connection"], "close");
      await client.until(() => client.ended);
    }));
});

describe("RFC 9112: answers", () => {
  test("chunks are sent when the application has them", () =>
    withClient(async (client) => {
      client.write("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
      const at: number[] = [];
      await client.until(() => {
        const text = client.received.toString("latin1");
        for (let i = 0; i < 3; i++) {
          if (at[i] === undefined && text.includes(`c${i}`)) at[i] = performance.now();
        }
        return at.length === 3;
      });
      assert.ok(at[2]! - at[0]! > 30, `${at}`);
      assert.equal((await client.answer()).body.toString(), "c0c1c2");
    }));

  test("RFC 9110 §9.3.2: HEAD has no body", () =>
    withClient(async (client) => {
      client.write("HEAD /json HTTP/1.1\r\nHost: x\r\n\r\n");
      assert.equal((await client.answer({ head: true })).status, 200);
      client.write(GET_JSON);
      assert.equal((await client.answer()).status, 200);
    }));

  test("RFC 6265 §3: several Set-Cookie stay several; §6.3: 204 and 304 have no body", () =>
    withClient(async (client) => {
      client.write(
        "GET /cookies HTTP/1.1\r\nHost: x\r\n\r\nGET /not-modified HTTP/1.1\r\nHost: x\r\n\r\n",
      );
      const answer = await client.answer();
      assert.equal(answer.status, 204);
      assert.equal(answer.lines.filter((line) => /^set-cookie/i.test(line)).length, 2);
      assert.equal(answer.fields["content-length"], undefined);
      assert.equal((await client.answer()).fields["etag"], '"1"');
      client.write("GET /empty HTTP/1.1\r\nHost: x\r\n\r\n");
      assert.equal((await client.answer()).fields["content-length"], "0");
    }));

  test("a length that the application tells is kept, and the connection goes on", () =>
    withClient(async (client) => {
      client.write("GET /known HTTP/1.1\r\nHost: x\r\n\r\n");
      const answer = await client.answer();
      assert.equal(answer.fields["content-length"], "6");
      assert.equal(answer.fields["transfer-encoding"], undefined);
      client.write(GET_JSON);
      assert.equal((await client.answer()).status, 200);
    }));

  test("§6.3: a body that breaks off, is too short or too long is not taken for whole", async () => {
    for (const path of ["/broken", "/short", "/long"]) {
      await withClient(async (client) => {
        client.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
        await client.until(() => client.ended);
        const text = client.received.toString("latin1");
        assert.match(text, /^HTTP\/1\.1 200/);
        assert.ok(!text.endsWith("0\r\n\r\n"), path);
      });
    }
  });

  test("8 MB in one chunk come whole", () =>
    withClient(async (client) => {
      client.write("GET /huge HTTP/1.1\r\nHost: x\r\n\r\n");
      assert.equal((await client.answer({ millis: 10_000 })).body.length, 8 * 1024 * 1024);
    }));

  test("what the application throws is answered 500 and reported", () =>
    withClient(async (client) => {
      client.write("GET /throw HTTP/1.1\r\nHost: x\r\n\r\n");
      assert.equal((await client.answer()).status, 500);
      assert.match(`${server.seen.errors.at(-1)}`, /planted/);
      client.write(GET_JSON);
      assert.equal((await client.answer()).status, 200);
    }));
});

describe("answers that cannot be sent", () => {
  for (const path of ["/error-response", "/locked", "/bad-chunk"]) {
    test(`${path} is answered 500 and reported`, () =>
      withClient(async (client) => {
        const { length } = server.seen.errors;
        client.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n${GET_JSON}`);
        assert.equal((await client.answer()).status, 500);
        assert.equal((await client.answer()).status, 200);
        assert.equal(server.seen.errors.length, length + 1);
      }));
  }

  test("a route that throws when it takes the connection over ends it", () =>
    withClient(async (client) => {
      const { length } = server.seen.errors;
      client.write("GET /take-throw HTTP/1.1\r\nHost: x\r\n\r\n");
      await client.until(() => client.ended);
      assert.equal(server.seen.errors.length, length + 1);
    }));
});

describe("takeOver", () => {
  test("of a request with a body is refused: the body would be taken for the next protocol", () =>
    withClient(async (client) => {
      client.write("GET /take HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody");
      assert.equal((await client.answer()).status, 400);
      assert.ok(!client.received.includes("rest="));
    }));

  test("a route owns the connection, with the bytes behind the request", () =>
    withClient(async (client) => {
      client.write("GET /take HTTP/1.1\r\nHost: x\r\n\r\nmore");
      await client.until(() => client.received.includes("rest=more;"));
      const text = client.received.toString("latin1");
      assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
      assert.match(text, /content-type: video\/x-flv\r\n/);
      assert.match(text, /\r\n\r\nrest=more;$/);
      client.write("ping");
      await client.until(() => client.received.toString("latin1").endsWith("ping"));
      assert.equal(server.http.connections, 0);
    }));

  test("HEAD of such a route is a HEAD", () =>
    withClient(async (client) => {
      client.write(`HEAD /take HTTP/1.1\r\nHost: x\r\n\r\n${GET_JSON}`);
      assert.equal((await client.answer({ head: true })).fields["content-type"], "video/x-flv");
      assert.equal((await client.answer()).status, 200);
    }));
});
