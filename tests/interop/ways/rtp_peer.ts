/**
 * libdatachannel as a WHIP publisher over TCP of somebody else's RTP: `node rtp_peer.ts CODEC URL...`. It tells the UDP ports
 * where it takes Opus (payload type 111) and video (96) with their RTCP, and when all are connected.
 *
 * @module
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import ndc from "node-datachannel";
import { postOffer, tell } from "../peer_process.ts";

const [codec = "", ...urls] = process.argv.slice(2);
if (codec !== "h265") throw new Error(`no ${codec} here`);

interface Tracks {
  readonly audio: ndc.Track;
  readonly video: ndc.Track;
}

const all = await Promise.all(urls.map(connect));
const ports = {
  audio: await take(all.map(({ audio }) => audio)),
  video: await take(all.map(({ video }) => video)),
};
while (all.some(({ audio, video }) => !audio.isOpen() || !video.isOpen()))
  await new Promise((wake) => setTimeout(wake, 20));
await tell({ connected: true, ...ports });

async function connect(url: string, index: number): Promise<Tracks> {
  const pc = new ndc.PeerConnection(`peer${index}`, {
    iceServers: [],
    enableIceTcp: true,
    disableAutoNegotiation: true,
  });
  const audioLine = new ndc.Audio("0", "SendOnly");
  audioLine.addOpusCodec(111);
  audioLine.addSSRC(1111, "cname", "stream", "audio");
  const videoLine = new ndc.Video("1", "SendOnly");
  videoLine.addH265Codec(96);
  videoLine.addSSRC(2222, "cname", "stream", "video");
  const tracks = { audio: pc.addTrack(audioLine), video: pc.addTrack(videoLine) };
  const gathered = new Promise<void>((resolve) => {
    pc.onGatheringStateChange((state) => {
      if (state === "complete") resolve();
    });
  });
  pc.setLocalDescription("offer");
  await gathered;
  const answer = await postOffer(url, pc.localDescription()?.sdp ?? "");
  pc.setRemoteDescription(answer.replace(/^a=candidate:\S+ \d udp .*\r\n/gim, ""), "answer");
  return tracks;
}

/** Each datagram goes to all of them. */
async function take(tracks: readonly ndc.Track[]): Promise<number> {
  const socket = createSocket("udp4");
  socket.on("message", (packet) => {
    for (const track of tracks) track.sendMessageBinary(packet);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket.address().port;
}
