import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type ServerProcess, startServer } from "../server_process.ts";
import { startPeer } from "./peer_process.ts";

let server: ServerProcess;
before(async () => {
  server = await startServer({ args: ["--demo", "off", "--rtc_server.protocol", "tcp"] });
});
after(() => server.stop());

for (const codec of ["VP8", "VP9", "AV1"]) {
  test(`libwebrtc publishes ${codec} and Opus over TCP, and plays them`, async (t) => {
    const name = `live/${codec}`;
    const publisher = startPeer("wrtc_peer.ts", [
      "publish",
      `${server.url}/whip/${name}?codec=${codec.toLowerCase()}`,
    ]);
    t.after(publisher.stop);
    assert.deepEqual(await publisher.read(), { connected: true });
    const player = startPeer("wrtc_peer.ts", ["play", `${server.url}/whep/${name}`]);
    t.after(player.stop);
    assert.deepEqual(await player.read(), { codec: `video/${codec}`, width: 320, protocol: "tcp" });
  });
}
