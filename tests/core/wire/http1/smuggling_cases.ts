/**
 * Requests that two readers could understand in two ways, and what a strict one answers. Written by
 * hand after RFC 9112 §11.2 and the advisories of servers and proxies.
 */

export interface Case {
  readonly name: string;
  /** Latin-1. */
  readonly bytes: string;
  /** The status of the refusal; 200: taken, with `body`. */
  readonly status: number;
  readonly body?: string;
}

const get = (fields: string, line = "GET / HTTP/1.1"): string => `${line}\r\n${fields}\r\n\r\n`;
const post = (fields: string, body = ""): string =>
  `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n${body}`;
const chunked = (body: string): string => post("Transfer-Encoding: chunked", body);

export const SMUGGLING_CASES: readonly Case[] = [
  // Taken: what a strict reader must still read.
  { name: "plain GET", bytes: get("Host: a"), status: 200, body: "" },
  { name: "empty line before the request", bytes: `\r\n${get("Host: a")}`, status: 200, body: "" },
  { name: "Content-Length", bytes: post("Content-Length: 3", "abc"), status: 200, body: "abc" },
  {
    name: "Content-Length with leading zeros",
    bytes: post("Content-Length: 0003", "abc"),
    status: 200,
    body: "abc",
  },
  { name: "chunked", bytes: chunked("3\r\nabc\r\n0\r\n\r\n"), status: 200, body: "abc" },
  {
    name: "chunked in capitals",
    bytes: post("TRANSFER-ENCODING: ChUnKeD", "3\r\nabc\r\n0\r\n\r\n"),
    status: 200,
    body: "abc",
  },
  {
    name: "chunk size with leading zeros",
    bytes: chunked("0003\r\nabc\r\n000\r\n\r\n"),
    status: 200,
    body: "abc",
  },
  {
    name: "chunk extension",
    bytes: chunked('3;n=v;m="a b"\r\nabc\r\n0;last\r\n\r\n'),
    status: 200,
    body: "abc",
  },
  {
    name: "white space before a chunk extension",
    bytes: chunked("3 ;n\r\nabc\r\n0\r\n\r\n"),
    status: 200,
    body: "abc",
  },
  {
    name: "trailer fields",
    bytes: chunked("1\r\na\r\n0\r\nX: 1\r\nHost: b\r\n\r\n"),
    status: 200,
    body: "a",
  },
  { name: "SP and HTAB around a value", bytes: get("Host:\t a \t"), status: 200, body: "" },
  { name: "empty value", bytes: get("Host: a\r\nX:"), status: 200, body: "" },
  { name: "obs-text in a value", bytes: get("Host: a\r\nX: \xe4\xff"), status: 200, body: "" },
  {
    name: "absolute form, whose authority wins",
    bytes: get("Host: a", "GET http://b/ HTTP/1.1"),
    status: 200,
    body: "",
  },
  {
    name: "OPTIONS in asterisk form",
    bytes: get("Host: a", "OPTIONS * HTTP/1.1"),
    status: 200,
    body: "",
  },
  { name: "HTTP/1.0 without Host", bytes: get("X: 1", "GET / HTTP/1.0"), status: 200, body: "" },

  // Two lengths.
  {
    name: "CL.TE",
    bytes: post("Content-Length: 6\r\nTransfer-Encoding: chunked", "0\r\n\r\nG"),
    status: 400,
  },
  {
    name: "TE.CL",
    bytes: post("Transfer-Encoding: chunked\r\nContent-Length: 6", "0\r\n\r\nG"),
    status: 400,
  },
  {
    name: "CL 0 with TE",
    bytes: post("Content-Length: 0\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
    status: 400,
  },
  {
    name: "TE identity with CL",
    bytes: post("Content-Length: 3\r\nTransfer-Encoding: identity", "abc"),
    status: 400,
  },
  {
    name: "two unequal CL",
    bytes: post("Content-Length: 3\r\nContent-Length: 4", "abcd"),
    status: 400,
  },
  {
    name: "two equal CL",
    bytes: post("Content-Length: 3\r\nContent-Length: 3", "abc"),
    status: 400,
  },
  { name: "CL list of unequal values", bytes: post("Content-Length: 3, 4", "abcd"), status: 400 },
  { name: "CL list of equal values", bytes: post("Content-Length: 3, 3", "abc"), status: 400 },
  { name: "CL with plus", bytes: post("Content-Length: +3", "abc"), status: 400 },
  { name: "CL with minus", bytes: post("Content-Length: -3", "abc"), status: 400 },
  { name: "CL in hexadecimal", bytes: post("Content-Length: 0x3", "abc"), status: 400 },
  { name: "CL with a fraction", bytes: post("Content-Length: 3.0", "abc"), status: 400 },
  { name: "CL with an exponent", bytes: post("Content-Length: 3e0", "abc"), status: 400 },
  { name: "CL with a space inside", bytes: post("Content-Length: 1 3", "abc"), status: 400 },
  { name: "CL empty", bytes: post("Content-Length:", "abc"), status: 400 },
  {
    name: "CL above 2^53",
    bytes: post("Content-Length: 18446744073709551619", "abc"),
    status: 400,
  },
  { name: "CL with a vertical tab", bytes: post("Content-Length: \x0b3", "abc"), status: 400 },
  { name: "CL with a no-break space", bytes: post("Content-Length: \xa03", "abc"), status: 400 },

  // Transfer-Encoding in disguise.
  {
    name: "two TE",
    bytes: post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
    status: 400,
  },
  {
    name: "TE chunked, then identity",
    bytes: post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "0\r\n\r\n"),
    status: 400,
  },
  {
    name: "TE chunked twice in a list",
    bytes: post("Transfer-Encoding: chunked, chunked", "0\r\n\r\n"),
    status: 400,
  },
  {
    name: "TE chunked not last",
    bytes: post("Transfer-Encoding: chunked, gzip", "0\r\n\r\n"),
    status: 400,
  },
  {
    name: "TE gzip, chunked",
    bytes: post("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"),
    status: 501,
  },
  {
    name: "TE empty member, chunked",
    bytes: post("Transfer-Encoding: , chunked", "0\r\n\r\n"),
    status: 501,
  },
  { name: "TE xchunked", bytes: post("Transfer-Encoding: xchunked", "0\r\n\r\n"), status: 400 },
  { name: "TE in quotes", bytes: post('Transfer-Encoding: "chunked"', "0\r\n\r\n"), status: 400 },
  {
    name: "TE with a parameter",
    bytes: post("Transfer-Encoding: chunked;q=1", "0\r\n\r\n"),
    status: 400,
  },
  { name: "TE empty", bytes: post("Transfer-Encoding:", "0\r\n\r\n"), status: 400 },
  {
    name: "TE behind a vertical tab",
    bytes: post("Transfer-Encoding: \x0bchunked", "0\r\n\r\n"),
    status: 400,
  },
  {
    name: "TE behind a form feed",
    bytes: post("Transfer-Encoding: \x0cchunked", "0\r\n\r\n"),
    status: 400,
  },
  {
    name: "TE before a NUL",
    bytes: post("Transfer-Encoding: chunked\0", "0\r\n\r\n"),
    status: 400,
  },
  {
    name: "TE before a no-break space",
    bytes: post("Transfer-Encoding: chunked\xa0", "0\r\n\r\n"),
    status: 400,
  },
  {
    name: "TE on HTTP/1.0",
    bytes: "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    status: 400,
  },
  {
    name: "space before the colon of TE",
    bytes: post("Transfer-Encoding : chunked", "0\r\n\r\n"),
    status: 400,
  },
  {
    name: "tab before the colon of TE",
    bytes: post("Transfer-Encoding\t: chunked", "0\r\n\r\n"),
    status: 400,
  },
  {
    name: "NUL in the name TE",
    bytes: post("Transfer-\0Encoding: chunked", "0\r\n\r\n"),
    status: 400,
  },
  { name: "TE folded", bytes: post("Transfer-Encoding:\r\n chunked", "0\r\n\r\n"), status: 400 },
  {
    name: "value on the next line, with a tab",
    bytes: post("Transfer-Encoding:\r\n\tchunked", "0\r\n\r\n"),
    status: 400,
  },

  // Lines.
  { name: "obs-fold", bytes: get("Host: a\r\nX: 1\r\n 2"), status: 400 },
  {
    name: "white space before the first field",
    bytes: "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
    status: 400,
  },
  { name: "LF alone ends the request line", bytes: "GET / HTTP/1.1\nHost: a\r\n\r\n", status: 400 },
  { name: "LF alone ends a field", bytes: "GET / HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n", status: 400 },
  { name: "LF alone ends the head", bytes: "GET / HTTP/1.1\r\nHost: a\r\n\n", status: 400 },
  { name: "LF CR instead of CR LF", bytes: "GET / HTTP/1.1\n\rHost: a\n\r\n\r", status: 400 },
  { name: "CR in a value", bytes: get("Host: a\r\nX: 1\rTransfer-Encoding: chunked"), status: 400 },
  { name: "CR in the request line", bytes: get("Host: a", "GET /\rx HTTP/1.1"), status: 400 },
  { name: "CR CR LF", bytes: "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", status: 400 },
  { name: "two empty lines before the request", bytes: `\r\n\r\n${get("Host: a")}`, status: 400 },
  { name: "LF before the request", bytes: `\n${get("Host: a")}`, status: 400 },
  { name: "no colon", bytes: get("Host: a\r\nX"), status: 400 },
  { name: "empty name", bytes: get("Host: a\r\n: 1"), status: 400 },
  { name: "control character in a value", bytes: get("Host: a\r\nX: \x01"), status: 400 },
  { name: "DEL in a value", bytes: get("Host: a\r\nX: \x7f"), status: 400 },
  { name: "obs-text in a name", bytes: get("Host: a\r\nX\xe4: 1"), status: 400 },
  { name: "parenthesis in a name", bytes: get("Host: a\r\nX(): 1"), status: 400 },

  // The request line.
  { name: "space before the method", bytes: ` ${get("Host: a")}`, status: 400 },
  { name: "method that is no token", bytes: get("Host: a", "G(T / HTTP/1.1"), status: 400 },
  { name: "two spaces behind the method", bytes: get("Host: a", "GET  / HTTP/1.1"), status: 400 },
  { name: "tab behind the method", bytes: get("Host: a", "GET\t/ HTTP/1.1"), status: 400 },
  { name: "two spaces before the version", bytes: get("Host: a", "GET /  HTTP/1.1"), status: 400 },
  { name: "space behind the version", bytes: get("Host: a", "GET / HTTP/1.1 "), status: 400 },
  { name: "space in the target", bytes: get("Host: a", "GET /a b HTTP/1.1"), status: 400 },
  { name: "obs-text in the target", bytes: get("Host: a", "GET /\xe4 HTTP/1.1"), status: 400 },
  { name: "fragment in the target", bytes: get("Host: a", "GET /#x HTTP/1.1"), status: 400 },
  { name: "backslash in the path", bytes: get("Host: a", "GET /a\\..\\b HTTP/1.1"), status: 400 },
  { name: "relative target", bytes: get("Host: a", "GET x HTTP/1.1"), status: 400 },
  { name: "HTTP/0.9", bytes: "GET /\r\n\r\n", status: 400 },
  { name: "version in small letters", bytes: get("Host: a", "GET / http/1.1"), status: 400 },
  { name: "version with two digits", bytes: get("Host: a", "GET / HTTP/1.10"), status: 400 },
  { name: "version with a leading zero", bytes: get("Host: a", "GET / HTTP/01.1"), status: 400 },
  { name: "HTTP/2.0", bytes: get("Host: a", "GET / HTTP/2.0"), status: 505 },
  { name: "HTTP/1.2", bytes: get("Host: a", "GET / HTTP/1.2"), status: 505 },
  { name: "asterisk form with GET", bytes: get("Host: a", "GET * HTTP/1.1"), status: 400 },
  { name: "CONNECT with a path", bytes: get("Host: a", "CONNECT / HTTP/1.1"), status: 400 },
  { name: "authority form with GET", bytes: get("Host: a", "GET a:80 HTTP/1.1"), status: 400 },
  {
    name: "absolute form of another scheme",
    bytes: get("Host: a", "GET ftp://a/ HTTP/1.1"),
    status: 400,
  },
  {
    name: "user information in the target",
    bytes: get("Host: a", "GET http://a@b/ HTTP/1.1"),
    status: 400,
  },
  {
    name: "absolute form without a host",
    bytes: get("Host: a", "GET http:///x HTTP/1.1"),
    status: 400,
  },

  // Host.
  { name: "no Host", bytes: get("X: 1"), status: 400 },
  {
    name: "no Host with an absolute target",
    bytes: get("X: 1", "GET http://a/ HTTP/1.1"),
    status: 400,
  },
  { name: "two Host", bytes: get("Host: a\r\nHost: b"), status: 400 },
  { name: "two equal Host", bytes: get("Host: a\r\nHost: a"), status: 400 },
  { name: "two Host on HTTP/1.0", bytes: get("Host: a\r\nHost: a", "GET / HTTP/1.0"), status: 400 },
  { name: "empty Host", bytes: get("Host:"), status: 400 },
  { name: "Host with a path", bytes: get("Host: a/b"), status: 400 },
  { name: "Host with user information", bytes: get("Host: a@b"), status: 400 },
  { name: "Host list", bytes: get("Host: a, b"), status: 400 },
  { name: "Host with a space", bytes: get("Host: a b"), status: 400 },
  { name: "Host with a query", bytes: get("Host: a?b"), status: 400 },
  { name: "Host with a bad port", bytes: get("Host: a:65536"), status: 400 },
  { name: "Host with two ports", bytes: get("Host: a:1:2"), status: 400 },
  { name: "Host with a percent sign", bytes: get("Host: a%2f"), status: 400 },
  { name: "Host that is no IPv4 address", bytes: get("Host: 1.2.3.256"), status: 400 },
  { name: "Host that is IPv4 in hexadecimal", bytes: get("Host: 0x7f.1"), status: 400 },
  { name: "Host with an open bracket", bytes: get("Host: [::1"), status: 400 },
  { name: "Host that is no IPv6 address", bytes: get("Host: [1:2:3]"), status: 400 },
  { name: "Host with a zone", bytes: get("Host: [fe80::1%25eth0]"), status: 400 },

  // Connection and Expect.
  {
    name: "Connection that is no token",
    bytes: get("Host: a\r\nConnection: (close)"),
    status: 400,
  },
  {
    name: "an expectation we do not know",
    bytes: post("Expect: 200-ok\r\nContent-Length: 0"),
    status: 417,
  },

  // Chunks.
  { name: "chunk size empty", bytes: chunked("\r\nabc\r\n0\r\n\r\n"), status: 400 },
  { name: "chunk size with a sign", bytes: chunked("+3\r\nabc\r\n0\r\n\r\n"), status: 400 },
  { name: "chunk size with 0x", bytes: chunked("0x3\r\nabc\r\n0\r\n\r\n"), status: 400 },
  { name: "chunk size no digit", bytes: chunked("g\r\nabc\r\n0\r\n\r\n"), status: 400 },
  { name: "chunk size with an underscore", bytes: chunked("1_0\r\nabc\r\n0\r\n\r\n"), status: 400 },
  {
    name: "chunk size above 2^48",
    bytes: chunked("10000000000000003\r\nabc\r\n0\r\n\r\n"),
    status: 400,
  },
  { name: "space before the chunk size", bytes: chunked(" 3\r\nabc\r\n0\r\n\r\n"), status: 400 },
  { name: "space behind the chunk size", bytes: chunked("3 \r\nabc\r\n0\r\n\r\n"), status: 400 },
  {
    name: "vertical tab behind the chunk size",
    bytes: chunked("3\x0b\r\nabc\r\n0\r\n\r\n"),
    status: 400,
  },
  { name: "LF alone behind the chunk size", bytes: chunked("3\nabc\r\n0\r\n\r\n"), status: 400 },
  { name: "CR alone behind the chunk size", bytes: chunked("3\rabc\r\n0\r\n\r\n"), status: 400 },
  {
    name: "CR and another byte behind the chunk size",
    bytes: chunked("3\rXabc\r\n0\r\n\r\n"),
    status: 400,
  },
  {
    name: "a word behind the chunk size",
    bytes: chunked("3 x\r\nabc\r\n0\r\n\r\n"),
    status: 400,
  },
  { name: "LF alone in a chunk extension", bytes: chunked("3;a\nabc\r\n0\r\n\r\n"), status: 400 },
  {
    name: "CR alone in a chunk extension",
    bytes: chunked("3;a\rb\r\nabc\r\n0\r\n\r\n"),
    status: 400,
  },
  { name: "NUL in a chunk extension", bytes: chunked("3;a\0\r\nabc\r\n0\r\n\r\n"), status: 400 },
  { name: "chunk longer than its size", bytes: chunked("3\r\nabcd\r\n0\r\n\r\n"), status: 400 },
  { name: "chunk end LF alone", bytes: chunked("3\r\nabc\n0\r\n\r\n"), status: 400 },
  { name: "chunk end missing", bytes: chunked("3\r\nabc0\r\n\r\n"), status: 400 },
  { name: "LF alone behind the last chunk", bytes: chunked("0\n\r\n"), status: 400 },
  { name: "LF alone ends the trailers", bytes: chunked("0\r\n\n"), status: 400 },
  { name: "folded trailer", bytes: chunked("0\r\nX: 1\r\n 2\r\n\r\n"), status: 400 },
  { name: "trailer without a colon", bytes: chunked("0\r\nX\r\n\r\n"), status: 400 },
  {
    name: "trailer with a space before the colon",
    bytes: chunked("0\r\nX : 1\r\n\r\n"),
    status: 400,
  },

  // Bounds.
  {
    name: "target of 8193 bytes",
    bytes: get("Host: a", `GET /${"a".repeat(8192)} HTTP/1.1`),
    status: 414,
  },
  { name: "request line without an end", bytes: `GET /${"a".repeat(16384)}`, status: 414 },
  {
    name: "head of more than 16 KiB",
    bytes: get(`Host: a\r\nX: ${"a".repeat(16384)}`),
    status: 431,
  },
  { name: "101 fields", bytes: get(`Host: a${"\r\nX: 1".repeat(100)}`), status: 431 },
  {
    name: "chunk extension of 257 bytes",
    bytes: chunked(`3;${"a".repeat(257)}\r\nabc\r\n0\r\n\r\n`),
    status: 413,
  },
  {
    name: "16 KiB of chunk extensions",
    bytes: chunked(`${`1;${"a".repeat(250)}\r\na\r\n`.repeat(66)}0\r\n\r\n`),
    status: 413,
  },
  {
    name: "trailers of more than 8 KiB",
    bytes: chunked(`0\r\nX: ${"a".repeat(8192)}\r\n\r\n`),
    status: 431,
  },
  { name: "101 trailers", bytes: chunked(`0\r\n${"X: 1\r\n".repeat(101)}\r\n`), status: 431 },
];
