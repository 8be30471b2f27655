/**
 * libwebrtc (@roamhq/wrtc) as another server: `node far_end_peer.ts [udp]` answers WHIP at /whip
 * and WHEP at /whep, with a full ICE agent, over UDP alone if so told. Tells its port, then what it
 * decoded of what was published once 25 frames came. To those who play it sends a picture that
 * changes, and a tone.
 *
 * @module
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import wrtc from "@roamhq/wrtc";
import { tell } from "./peer_process.ts";

const WIDTH = 320;
const HEIGHT = 240;
const FRAMES = 25;

const udp = process.argv[2] === "udp";

type Peer = InstanceType<typeof wrtc.RTCPeerConnection>;
const sessions = new Map<string, Peer>();

const server = createServer(async (request, response) => {
  if (request.method === "DELETE") {
    sessions.get(request.url ?? "")?.close();
    response.writeHead(200).end();
    await tell({ deleted: sessions.delete(request.url ?? "") });
    return;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const pc = new wrtc.RTCPeerConnection({ iceServers: [] });
  const sends = request.url === "/whep";
  if (!sends) receive(pc);
  await pc.setRemoteDescription({ type: "offer", sdp: Buffer.concat(chunks).toString("utf8") });
  if (sends) send(pc);
  await pc.setLocalDescription(await pc.createAnswer());
  if (pc.iceGatheringState !== "complete") {
    await new Promise((resolve) => {
      pc.onicegatheringstatechange = () => pc.iceGatheringState === "complete" && resolve(0);
    });
  }
  const location = `/session/${sessions.size + 1}`;
  sessions.set(location, pc);
  const sdp = pc.localDescription?.sdp ?? "";
  response.writeHead(201, { "content-type": "application/sdp", location });
  response.end(udp ? sdp.replaceAll(/^a=candidate:\S+ \d+ tcp .*\r\n/gm, "") : sdp);
});
server.listen(0, "127.0.0.1", () => {
  void tell({ port: (server.address() as AddressInfo).port });
});

function send(pc: Peer): void {
  const video = new wrtc.nonstandard.RTCVideoSource();
  const audio = new wrtc.nonstandard.RTCAudioSource();
  const stream = new wrtc.MediaStream([video.createTrack(), audio.createTrack()]);
  for (const track of stream.getTracks()) pc.addTrack(track, stream);
  for (const transceiver of pc.getTransceivers()) transceiver.direction = "sendonly";
  const data = new Uint8Array(WIDTH * HEIGHT * 1.5).fill(128);
  let brightness = 0;
  setInterval(() => {
    brightness = (brightness + 3) & 255;
    data.fill(brightness, 0, WIDTH * HEIGHT);
    video.onFrame({ width: WIDTH, height: HEIGHT, data });
  }, 40);
  let phase = 0;
  setInterval(() => {
    const samples = Int16Array.from({ length: 480 }, () => 8000 * Math.sin(phase++ * 0.0576));
    audio.onData({ samples, sampleRate: 48_000, bitsPerSample: 16, channelCount: 1 });
  }, 10);
}

function receive(pc: Peer): void {
  let frames = 0;
  pc.ontrack = ({ track }) => {
    if (track.kind !== "video") return;
    new wrtc.nonstandard.RTCVideoSink(track).onframe = ({
      frame,
    }: {
      frame: { width: number };
    }) => {
      frames++;
      if (frames === FRAMES) void tell({ decoded: frames, width: frame.width });
    };
  };
}
