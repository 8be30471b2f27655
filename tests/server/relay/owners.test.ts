import assert from "node:assert/strict";
import { test } from "node:test";
import { AddressRanges } from "../../../server/address_ranges.ts";
import { Owners } from "../../../server/relay/owners.ts";
import { play, until } from "../rtc/client.ts";
import { relays, server } from "./fixture.ts";

test("an address has so many streams fetched; another who watches the same one may, and so may one that is let go", () => {
  const owners = new Owners(2, new AddressRanges(["10.0.0.0/8"]));
  for (const id of ["a", "b"]) owners.add(id, owners.find(["192.0.2.1"]) ?? "none");
  assert.equal(owners.find(["192.0.2.1"]), undefined);
  assert.equal(owners.find(["192.0.2.1", "192.0.2.2"]), "192.0.2.2");
  owners.delete("a");
  owners.delete("a");
  assert.equal(owners.find(["192.0.2.1"]), "192.0.2.1");
});

test("one /64 of IPv6 is one; proxies, and who has no address, have no bound", () => {
  const owners = new Owners(1, new AddressRanges(["10.0.0.0/8"]));
  owners.add("a", owners.find(["2001:db8::1"]) ?? "none");
  assert.equal(owners.find(["2001:db8::2"]), undefined);
  for (const many of ["10.1.2.3", ""]) {
    for (const id of ["b", "c"]) owners.add(id, owners.find(["2001:db8::2", many]) ?? "none");
  }
  assert.equal(owners.find([]), "");
});

test("viewers of one address begin limits.relays_per_address pulls by a rule with *, by WHEP, FLV and HLS, and others theirs", {
  timeout: 90_000,
}, async (t) => {
  const far = await server(t);
  const near = await server(
    t,
    ...["--relay.allow", "127.0.0.1", "--relay.pull", `live/*=${far.url}/whep/live/[stream]`],
    ...["--limits.relays_per_address", "2", "--trusted_proxies", "127.0.0.1"],
  );
  const leaving = new AbortController();
  t.after(() => leaving.abort());
  const { signal } = leaving;
  // An answer that is forgotten is cancelled when memory is collected.
  const answers: Promise<Response | undefined>[] = [];
  t.after(() => void answers.splice(0));
  const ask = (path: string, address: string): void => {
    const headers = { "x-forwarded-for": address };
    answers.push(fetch(near.url + path, { signal, headers }).catch(() => undefined));
  };
  const pulled = async (): Promise<string> =>
    (await relays(near))
      .map(({ stream }) => stream.slice("live/".length))
      .sort()
      .join(" ");
  ask("/live/a.flv", "192.0.2.1");
  await until(async () => (await pulled()) === "a", "the first is pulled");
  ask("/live/b.m3u8", "192.0.2.1");
  await until(async () => (await pulled()) === "a b", "the second is pulled");
  ask("/live/c.flv", "192.0.2.1");
  ask("/live/d.m3u8", "192.0.2.1");
  ask("/live/e.flv", "192.0.2.2");
  await until(async () => (await pulled()) === "a b e", "another's is pulled");
  // Who comes by the proxy that names nobody has no bound.
  const client = await play(near, { stream: "f" });
  t.after(() => client.close());
  await until(async () => (await pulled()) === "a b e f", "that of a proxy is pulled");
  ask("/live/c.flv", "192.0.2.3");
  await until(async () => (await pulled()) === "a b c e f", "another watches it, too");
});
