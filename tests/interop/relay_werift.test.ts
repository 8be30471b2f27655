/** werift as another server: a full ICE agent that listens on TCP, and the client of DTLS. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { type AddressInfo, isIPv4 } from "node:net";
import { networkInterfaces } from "node:os";
import { test } from "node:test";
import { RTCPeerConnection, type RtpPacket, useH264, useOPUS } from "werift";
import { until } from "../server/rtc/client.ts";
import { startServer } from "../server_process.ts";

const UDP_CANDIDATE = /^a=candidate:\S+ \d+ udp .*\r\n/gim;

test("werift gets the demo stream over TCP: its candidates are dialled, its DTLS is answered", async (t) => {
  const got: Record<string, number> = { audio: 0, video: 0 };
  const peers: RTCPeerConnection[] = [];
  const far = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.method !== "POST") {
      response.writeHead(200).end();
      return;
    }
    const pc = new RTCPeerConnection({
      iceServers: [],
      iceUseTcp: true,
      iceTcpPassive: true,
      bundlePolicy: "max-bundle",
      codecs: { video: [useH264()], audio: [useOPUS()] },
    });
    peers.push(pc);
    pc.onTrack.subscribe((track) => {
      track.onReceiveRtp.subscribe((_packet: RtpPacket) => {
        got[track.kind] = (got[track.kind] ?? 0) + 1;
      });
    });
    const sdp = Buffer.concat(chunks).toString("utf8");
    await pc.setRemoteDescription({ type: "offer", sdp });
    await pc.setLocalDescription(await pc.createAnswer());
    response.writeHead(201, { "content-type": "application/sdp", location: "/session" });
    response.end(pc.localDescription?.sdp.replaceAll(UDP_CANDIDATE, ""));
  });
  t.after(async () => {
    far.closeAllConnections();
    far.close();
    for (const pc of peers) await pc.close();
  });
  await new Promise<void>((resolve) => far.listen(0, "127.0.0.1", resolve));
  const { port } = far.address() as AddressInfo;
  const own = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  const allow = ["127.0.0.1", ...own.map(({ address }) => address).filter(isIPv4)].join(" ");
  const push = ["--relay.push", `live/demo=http://127.0.0.1:${port}/whip`];
  const near = await startServer({ args: ["--relay.allow", allow, ...push] });
  t.after(() => near.stop());
  const enough = (): boolean => (got["video"] ?? 0) > 100 && (got["audio"] ?? 0) > 50;
  await until(enough, "packets of both");
  const answer = await fetch(`${near.url}/api/v1/relays`);
  const { relays } = (await answer.json()) as { relays: { state: string; transport: string }[] };
  assert.deepEqual([relays[0]?.state, relays[0]?.transport], ["connected", "tcp"]);
});
