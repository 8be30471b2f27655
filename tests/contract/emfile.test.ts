import assert from "node:assert/strict";
import { test } from "node:test";
import { type Child, startChild } from "./child.ts";
import { openPeer, type Peer, sleep, until } from "./peer.ts";

interface Status {
  readonly port: number;
  readonly live: number;
  readonly accepted: number;
  readonly errors: number;
  readonly code: string;
  readonly cpuMillis: number;
  readonly now: number;
}

const DESCRIPTORS = 256;
const CONNECTIONS = 400;

const other = "Deno" in globalThis || "Bun" in globalThis;

for (const net of other ? (["native", "node"] as const) : (["native"] as const)) {
  test(`${net} sockets: out of descriptors, accepting goes on when some are free again`, async (t) => {
    const child = await start(t, net, "keep");
    const peers = await openMany(status(child).port);
    await until("EMFILE is told", () => status(child).errors > 0);
    await sleep(100);
    const before = status(child);
    assert.equal(before.code, "EMFILE");
    await until("the process lives and tells", () => status(child).now > before.now + 600);
    const later = status(child);
    const seconds = (later.now - before.now) / 1000;
    const told = later.errors - before.errors;
    assert.ok(told <= 11 * seconds + 2, `told ${told} times in ${seconds} s: a busy loop`);
    const cpu = (later.cpuMillis - before.cpuMillis) / 1000 / seconds;
    assert.ok(cpu < 0.4, `used ${cpu} of a CPU: a busy loop`);
    assert.ok(later.live < DESCRIPTORS);
    for (const peer of peers) peer.socket.destroy();
    await until("the connections are gone", () => status(child).live === 0);
    await echo(status(child).port);
  });

  test(`${net} sockets: shedding the oldest connections lets new ones in`, async (t) => {
    const child = await start(t, net, "shed");
    const peers = await openMany(status(child).port);
    await until("EMFILE is told", () => status(child).errors > 0);
    await echo(status(child).port);
    const newest = peers.at(-1)!;
    newest.socket.write("I am the newest");
    await until("the newest is served", () => newest.text === "I am the newest");
    await until("nearly all are accepted", () => status(child).accepted >= CONNECTIONS - 20);
    const { errors } = status(child);
    assert.ok(errors < 20, `told ${errors} times`);
    for (const peer of peers) peer.socket.destroy();
  });
}

async function start(
  t: { after(hook: () => Promise<void>): void },
  net: string,
  policy: string,
): Promise<Child> {
  const child = startChild("emfile_child", { args: [net, policy], descriptors: DESCRIPTORS });
  t.after(async () => {
    child.process.kill("SIGKILL");
    await child.exited;
  });
  await until("the child", () => child.lines.length > 0);
  // Deno 2.9.6 panics (ext/signals) when it lacks descriptors in the first second of its life.
  if ("Deno" in globalThis) await until("warm", () => status(child).now > 1500);
  return child;
}

function status(child: Child): Status {
  return JSON.parse(child.lines.at(-1) ?? "{}");
}

async function openMany(port: number): Promise<Peer[]> {
  const peers: Peer[] = [];
  for (let i = 0; i < CONNECTIONS; i++) {
    peers.push(await openPeer(port));
    // In the order of their numbers, and never more waiting than a backlog holds.
    if (i % 20 === 19) await sleep(5);
  }
  return peers;
}

async function echo(port: number): Promise<void> {
  const peer = await openPeer(port);
  peer.socket.write("hello");
  await until("the echo", () => peer.text === "hello");
  peer.socket.destroy();
}
