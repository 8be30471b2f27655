/** Publishing with encodings of the test's own, and playing with a query, in a Chromium page. @module */
import type { Page } from "playwright-core";

export interface PublishOptions {
  /** Codec to publish, as in `video/VP8`. */
  readonly codec: string;
  readonly encodings: readonly (RTCRtpEncodingParameters & { readonly scalabilityMode?: string })[];
  readonly width: number;
  readonly height: number;
}

/** Three layers of a picture of 1280x720; Chromium sends three from that size on. */
export const THREE_LAYERS: readonly RTCRtpEncodingParameters[] = [
  { rid: "q", scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: "h", scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { rid: "f", maxBitrate: 1_500_000 },
];

/** Publishes the fake camera to a WHIP URL of the page's own origin; for `evaluate`. */
export async function publishHere([url, options]: readonly [
  string,
  PublishOptions,
]): Promise<void> {
  const { codec, encodings, width, height } = options;
  const media = await navigator.mediaDevices.getUserMedia({
    audio: true,
    video: { width: { exact: width }, height: { exact: height } },
  });
  const pc = new RTCPeerConnection();
  Object.assign(globalThis, { monoport: { pc } });
  for (const track of media.getAudioTracks()) pc.addTransceiver(track, { direction: "sendonly" });
  for (const track of media.getVideoTracks()) {
    const sender = pc.addTransceiver(track, {
      direction: "sendonly",
      sendEncodings: encodings.map((one) => ({ ...one })),
    });
    const known = RTCRtpSender.getCapabilities("video")?.codecs ?? [];
    const wanted = known.filter(({ mimeType }) => mimeType === codec || mimeType === "video/rtx");
    sender.setCodecPreferences(wanted);
  }
  await pc.setLocalDescription();
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/sdp" },
    body: pc.localDescription?.sdp ?? "",
  });
  if (answer.status !== 201) throw new Error(await answer.text());
  // On a busy machine Chromium takes late packets for a narrow path and sends fewer layers.
  const floor = "x-google-min-bitrate=3000;x-google-start-bitrate=3000";
  const sdp = (await answer.text()).replace(
    /a=rtpmap:(\d+) (?:VP8|H264)\/90000\r\n/g,
    (line, payloadType) => `${line}a=fmtp:${payloadType} ${floor}\r\n`,
  );
  await pc.setRemoteDescription({ type: "answer", sdp });
}

/** The same in Chromium. */
export function publishLayers(page: Page, path: string, options: PublishOptions): Promise<void> {
  return page.evaluate(publishHere, [path, options] as const);
}

/** Plays a WHEP URL; returns where another layer may be chosen. */
export function playLayer(page: Page, path: string): Promise<string> {
  return page.evaluate(async (url) => {
    const pc = new RTCPeerConnection();
    const video = document.createElement("video");
    video.muted = true;
    video.autoplay = true;
    document.body.append(video);
    // Sizes that were shown, each with the longest time between two frames since the last one.
    const sizes: { width: number; height: number; at: number; gap: number }[] = [];
    let last = 0;
    const look = (at: number, { width, height }: { width: number; height: number }): void => {
      const size = sizes.at(-1);
      if (size?.width === width) size.gap = Math.max(size.gap, at - last);
      else sizes.push({ width, height, at, gap: size === undefined ? 0 : at - last });
      last = at;
      video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
    Object.assign(globalThis, { monoport: { pc, sizes } });
    const stream = new MediaStream();
    video.srcObject = stream;
    pc.ontrack = ({ track }) => stream.addTrack(track);
    pc.addTransceiver("audio", { direction: "recvonly" });
    pc.addTransceiver("video", { direction: "recvonly" });
    await pc.setLocalDescription();
    const answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/sdp" },
      body: pc.localDescription?.sdp ?? "",
    });
    if (answer.status !== 201) throw new Error(await answer.text());
    await pc.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    return /<([^>]*)>; rel="[^"]*layer"/.exec(answer.headers.get("link") ?? "")?.[1] ?? "";
  }, path);
}

export interface ShownSize {
  readonly width: number;
  readonly height: number;
  readonly at: number;
  readonly gap: number;
}

/** The sizes a player's page has shown, in order. */
export function shownSizes(page: Page): Promise<ShownSize[]> {
  return page.evaluate(
    () => (globalThis as unknown as { monoport: { sizes: ShownSize[] } }).monoport.sizes,
  );
}

/** Turns a publisher's layer on or off. */
export function setActive(page: Page, rid: string, active: boolean): Promise<void> {
  return page.evaluate(
    async ([id, on]) => {
      const { pc } = (globalThis as unknown as { monoport: { pc: RTCPeerConnection } }).monoport;
      const sender = pc.getSenders().find(({ track }) => track?.kind === "video");
      const parameters = sender?.getParameters();
      if (sender === undefined || parameters === undefined) throw new Error("nothing is sent");
      for (const one of parameters.encodings) if (one.rid === id) one.active = on;
      await sender.setParameters(parameters);
    },
    [rid, active] as const,
  );
}
