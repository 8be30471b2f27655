/**
 * libwebrtc (@roamhq/wrtc, without H.264). `node wrtc_peer.ts publish URL`: sends a picture that
 * changes and a tone, tells when it is connected. `play URL`: tells what it decoded once 25 frames
 * and 50 pieces of sound came.
 *
 * @module
 */
import wrtc from "@roamhq/wrtc";
import { postOffer, tell } from "./peer_process.ts";

const WIDTH = 320;
const HEIGHT = 240;
const FRAMES = 25;
const SOUNDS = 50;

const [mode, url = ""] = process.argv.slice(2);
const pc = new wrtc.RTCPeerConnection({ iceServers: [] });
if (mode === "publish") await publish();
else await play();

async function negotiate(): Promise<void> {
  await pc.setLocalDescription(await pc.createOffer());
  const sdp = await postOffer(url, pc.localDescription?.sdp ?? "");
  await pc.setRemoteDescription({ type: "answer", sdp });
}

async function publish(): Promise<void> {
  const video = new wrtc.nonstandard.RTCVideoSource();
  const audio = new wrtc.nonstandard.RTCAudioSource();
  const stream = new wrtc.MediaStream([video.createTrack(), audio.createTrack()]);
  for (const track of stream.getTracks()) {
    pc.addTransceiver(track, { direction: "sendonly", streams: [stream] });
  }
  await negotiate();
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
  while (pc.connectionState !== "connected") await new Promise((wake) => setTimeout(wake, 20));
  await tell({ connected: true });
}

async function play(): Promise<void> {
  let frames = 0;
  let width = 0;
  let sounds = 0;
  let loudest = 0;
  pc.ontrack = ({ track }) => {
    if (track.kind === "video") {
      new wrtc.nonstandard.RTCVideoSink(track).onframe = ({
        frame,
      }: {
        frame: { width: number };
      }) => {
        frames++;
        width = frame.width;
      };
    } else {
      new wrtc.nonstandard.RTCAudioSink(track).ondata = ({ samples }: { samples: Int16Array }) => {
        for (const sample of samples) loudest = Math.max(loudest, Math.abs(sample));
        sounds++;
      };
    }
  };
  for (const kind of ["audio", "video"]) pc.addTransceiver(kind, { direction: "recvonly" });
  await negotiate();
  while (frames < FRAMES || sounds < SOUNDS || loudest < 1000) {
    await new Promise((wake) => setTimeout(wake, 50));
  }
  const report = await pc.getStats();
  let protocol = "";
  let codec = "";
  for (const [, one] of report) {
    if (one.type === "candidate-pair" && one.nominated) {
      protocol = report.get(one.localCandidateId)?.protocol ?? protocol;
    }
    if (one.type === "inbound-rtp" && one.kind === "video") {
      codec = report.get(one.codecId)?.mimeType ?? "";
    }
  }
  await tell({ codec, width, protocol });
  process.exit(0);
}
