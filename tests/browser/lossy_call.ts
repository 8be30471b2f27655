/** Publishing what fills a path, and what `getStats` tells of loss. @module */
import type { Page } from "playwright-core";
import type { RtcStat } from "./rtc_stat.ts";

/** Counts since the connection began, and estimates in bits per second; 0 where there is none. */
export interface Figures {
  /** In ms. */
  readonly at: number;
  readonly framesDecoded: number;
  readonly framesEncoded: number;
  readonly freezes: number;
  readonly freezeSeconds: number;
  /** Of video, as the next ones. */
  readonly packets: number;
  readonly bytes: number;
  readonly lost: number;
  readonly nacks: number;
  readonly plis: number;
  /** Retransmissions received, or sent. */
  readonly repaired: number;
  /** Samples of audio, and those of them that were made up. */
  readonly samples: number;
  readonly concealed: number;
  /** Of a publisher. */
  readonly available: number;
  readonly target: number;
}

/** Figures of `window.monoport.pc`. */
export function figuresOf(page: Page): Promise<Figures> {
  return page.evaluate(async () => {
    const { pc } = (globalThis as unknown as { monoport: { pc: RTCPeerConnection } }).monoport;
    const all: RtcStat[] = [];
    (await pc.getStats()).forEach((one: RtcStat) => void all.push(one));
    const rtp = all.filter((one) => /^(in|out)bound-rtp$/.test(one.type));
    const video = rtp.find((one) => one.kind === "video");
    const audio = rtp.find((one) => one.kind === "audio");
    const pair = all.find((one) => one.availableOutgoingBitrate !== undefined);
    return {
      at: performance.now(),
      framesDecoded: video?.framesDecoded ?? 0,
      framesEncoded: video?.framesEncoded ?? 0,
      freezes: video?.freezeCount ?? 0,
      freezeSeconds: video?.totalFreezesDuration ?? 0,
      packets: video?.packetsReceived ?? video?.packetsSent ?? 0,
      bytes: video?.bytesReceived ?? video?.bytesSent ?? 0,
      lost: video?.packetsLost ?? 0,
      nacks: video?.nackCount ?? 0,
      plis: video?.pliCount ?? 0,
      repaired: video?.retransmittedPacketsReceived ?? video?.retransmittedPacketsSent ?? 0,
      samples: audio?.totalSamplesReceived ?? 0,
      concealed: audio?.concealedSamples ?? 0,
      available: pair?.availableOutgoingBitrate ?? 0,
      target: video?.targetBitrate ?? 0,
    };
  });
}

/** What changed between two of them. */
export function since(before: Figures, now: Figures): Figures {
  const names = Object.keys(now) as (keyof Figures)[];
  const changes = names.map((name) => [name, now[name] - before[name]] as const);
  return Object.fromEntries(changes) as unknown as Figures;
}

/** Publishes the fake camera in 720p, or a picture that takes as many bits as there are. */
export async function publish(
  page: Page,
  url: string,
  source: "camera" | "noise",
  bitrate: number,
): Promise<void> {
  await page.evaluate(
    async ({ address, maxBitrate, noise }) => {
      const pc = new RTCPeerConnection();
      (globalThis as unknown as { monoport: unknown }).monoport = { pc };
      const video = noise ? false : { width: 1280, height: 720 };
      const stream = await navigator.mediaDevices.getUserMedia({ video, audio: true });
      if (noise) {
        const canvas = document.createElement("canvas");
        canvas.width = 640;
        canvas.height = 360;
        const context = canvas.getContext("2d");
        setInterval(() => {
          for (let i = 0; context !== null && i < 400; i++) {
            context.fillStyle = `hsl(${Math.random() * 360} 50% ${Math.random() * 100}%)`;
            context.fillRect(Math.random() * 640, Math.random() * 360, 24, 24);
          }
        }, 40);
        for (const track of canvas.captureStream(25).getTracks()) stream.addTrack(track);
      }
      for (const track of stream.getTracks()) {
        const sendEncodings = track.kind === "video" ? [{ maxBitrate }] : [];
        pc.addTransceiver(track, { direction: "sendonly", sendEncodings });
      }
      await pc.setLocalDescription();
      const headers = { "Content-Type": "application/sdp" };
      const body = pc.localDescription?.sdp ?? "";
      const answer = await fetch(address, { method: "POST", headers, body });
      await pc.setRemoteDescription({ type: "answer", sdp: await answer.text() });
      while (pc.connectionState !== "connected") await new Promise((wake) => setTimeout(wake, 20));
    },
    { address: url, maxBitrate: bitrate, noise: source === "noise" },
  );
}
