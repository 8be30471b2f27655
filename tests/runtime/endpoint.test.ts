import assert from "node:assert/strict";
import { test } from "node:test";
import { MonoportError } from "../../core/base/error.ts";
import {
  codeOf,
  listenError,
  onHost,
  plainHost,
  systemError,
} from "../../runtime/common/endpoint.ts";

test("IPv4-mapped addresses become IPv4 ones, zones go, everything else stays", () => {
  assert.equal(plainHost("::ffff:192.0.2.1"), "192.0.2.1");
  assert.equal(plainHost("192.0.2.1"), "192.0.2.1");
  assert.equal(plainHost("fe80::1%eth0"), "fe80::1");
  assert.equal(plainHost("2001:db8::ffff:1"), "2001:db8::ffff:1");
  assert.equal(plainHost("::ffff:0:1"), "::ffff:0:1");
  assert.equal(plainHost(""), "");
});

test("errors of listen that an operator can act on have a code and name the place", () => {
  const inUse = listenError(systemError("EADDRINUSE", "x"), "::1", 8080);
  assert.ok(inUse instanceof MonoportError);
  assert.equal(inUse.code, "port-in-use");
  assert.match(inUse.message, /\[::1\]:8080/);
  const forbidden = listenError(systemError("EACCES", "x"), "127.0.0.1", 80);
  assert.ok(forbidden instanceof MonoportError);
  assert.equal(forbidden.code, "port-forbidden");
  assert.match(
    forbidden.message,
    /127\.0\.0\.1:80 is not allowed: ports below 1024 need root or CAP_NET_BIND/,
  );
  const foreign = listenError(systemError("EADDRNOTAVAIL", "x"), "192.0.2.1", 80);
  assert.ok(foreign instanceof MonoportError);
  assert.equal(foreign.code, "address-unavailable");
  assert.match(foreign.message, /^192\.0\.2\.1:80 .* does not have the address 192\.0\.2\.1$/);
  assert.match(listenError(systemError("EADDRINUSE", "x"), "::", 80).message, /^port 80 is in use/);
  const other = systemError("EMFILE", "x");
  assert.equal(listenError(other, "192.0.2.1", 80), other);
  const unknown = listenError(new Error("getaddrinfo ENOTFOUND none.invalid"), "none.invalid", 80);
  assert.match(unknown.message, /^none\.invalid:80 cannot be listened on: getaddrinfo ENOTFOUND/);
  assert.equal(codeOf("no error"), "");
});

test("without IPv6 the default host is 0.0.0.0; a host asked for is the only one tried", async () => {
  const tried: string[] = [];
  const listen = async (host: string): Promise<string> => {
    tried.push(host);
    if (host.includes(":")) throw systemError("EAFNOSUPPORT", "no IPv6 here");
    return host;
  };
  assert.equal(await onHost({ port: 1 }, listen), "0.0.0.0");
  assert.deepEqual(tried, ["::", "0.0.0.0"]);
  await assert.rejects(() => onHost({ port: 1, host: "::" }, listen), /no IPv6 here/);
  const busy = async (): Promise<string> => {
    throw systemError("EADDRINUSE", "x");
  };
  await assert.rejects(() => onHost({ port: 81 }, busy), /port 81 is in use/);
});
