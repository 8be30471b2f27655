import assert from "node:assert/strict";
import { test } from "node:test";
import { startServer } from "../server_process.ts";
import { startPeer } from "./peer_process.ts";

for (const transport of ["tcp", "udp"]) {
  test(`libdatachannel publishes H.264 and Opus over ${transport.toUpperCase()}, and plays them`, async (t) => {
    const server = await startServer({
      args: ["--demo", "off", "--rtc_server.protocol", transport],
    });
    t.after(() => server.stop());
    const publisher = startPeer("datachannel_peer.ts", ["publish", `${server.url}/whip/live/ndc`]);
    t.after(publisher.stop);
    assert.deepEqual(await publisher.read(), { connected: true });
    const player = startPeer("datachannel_peer.ts", ["play", `${server.url}/whep/live/ndc`]);
    t.after(player.stop);
    const played = await player.read();
    assert.equal(played["firstNal"], 7, "it begins with a parameter set");
    assert.ok(Number(played["keyframes"]) > 0);
    assert.equal(played["gaps"], 0);
    assert.deepEqual(await publisher.read(), { keyframeRequest: true });

    const { streams } = (await (await fetch(`${server.url}/api/v1/streams`)).json()) as {
      streams: { video: Record<string, unknown>; audio: Record<string, unknown> }[];
    };
    const answer = await fetch(`${server.url}/api/v1/clients/`);
    const { clients } = (await answer.json()) as { clients: { transport: string }[] };
    assert.equal(clients[0]?.transport, transport); // the player has left over TCP
    assert.equal(streams[0]?.video["codec"], "H264");
    assert.equal(streams[0]?.video["width"], 640);
    assert.equal(streams[0]?.audio["codec"], "Opus");
  });
}
