/** The last keyframe of a stream, drawn on a canvas by the browser's own decoder (WebCodecs). @module */
import type { Settings } from "./settings.ts";

/** Why no picture of any stream can be drawn here; `undefined` when they can. */
export function whyNoPictures(): string | undefined {
  if (typeof VideoDecoder !== "undefined") return undefined;
  return isSecureContext
    ? "This browser has no decoder for pages (WebCodecs): the list has no pictures."
    : "Browsers give their decoders only to pages that came by HTTPS or from localhost: the list has no pictures.";
}

/** What it is called and what it shows could not be told apart otherwise. */
class Undrawable extends Error {}

/** Pixels; the canvas is scaled to its place. */
const canvasWidth = 480;
const decodeMillis = 3_000;

/** Fetches and draws; returns what kept it from doing so, in words, and nothing when it did. */
export async function drawKeyframe(
  settings: Settings,
  id: string,
  canvas: HTMLCanvasElement,
): Promise<string> {
  try {
    const url = new URL(`/api/v1/streams/${encodeURIComponent(id)}/keyframe`, settings.origin);
    const headers = settings.token === "" ? {} : { authorization: `Bearer ${settings.token}` };
    const answer = await fetch(url, { signal: AbortSignal.timeout(8_000), headers });
    if (!answer.ok) return whyRefused(answer.status);
    const config = configOf(answer.headers);
    await decode(config, await answer.arrayBuffer(), canvas);
    return "";
  } catch (error) {
    return error instanceof Undrawable ? error.message : "No picture: the server does not answer.";
  }
}

function whyRefused(status: number): string {
  if (status === 401 || status === 403) return "The picture is not for everybody.";
  return status === 404 ? "No picture." : "No picture yet.";
}

function configOf(headers: Headers): VideoDecoderConfig {
  const codec = headers.get("monoport-codec") ?? "";
  const description = headers.get("monoport-description") ?? "";
  const bytes = Uint8Array.from(atob(description), (character) => character.charCodeAt(0));
  return { codec, ...(bytes.length === 0 ? {} : { description: bytes }) };
}

async function decode(
  config: VideoDecoderConfig,
  data: ArrayBuffer,
  canvas: HTMLCanvasElement,
): Promise<void> {
  const cannot = new Undrawable(`This browser cannot decode ${config.codec}.`);
  const { supported } = await VideoDecoder.isConfigSupported(config).catch(() => ({
    supported: false,
  }));
  if (supported !== true) throw cannot;
  let drawn = false;
  const decoder = new VideoDecoder({
    output: (frame) => {
      drawn ||= draw(frame, canvas);
      frame.close();
    },
    error: () => {},
  });
  try {
    decoder.configure(config);
    decoder.decode(new EncodedVideoChunk({ type: "key", timestamp: 0, data }));
    const late = new Promise((wake) => setTimeout(wake, decodeMillis));
    await Promise.race([decoder.flush(), late]);
  } catch {
    throw cannot;
  } finally {
    if (decoder.state !== "closed") decoder.close();
  }
  if (!drawn) throw cannot;
}

function draw(frame: VideoFrame, canvas: HTMLCanvasElement): boolean {
  const { displayWidth, displayHeight } = frame;
  const context = canvas.getContext("2d");
  if (context === null || displayWidth === 0) return false;
  canvas.width = Math.min(canvasWidth, displayWidth);
  canvas.height = Math.max(1, Math.round((canvas.width * displayHeight) / displayWidth));
  context.drawImage(frame, 0, 0, canvas.width, canvas.height);
  return true;
}
