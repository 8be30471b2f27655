import assert from "node:assert/strict";
import { test } from "node:test";
import { httpDate, type Selection, select } from "../../../server/vod/mod.ts";

const MODIFIED = Date.UTC(1994, 10, 15, 12, 45, 26) + 123;
const DATE = "Tue, 15 Nov 1994 12:45:26 GMT"; // RFC 9110 §8.8.2
const BEFORE = "Tue, 15 Nov 1994 12:45:25 GMT";
const AFTER = "Tue, 15 Nov 1994 12:45:27 GMT";
const ETAG = '"xyzzy"';

function ask(fields: Record<string, string>, { size = 10_000, method = "GET" } = {}): Selection {
  return select(method, new Headers(fields), size, { etag: ETAG, modified: MODIFIED });
}

const bytes = (first: number, last: number): Selection => ({ status: 206, first, last });
const WHOLE: Selection = { status: 200 };

test("Last-Modified is an IMF-fixdate", () => {
  assert.equal(httpDate(MODIFIED), DATE);
});

test("byte ranges select as RFC 9110 §14.1.2 says", () => {
  const range = (value: string, size?: number): Selection =>
    ask({ range: value }, size === undefined ? {} : { size });
  assert.deepEqual(range("bytes=0-499"), bytes(0, 499));
  assert.deepEqual(range("bytes=500-999"), bytes(500, 999));
  assert.deepEqual(range("bytes=-500"), bytes(9500, 9999));
  assert.deepEqual(range("bytes=9500-"), bytes(9500, 9999));
  assert.deepEqual(range("Bytes=0-"), bytes(0, 9999));
  assert.deepEqual(range("bytes=9999-20000"), bytes(9999, 9999));
  assert.deepEqual(range("bytes=-20000"), bytes(0, 9999));
  assert.deepEqual(range("bytes= 1-2 "), bytes(1, 2));
  for (const beyond of ["bytes=10000-", "bytes=10000-10001", "bytes=-0"])
    assert.deepEqual(range(beyond), { status: 416 }, beyond);
  for (const none of ["bytes=0-", "bytes=-1"])
    assert.deepEqual(range(none, 0), { status: 416 }, none);
});

test("what is no single range of bytes is as if it were not there", () => {
  for (const other of [
    "bytes=0-0,-1",
    "bytes=500-600,601-999",
    "bytes=2-1",
    "bytes=-",
    "bytes=",
    "bytes",
    "bytes=a-b",
    "bytes=--1",
    "bytes=0x1-",
    "items=0-1",
    `bytes=0-${"9".repeat(400)}`,
    "",
  ])
    assert.deepEqual(ask({ range: other }), WHOLE, other);
  assert.deepEqual(ask({ range: "bytes=0-1" }, { method: "HEAD" }), WHOLE);
});

test("If-Range lets a range pass for the very tag or the very date alone", () => {
  const range = "bytes=0-1";
  for (const same of [ETAG, DATE]) assert.deepEqual(ask({ range, "if-range": same }), bytes(0, 1));
  for (const other of [`W/${ETAG}`, '"other"', BEFORE, AFTER, "*", ""])
    assert.deepEqual(ask({ range, "if-range": other }), WHOLE, other);
  assert.deepEqual(ask({ range: "bytes=10000-", "if-range": '"other"' }), WHOLE, "no 416");
});

test("preconditions are asked in the order of RFC 9110 §13.2.2", () => {
  const range = "bytes=0-1";
  const cases: [Record<string, string>, Selection][] = [
    [{ "if-match": ETAG }, WHOLE],
    [{ "if-match": `"a", ${ETAG}` }, WHOLE],
    [{ "if-match": "*" }, WHOLE],
    [{ "if-match": `W/${ETAG}` }, { status: 412 }],
    [{ "if-match": '"a"', range }, { status: 412 }],
    [{ "if-match": ETAG, "if-unmodified-since": BEFORE }, WHOLE],
    [{ "if-unmodified-since": BEFORE }, { status: 412 }],
    [{ "if-unmodified-since": DATE }, WHOLE],
    [{ "if-unmodified-since": "yesterday" }, WHOLE],
    [{ "if-none-match": `W/${ETAG}` }, { status: 304 }],
    [{ "if-none-match": "*" }, { status: 304 }],
    [{ "if-none-match": '"a"', "if-modified-since": AFTER }, WHOLE],
    [{ "if-none-match": ETAG, range }, { status: 304 }],
    [{ "if-modified-since": DATE }, { status: 304 }],
    [{ "if-modified-since": AFTER }, { status: 304 }],
    [{ "if-modified-since": BEFORE }, WHOLE],
    [{ "if-modified-since": "nonsense" }, WHOLE],
    [{ "if-match": '"a"', "if-none-match": ETAG }, { status: 412 }],
  ];
  for (const [fields, wanted] of cases)
    assert.deepEqual(ask(fields), wanted, JSON.stringify(fields));
});
