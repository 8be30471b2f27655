import assert from "node:assert/strict";
import { test } from "node:test";
import { parseVia, refusesVia, VIA_MAX } from "../../../server/relay/via.ts";
import { raw } from "../fixture.ts";
import { until } from "../rtc/client.ts";
import { film, onlyRelay, port, relays, server, watch } from "./fixture.ts";

const ALLOW = ["--relay.allow", "127.0.0.1"];

test("a stream pushed from A to B is not pushed back to A: 508", async (t) => {
  const [a, b] = [await port(), await port()];
  const near = await server(
    t,
    ...["--listen", `127.0.0.1:${a}`, ...ALLOW],
    ...["--relay.push", `live/cam=http://127.0.0.1:${b}/whip/live/cam`],
  );
  const far = await server(
    t,
    ...["--listen", `127.0.0.1:${b}`, ...ALLOW],
    ...["--relay.push", `live/cam=http://127.0.0.1:${a}/whip/live/again`],
  );
  await film(t, near, "cam");
  const screen = await watch(t, far, "cam");
  await until(() => screen.packets > 30, "pictures on B");
  await until(async () => (await relays(far))[0]?.state === "waiting", "B's push was refused");
  assert.match((await onlyRelay(far)).error, /refused \(508\): .*circle/);
  assert.equal((await onlyRelay(near)).state, "connected");
  // B asks again after a second.
  assert.ok(near.monoport.metrics.value("monoport_sessions_refused_total", "508") >= 1);
});

test("nothing is pushed to oneself or pulled from oneself", async (t) => {
  const own = await port();
  const url = `http://127.0.0.1:${own}`;
  const one = await server(
    t,
    ...["--listen", `127.0.0.1:${own}`, ...ALLOW],
    ...["--relay.push", `live/cam=${url}/whip/live/copy`],
    ...["--relay.pull", `live/cam=${url}/whep/live/cam other/*=${url}/whep/other/[stream]`],
    ...["--relay.pull_when", "always"],
  );
  const refused = async (kind: string, stream: string): Promise<boolean> => {
    const all = await relays(one);
    const relay = all.find((each) => each.kind === kind && each.stream === stream);
    return relay?.state === "waiting" && /508/.test(relay.error);
  };
  await until(() => refused("pull", "live/cam"), "the pull is refused");
  await film(t, one, "cam");
  await until(() => refused("push", "live/cam"), "the push is refused");
});

test("two servers that pull everything from each other do not ask each other in a circle", async (t) => {
  const [a, b] = [await port(), await port()];
  const pullFrom = (of: number): string[] => [
    ...ALLOW,
    ...["--relay.pull", `live/*=http://127.0.0.1:${of}/whep/live/[stream]`],
  ];
  const left = await server(t, "--listen", `127.0.0.1:${a}`, ...pullFrom(b));
  const right = await server(t, "--listen", `127.0.0.1:${b}`, ...pullFrom(a));
  const screen = await watch(t, left, "nobody");
  await until(async () => (await relays(left))[0]?.state === "connected", "A asks B");
  await until(
    async () => /508/.test((await relays(right))[0]?.error ?? ""),
    "B asks A, who refuses",
  );
  // A camera on B: the same viewer sees it, by the pull that is there.
  await film(t, right, "nobody");
  await until(() => screen.packets > 30, "pictures on A");
});

test("a stream that came by pull from a server is not pushed to it", async (t) => {
  const far = await server(t);
  const near = await server(
    t,
    ...ALLOW,
    ...["--relay.pull", `live/cam=${far.url}/whep/live/cam`],
    ...["--relay.push", `live/cam=${far.url}/whip/live/back`],
  );
  await film(t, far, "cam");
  const screen = await watch(t, near, "cam");
  await until(() => screen.packets > 30, "pictures");
  await until(async () => {
    const push = (await relays(near)).find(({ kind }) => kind === "push");
    return push !== undefined && /508.*circle/.test(push.error);
  }, "the push is refused");
});

test("a chain is at most 8 servers long, and what is none is 400", async (t) => {
  assert.equal(VIA_MAX, 8);
  const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `s${i}`);
  assert.equal(refusesVia(ids(7), "self"), undefined);
  assert.match(refusesVia(ids(8), "self") ?? "", /8 are the most/);
  assert.deepEqual(parseVia(" a , b"), ["a", "b"]);
  assert.deepEqual(parseVia(null), []);
  for (const bad of ["a b", "a,,b", "ä", "x".repeat(33), "a;b", `${"a,".repeat(400)}a`]) {
    assert.equal(parseVia(bad), undefined, bad);
  }
  const one = await server(t);
  const status = async (via: string): Promise<string | undefined> => {
    const answer = await raw(
      one.port,
      `POST /whip/live/x HTTP/1.1\r\nhost: x\r\nmonoport-via: ${via}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
    );
    return answer.split(" ")[1];
  };
  assert.equal(await status(ids(8).join(",")), "508");
  assert.equal(await status("a b"), "400");
  assert.equal(await status("a, b"), "415"); // the chain is well, the body is not
});
