import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Fault } from "../../../../core/base/mod.ts";
import { latin1, latin1Bytes } from "../../../../core/bytes/mod.ts";
import { HttpServerSession } from "../../../../core/session/http/mod.ts";
import * as http1 from "../../../../core/wire/http1/mod.ts";
import { type Case, SMUGGLING_CASES } from "./smuggling_cases.ts";

/** What the session answers when the bytes come in pieces of `size`, and the body it read. */
function answer(bytes: Uint8Array, size: number): { status: number; body: string; extra: number } {
  const session = new HttpServerSession({}, 0);
  let body = "";
  let status = 0;
  let extra = 0;
  for (let at = 0; at < bytes.length; at += size) {
    session.handleInput(bytes.slice(at, at + size), 0);
    for (let event = session.pollEvent(); event; event = session.pollEvent()) {
      if (event.kind === "request") {
        if (status !== 0) extra++;
        session.readBody(0);
      } else if (event.kind === "body") {
        body += latin1(event.bytes);
        session.readBody(0);
      } else if (event.kind === "body-end") {
        if (status === 0) status = 200;
        session.respond({ status: 200, fields: [] }, new Uint8Array(0), 0);
      } else if (event.kind === "fault" && status === 0) status = event.status;
    }
  }
  return { status, body, extra };
}

function check({ name, bytes, status, body }: Case): void {
  const whole = latin1Bytes(bytes);
  for (const size of [whole.length, 1, 7]) {
    const got = answer(whole, size);
    assert.equal(got.status, status, `${name}, in pieces of ${size}`);
    assert.equal(got.extra, 0, `${name}: no second request comes out of it`);
    if (body !== undefined) assert.equal(got.body, body, name);
  }
}

describe("RFC 9112 §11.2: a request is read in one way, or refused", () => {
  for (const entry of SMUGGLING_CASES) test(`${entry.status} ${entry.name}`, () => check(entry));
});

test("the corpus has at least 60 cases that are refused, each with a name of its own", () => {
  assert.ok(SMUGGLING_CASES.filter((entry) => entry.status !== 200).length >= 60);
  assert.equal(new Set(SMUGGLING_CASES.map((entry) => entry.name)).size, SMUGGLING_CASES.length);
});

test("every fault of the codec has a status from 400 to 505", () => {
  const faults = Object.values(http1).filter((value) => value instanceof Fault);
  assert.ok(faults.length > 30);
  for (const fault of faults) {
    const status = http1.statusOf(fault);
    assert.ok(status >= 400 && status <= 505, `${fault}`);
  }
});
