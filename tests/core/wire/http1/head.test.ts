import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Fault } from "../../../../core/base/mod.ts";
import { latin1Bytes } from "../../../../core/bytes/mod.ts";
import * as http1 from "../../../../core/wire/http1/mod.ts";

const REQUEST = latin1Bytes(
  "POST /rtc/v1/whip/?app=live&stream=demo HTTP/1.1\r\n" +
    "Host: 192.0.2.1:8080\r\nContent-Type: application/sdp\r\nContent-Length: 12\r\n" +
    "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nExpect: 100-Continue\r\n\r\n",
);

function decode(bytes: Uint8Array): http1.RequestHead {
  const head = http1.decodeRequestHead(bytes);
  if (head instanceof Fault) throw new Error(`${head}`);
  return head;
}

test("RFC 9112 §3, §5: a request head decodes to its parts", () => {
  assert.deepEqual(decode(REQUEST), {
    method: "POST",
    form: "origin",
    authority: "192.0.2.1:8080",
    path: "/rtc/v1/whip/?app=live&stream=demo",
    minorVersion: 1,
    fields: [
      ["host", "192.0.2.1:8080"],
      ["content-type", "application/sdp"],
      ["content-length", "12"],
      ["connection", "keep-alive, Upgrade"],
      ["upgrade", "websocket"],
      ["expect", "100-Continue"],
    ],
    chunked: false,
    contentLength: 12,
    keepAlive: true,
    expectContinue: true,
    upgrade: ["websocket"],
  });
});

test("a CR or LF out of place is found before the head has ended", () => {
  const find = (text: string): unknown => http1.findHeadEnd(latin1Bytes(text), 0, 0, text.length);
  assert.equal(find("GET /\rx"), http1.BARE_CR);
  assert.equal(find("GET / HTTP/1.1\n"), http1.BARE_LF);
  assert.equal(find("GET / HTTP/1.1\r\n\n"), http1.BARE_LF);
});

describe("faults name the rule that was broken", () => {
  for (const [lines, fault] of [
    ["Host: h\r\n folded", http1.OBS_FOLD],
    ["Host: h\r\n\tfolded", http1.OBS_FOLD],
    ["Host : h", http1.BAD_FIELD_NAME],
    ["Host: h\x7f", http1.BAD_FIELD_VALUE],
    ["X: 1", http1.NO_HOST],
    ["Host: h\r\nHost: h", http1.SECOND_HOST],
    ["Host: h/", http1.BAD_HOST],
    ["Host: h\r\nContent-Length: 1\r\nContent-Length: 1", http1.SECOND_CONTENT_LENGTH],
    [
      "Host: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked",
      http1.TRANSFER_ENCODING_AND_LENGTH,
    ],
    ["Host: h\r\nTransfer-Encoding: gzip, chunked", http1.TRANSFER_CODING_UNKNOWN],
  ] as const) {
    test(`${fault.code}: ${JSON.stringify(lines)}`, () => {
      const bytes = latin1Bytes(`GET / HTTP/1.1\r\n${lines}\r\n\r\n`);
      assert.equal(http1.decodeRequestHead(bytes), fault);
    });
  }
});

describe("RFC 9112 §3.2: the four forms of a target", () => {
  for (const [line, form, authority, path] of [
    ["GET /a/b?c=d/e?f", "origin", "h", "/a/b?c=d/e?f"],
    ["GET //evil.example/x", "origin", "h", "//evil.example/x"],
    ["GET http://b.example", "absolute", "b.example", "/"],
    ["GET HTTPS://b.example:443/x?y", "absolute", "b.example:443", "/x?y"],
    ["GET http://[2001:db8::1]:80?y", "absolute", "[2001:db8::1]:80", "/?y"],
    ["CONNECT b.example:443", "authority", "b.example:443", ""],
    ["OPTIONS *", "asterisk", "h", "*"],
  ] as const) {
    test(line, () => {
      const head = decode(latin1Bytes(`${line} HTTP/1.1\r\nHost: h\r\n\r\n`));
      assert.deepEqual([head.form, head.authority, head.path], [form, authority, path]);
    });
  }
});

describe("RFC 9112 §9.3: whether the connection persists", () => {
  for (const [version, connection, keeps] of [
    ["1.1", "", true],
    ["1.1", "close", false],
    ["1.1", "Keep-Alive , CLOSE", false],
    ["1.1", "closed", true],
    ["1.0", "", false],
    ["1.0", "Keep-Alive", true],
    ["1.0", "keep-alive, close", false],
  ] as const) {
    test(`HTTP/${version}, Connection: ${connection}`, () => {
      const text = `GET / HTTP/${version}\r\nHost: h\r\nConnection: ${connection}\r\n\r\n`;
      assert.equal(decode(latin1Bytes(text)).keepAlive, keeps);
    });
  }

  test("Connection given twice counts as one list", () => {
    const text = "GET / HTTP/1.1\r\nHost: h\r\nConnection: x\r\nConnection: close\r\n\r\n";
    assert.equal(decode(latin1Bytes(text)).keepAlive, false);
  });

  test("RFC 9110 §7.8: Upgrade counts only when Connection names it, and not in HTTP/1.0", () => {
    for (const [version, connection] of [
      ["1.1", "keep-alive"],
      ["1.0", "upgrade"],
    ] as const) {
      const fields = `Host: h\r\nUpgrade: websocket\r\nConnection: ${connection}\r\n\r\n`;
      assert.deepEqual(decode(latin1Bytes(`GET / HTTP/${version}\r\n${fields}`)).upgrade, []);
    }
  });
});

describe("RFC 3986 §3.2.2: authorities", () => {
  const good =
    "a localhost a.b.example. a_b-c.example 127.0.0.1 127.0.0.1:0 a:65535 a: 1a [::] [::1] [1:2:3:4:5:6:7:8] [::ffff:192.0.2.1]:8 [1::8] xn--bcher-kva.example";
  const bad = [
    ..."a..b .a - 1.2.3 1.2.3.4.5 01.2.3.4 1 0x1 1.2.3.4. a:b a:70000 a:+1 :80 [] [:] [:::] [1::2::3] [::1]x [::g] [1:2:3:4:5:6:7:8:9] [::192.0.2.256] [v1.a] a/ a\\ é".split(
      " ",
    ),
    `${"a.".repeat(128)}`,
    "",
  ].filter((authority) => authority !== "-");
  for (const authority of good.split(" ")) {
    test(`${authority} is one`, () => {
      assert.ok(http1.isAuthority(authority));
      new URL(`http://${authority}/`);
    });
  }
  for (const authority of bad) {
    test(`${authority.slice(0, 40)} is none`, () => assert.ok(!http1.isAuthority(authority)));
  }
});

test("a head that is cut anywhere, or one byte too long, is a fault or not ended", () => {
  for (let size = 0; size < REQUEST.length; size++) {
    const cut = REQUEST.subarray(0, size);
    assert.ok(http1.decodeRequestHead(cut) instanceof Fault, `${size}`);
    assert.equal(http1.findHeadEnd(cut, 0, 0, size), -1);
  }
  assert.equal(http1.findHeadEnd(REQUEST, 0, 0, REQUEST.length), REQUEST.length);
  assert.ok(http1.decodeRequestHead(Uint8Array.of(...REQUEST, 0x0a)) instanceof Fault);
});

test("every bit flipped: a fault, or a head whose fields still hold only what may be in fields", () => {
  for (let bit = 0; bit < REQUEST.length * 8; bit++) {
    const flipped = REQUEST.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    const head = http1.decodeRequestHead(flipped);
    if (head instanceof Fault) continue;
    // Bit 5 is the case of a letter, which names ignore.
    if ((bit & 7) !== 5) assert.notDeepEqual(head, decode(REQUEST), `bit ${bit} has no meaning`);
    for (const [name, value] of head.fields) {
      assert.match(name, /^[!-~]+$/);
      assert.match(value, /^[\t -~\x80-\xff]*$/);
    }
    new URL(`http://${head.authority}${head.path}`);
  }
});

test("whatever the bytes: decoding throws nothing, and a head found in pieces is found at once", () => {
  const piece = fc.constantFrom(
    "\r\n",
    "\r\n\r\n",
    "\r",
    "\n",
    "GET / HTTP/1.1",
    "Host: a",
    ": ",
    "\0",
    " ",
  );
  fc.assert(
    fc.property(
      fc.array(fc.oneof(piece, fc.string({ maxLength: 8 })), { maxLength: 12 }),
      (parts) => {
        const bytes = latin1Bytes(parts.join(""));
        http1.decodeRequestHead(bytes);
        const whole = http1.findHeadEnd(bytes, 0, 0, bytes.length);
        let pieces: number | Fault = -1;
        for (let to = 1; to <= bytes.length && pieces === -1; to++) {
          pieces = http1.findHeadEnd(bytes, 0, to - 1, to);
        }
        assert.equal(pieces, whole);
      },
    ),
    { seed: 2, numRuns: 1000 },
  );
});

test("what we would write as a request decodes to what was meant", () => {
  const token = fc.stringMatching(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,12}$/);
  const value = fc.stringMatching(/^[!-~\x80-\xff]([\t -~\x80-\xff]{0,20}[!-~\x80-\xff])?$/);
  const special = /^(host|content-length|transfer-encoding|connection|upgrade|expect)$/i;
  const field = fc.tuple(
    token.filter((name) => !special.test(name)),
    value,
  );
  fc.assert(
    fc.property(
      token,
      fc.stringMatching(/^\/[!"$-~]{0,30}$/),
      fc.array(field, { maxLength: 8 }),
      (method, path, fields) => {
        if (method === "CONNECT" || /^[^?]*\\/.test(path)) return;
        const lines = fields.map(([name, text]) => `${name}: ${text}\r\n`).join("");
        const head = decode(latin1Bytes(`${method} ${path} HTTP/1.1\r\nHost: h\r\n${lines}\r\n`));
        assert.equal(head.method, method);
        assert.equal(head.path, path);
        assert.deepEqual(
          head.fields.slice(1),
          fields.map(([name, text]) => [name.toLowerCase(), text]),
        );
      },
    ),
    { seed: 3, numRuns: 300 },
  );
});
