import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { refusesChange } from "../../../server/routes/guard.ts";

const URL_HERE = "http://localhost:8080/api/v1/clients/a";

/** What `refusesChange` says to a DELETE from this machine with these fields. */
function verdict(fields: Record<string, string>, remote = "127.0.0.1"): string | undefined {
  const headers = new Headers({ host: "localhost:8080", ...fields });
  return refusesChange({ headers, url: URL_HERE } as Request, remote);
}

describe("a call that changes state, without credentials", () => {
  test("passes from this machine by its own names", () => {
    for (const host of [
      "localhost",
      "localhost:8080",
      "127.0.0.1:8080",
      "[::1]:8080",
      "LOCALHOST",
    ]) {
      assert.equal(verdict({ host }), undefined, host);
    }
    assert.equal(verdict({}, "::1"), undefined);
    assert.equal(verdict({ origin: "http://localhost:8080" }), undefined);
  });

  test("is refused from anywhere else", () => {
    for (const remote of ["192.0.2.1", "10.0.0.1", "::2", "fe80::1", ""]) {
      assert.ok(verdict({}, remote), remote);
    }
  });

  test("is refused when its Host only looks like this machine", () => {
    const hosts = [
      "evil.example",
      "localhost.evil.example",
      "127.0.0.1.evil.example",
      "127.0.0.1@evil.example",
      "localhost#",
      "localhost:8080:1",
      "127.1",
      "0x7f.0.0.1",
      "0.0.0.0",
      "[::ffff:127.0.0.1].x",
      "[localhost",
      "",
    ];
    for (const host of hosts) assert.ok(verdict({ host }), host);
  });

  test("is refused when a page of another origin, or one without any, makes it", () => {
    const origins = [
      "http://evil.example",
      "null",
      "http://localhost",
      "https://localhost:8080",
      "",
    ];
    for (const origin of origins) assert.ok(verdict({ origin }), origin);
  });

  test("is refused when any of the fields that proxies add says that it was passed on", () => {
    for (const name of [
      "forwarded",
      "via",
      "x-forwarded-for",
      "x-forwarded-host",
      "x-forwarded-proto",
      "x-real-ip",
    ]) {
      assert.ok(verdict({ [name]: "127.0.0.1" }), name);
    }
  });
});
