import assert from "node:assert/strict";
import { test } from "node:test";
import { parseStreamName, type StreamName } from "../../../core/stream/mod.ts";
import {
  fitsRule,
  parseRule,
  parseTarget,
  tokenFor,
  urlFor,
  withoutSecrets,
} from "../../../server/relay/rules.ts";

const name = (app: string, stream: string): StreamName =>
  parseStreamName(app, stream) as StreamName;

test("a rule names a stream, or every stream of an application", () => {
  const one = parseRule("push", "live/cam=https://h/whip?app=a&stream=b");
  assert.ok(one);
  assert.ok(fitsRule(one, name("live", "cam")) && !fitsRule(one, name("live", "cam2")));
  assert.equal(urlFor(one, name("live", "cam"))?.href, "https://h/whip?app=a&stream=b");
  const all = parseRule("pull", "live/*=http://h:81/whep/[app]/x-[stream]");
  assert.ok(all);
  assert.ok(fitsRule(all, name("live", "a.b")) && !fitsRule(all, name("other", "a.b")));
  assert.equal(urlFor(all, name("live", "a.b"))?.href, "http://h:81/whep/live/x-a.b");
});

test("URLs that are told have no values of queries that may be secrets", () => {
  const told = (url: string): string => withoutSecrets(new URL(url));
  assert.equal(
    told("https://h/w?app=a&stream=b&token=x&key=y#z".replace("#z", "")),
    "https://h/w?app=a&stream=b&token=...&key=...",
  );
  assert.equal(told("https://h/w?token=x&token=y"), "https://h/w?token=...");
  assert.equal(told("https://h/w"), "https://h/w");
});

test("a URL of another server is http or https, of at most 2,048 characters", () => {
  assert.equal(parseTarget("https://h/a#b")?.href, "https://h/a");
  assert.ok(parseTarget(`http://h/${"x".repeat(2039)}`));
  for (const bad of [
    `http://h/${"x".repeat(2040)}`,
    "h",
    "ws://h/",
    "http://",
    "http://u@h/",
    "data:,x",
  ]) {
    assert.equal(parseTarget(bad), undefined, bad);
  }
});

test("a token is that of the host and port, or of the host", () => {
  const tokens = ["a.test:8443=one", "a.test=two", "B.test=a=b", "[::1]:8080=three"];
  const of = (url: string): string | undefined => tokenFor(tokens, new URL(url));
  assert.equal(of("https://a.test:8443/x"), "one");
  assert.equal(of("https://a.test/x"), "two");
  assert.equal(of("https://b.test/"), "a=b");
  assert.equal(of("http://[::1]:8080/"), "three");
  assert.equal(of("https://xa.test/"), undefined);
});
