/**
 * libdatachannel (node-datachannel) over ICE-TCP. `node datachannel_peer.ts publish URL`: sends the
 * demo clip as RTP made here, H.264 and Opus, tells when it is connected, and tells the keyframe
 * requests it gets. `play URL`: tells what came in 100 packets of video and 50 of audio.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ndc from "node-datachannel";
import { decodeDemoClip } from "../../server/demo/demo_clip.ts";
import { repository } from "../tools.ts";
import { postOffer, tell } from "./peer_process.ts";

const PAYLOAD_MAX = 1180;
const audioType = 111;
const videoType = 96;

const [mode, url = ""] = process.argv.slice(2);
const publishing = mode === "publish";
const pc = new ndc.PeerConnection("peer", {
  iceServers: [],
  enableIceTcp: true,
  disableAutoNegotiation: true,
});
const direction = publishing ? "SendOnly" : "RecvOnly";
const audioLine = new ndc.Audio("0", direction);
audioLine.addOpusCodec(audioType);
const videoLine = new ndc.Video("1", direction);
videoLine.addH264Codec(videoType);
if (publishing) audioLine.addSSRC(1111, "cname", "stream", "audio");
if (publishing) videoLine.addSSRC(2222, "cname", "stream", "video");
const audio = pc.addTrack(audioLine);
const video = pc.addTrack(videoLine);
const gathered = new Promise<void>((resolve) => {
  pc.onGatheringStateChange((state) => {
    if (state === "complete") resolve();
  });
});
pc.setLocalDescription("offer");
await gathered;
if (publishing) await publish();
else await play();

async function negotiate(): Promise<void> {
  pc.setRemoteDescription(await postOffer(url, pc.localDescription()?.sdp ?? ""), "answer");
}

async function publish(): Promise<void> {
  video.onMessage((message) => {
    // RFC 4585 §6.1: payload-specific feedback, here PLI.
    if (message[1] === 206 && ((message[0] ?? 0) & 31) === 1) void tell({ keyframeRequest: true });
  });
  await negotiate();
  while (!video.isOpen() || !audio.isOpen()) await new Promise((wake) => setTimeout(wake, 20));
  await tell({ connected: true });
  const clip = decodeDemoClip(readFileSync(join(repository, "web", "demo", "clip.bin")));
  const started = performance.now();
  let pictures = 0;
  let sounds = 0;
  setInterval(() => {
    const now = performance.now() - started;
    for (; ; pictures++) {
      const picture = clip.video[pictures % clip.video.length];
      const round = Math.floor(pictures / clip.video.length) * clip.durationMillis;
      if (picture === undefined || round + picture.timestampMillis > now) break;
      sendPicture(picture.nalUnits, Math.round((round + picture.timestampMillis) * 90));
    }
    for (; sounds * 20 <= now; sounds++) {
      const { packet } = clip.audio[sounds % clip.audio.length] ?? {};
      if (packet)
        audio.sendMessageBinary(rtp(audioType, sounds, sounds * 960, 1111, false, packet));
    }
  }, 10);
}

let videoSequence = 65_500;

/** RFC 6184: a NAL unit in one packet, or in FU-A. */
function sendPicture(nalUnits: readonly Uint8Array[], timestamp: number): void {
  for (const [index, nal] of nalUnits.entries()) {
    const last = index === nalUnits.length - 1;
    const send = (payload: Uint8Array, marker: boolean): void => {
      const packet = rtp(videoType, videoSequence++, timestamp, 2222, marker, payload);
      video.sendMessageBinary(packet);
    };
    if (nal.length <= PAYLOAD_MAX) {
      send(nal, last);
      continue;
    }
    const header = nal[0] ?? 0;
    for (let from = 1; from < nal.length; from += PAYLOAD_MAX) {
      const part = nal.subarray(from, from + PAYLOAD_MAX);
      const ends = from + PAYLOAD_MAX >= nal.length;
      const flags = (from === 1 ? 0x80 : 0) | (ends ? 0x40 : 0);
      const fragment = [(header & 0xe0) | 28, flags | (header & 0x1f), ...part];
      send(Uint8Array.from(fragment), ends && last);
    }
  }
}

/** RFC 3550 §5.1, without CSRC and extension. */
function rtp(
  payloadType: number,
  sequence: number,
  timestamp: number,
  ssrc: number,
  marker: boolean,
  payload: Uint8Array,
): Buffer {
  const packet = Buffer.alloc(12 + payload.length);
  packet[0] = 0x80;
  packet[1] = payloadType | (marker ? 0x80 : 0);
  packet.writeUInt16BE(sequence & 0xffff, 2);
  packet.writeUInt32BE(timestamp >>> 0, 4);
  packet.writeUInt32BE(ssrc, 8);
  packet.set(payload, 12);
  return packet;
}

async function play(): Promise<void> {
  const sequences: number[] = [];
  let sounds = 0;
  let keyframes = 0;
  let firstNal = -1;
  const complete = new Promise<void>((resolve) => {
    const isRtp = (message: Buffer): boolean => ((message[1] ?? 0) & 0x7f) < 64 || isMedia(message);
    video.onMessage((message) => {
      if (!isRtp(message)) return;
      sequences.push(message.readUInt16BE(2));
      const type = nalType(message);
      if (firstNal < 0) firstNal = type;
      if (type === 5) keyframes++;
      if (sequences.length >= 100 && sounds >= 50) resolve();
    });
    audio.onMessage((message) => {
      if (isRtp(message)) sounds++;
      if (sequences.length >= 100 && sounds >= 50) resolve();
    });
  });
  await negotiate();
  await complete;
  const gaps = sequences.filter(
    (sequence, at) => at > 0 && sequence !== (((sequences[at - 1] ?? 0) + 1) & 0xffff),
  ).length;
  await tell({ video: sequences.length, audio: sounds, keyframes, firstNal, gaps });
  pc.close();
  process.exit(0);
}

function isMedia(message: Buffer): boolean {
  const type = (message[1] ?? 0) & 0x7f;
  return type === audioType || type === videoType;
}

/**
 * The NAL unit type in a packet: of a fragment the fragmented one's, and of an aggregate the first
 * one's.
 */
function nalType(message: Buffer): number {
  const extended = ((message[0] ?? 0) & 0x10) !== 0;
  const start = extended ? 16 + 4 * message.readUInt16BE(14) : 12;
  const type = (message[start] ?? 0) & 31;
  if (type === 28) return (message[start + 1] ?? 0) & 31;
  return type === 24 ? (message[start + 3] ?? 0) & 31 : type;
}
