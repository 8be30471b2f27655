import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { type TestContext, test } from "node:test";
import { type ServerProcess, startServer } from "../server_process.ts";
import { startPeer } from "./peer_process.ts";

/** A stranger gathers the addresses of this machine, and we connect to none that is not listed. */
const own = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
const allow = ["127.0.0.1", ...own.map(({ address }) => address)].join(" ");

async function server(t: TestContext, ...args: string[]): Promise<ServerProcess> {
  // A publisher that is killed is seen to be gone by his TCP connection.
  const common = ["--demo", "off", "--rtc_server.protocol", "tcp", "--relay.allow", allow];
  const started = await startServer({ args: [...common, ...args] });
  t.after(() => started.stop());
  return started;
}

interface RelayJson {
  readonly id: string;
  readonly state: string;
  readonly transport: string;
  readonly attempts: number;
}

async function relayOf({ url }: ServerProcess): Promise<RelayJson> {
  const answer = await fetch(`${url}/api/v1/relays`);
  const [relay] = ((await answer.json()) as { relays: RelayJson[] }).relays;
  assert.ok(relay);
  return relay;
}

/** libwebrtc listens on TCP too, with a candidate of its own, and TCP goes first. */
test("libwebrtc, a full ICE agent, decodes what is pushed to it, and after a change of codec again", async (t) => {
  const far = startPeer("far_end_peer.ts", []);
  t.after(far.stop);
  const { port } = await far.read();
  const near = await server(t, "--relay.push", `live/cam=http://127.0.0.1:${port}/whip`);
  const publisher = startPeer("wrtc_peer.ts", ["publish", `${near.url}/whip/live/cam?codec=vp8`]);
  t.after(publisher.stop);
  assert.deepEqual(await publisher.read(), { connected: true });
  assert.deepEqual(await far.read(), { decoded: 25, width: 320 });
  const relay = await relayOf(near);
  // Once: with the formats the stream has, not with all that its publisher might send.
  assert.deepEqual([relay.state, relay.transport, relay.attempts], ["connected", "tcp", 1]);
  // What the far end was offered does not fit any more: another session.
  publisher.stop();
  const next = startPeer("wrtc_peer.ts", ["publish", `${near.url}/whip/live/cam?codec=vp9`]);
  t.after(next.stop);
  assert.deepEqual(await next.read(), { connected: true });
  assert.deepEqual(await far.read(), { deleted: true });
  assert.deepEqual(await far.read(), { decoded: 25, width: 320 });
  await fetch(`${near.url}/api/v1/relays/${relay.id}`, { method: "DELETE" });
  assert.deepEqual(await far.read(), { deleted: true });
});

test("what is pulled from libwebrtc over UDP is decoded by libwebrtc", async (t) => {
  const far = startPeer("far_end_peer.ts", ["udp"]);
  t.after(far.stop);
  const { port } = await far.read();
  const near = await server(t, "--relay.pull", `live/cam=http://127.0.0.1:${port}/whep`);
  const player = startPeer("wrtc_peer.ts", ["play", `${near.url}/whep/live/cam`]);
  t.after(player.stop);
  const { codec, width } = await player.read();
  assert.equal((await relayOf(near)).transport, "udp");
  assert.deepEqual({ codec, width }, { codec: "video/VP8", width: 320 });
});
