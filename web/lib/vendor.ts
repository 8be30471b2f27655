/**
 * The two players that are not ours, each a file of its own beside the pages in players/, loaded
 * when it is needed. What is written down here of them is what we use.
 *
 * @module
 */

/** hls.js (https://github.com/video-dev/hls.js). */
export interface Hls {
  loadSource(url: string): void;
  attachMedia(video: HTMLVideoElement): void;
  destroy(): void;
  recoverMediaError(): void;
  on(event: "hlsError", call: (event: string, error: HlsError) => void): void;
  /** Seconds behind the live edge, by what the playlist says. */
  readonly latency: number;
  /** When the picture was taken, where the playlist says (EXT-X-PROGRAM-DATE-TIME). */
  readonly playingDate: Date | null;
}

export interface HlsError {
  readonly fatal: boolean;
  readonly type: "networkError" | "mediaError" | string;
  readonly details: string;
  readonly response?: { readonly code: number };
}

interface HlsClass {
  new (options: Readonly<Record<string, unknown>>): Hls;
  isSupported(): boolean;
}

/** mpegts.js (https://github.com/xqq/mpegts.js). */
export interface FlvPlayer {
  attachMediaElement(video: HTMLVideoElement): void;
  load(): void;
  destroy(): void;
  on(
    event: "error",
    call: (
      type: string,
      detail: string,
      info: { readonly code?: number; readonly msg?: string },
    ) => void,
  ): void;
  on(event: "loading_complete", call: () => void): void;
}

interface Mpegts {
  isSupported(): boolean;
  createPlayer(
    source: Readonly<Record<string, unknown>>,
    options: Readonly<Record<string, unknown>>,
  ): FlvPlayer;
}

export function loadHls(): Promise<HlsClass> {
  return load<HlsClass>("hls.js");
}

export function loadMpegts(): Promise<Mpegts> {
  return load<Mpegts>("mpegts.js");
}

async function load<T>(name: string): Promise<T> {
  const url = new URL(`vendor/${name}`, import.meta.url).href;
  return ((await import(url)) as { readonly default: T }).default;
}
