/**
 * What srs_player.html was asked for, with the queries of SRS's page: `schema` (`http`, `https`,
 * `ws`, `wss`), `server`, `port`, `app`, `stream` (`livestream`, `livestream.flv`,
 * `livestream.ts`, `livestream.m3u8`), `buffer` (seconds), `autostart`. Others go on to the stream's address.
 *
 * @module
 */
import type { Source } from "./playback.ts";

const own = new Set([
  "schema",
  "server",
  "port",
  "api",
  "app",
  "stream",
  "buffer",
  "autostart",
  "vhost",
  "path",
  "dir",
]);

const kinds: Readonly<Record<string, Source["kind"]>> = { flv: "flv", ts: "ts", m3u8: "hls" };

/** The address of the stream that the page's queries name. */
export function streamUrl(page: URL): URL {
  const query = page.searchParams;
  const scheme = query.get("schema") || page.protocol.replace(/:$/, "");
  const server = query.get("server") || page.hostname;
  const port = query.get("port") || (server === page.hostname ? page.port : "");
  const app = query.get("app") || "live";
  const stream = query.get("stream") || "livestream";
  const name = /\.(flv|ts|m3u8)$/.test(stream) ? stream : `${stream}.flv`;
  const url = new URL(`${scheme}://${server}`);
  if (port !== "") url.port = port;
  url.pathname = `/${app}/${name}`;
  for (const [key, value] of query) if (!own.has(key)) url.searchParams.append(key, value);
  return url;
}

/** `undefined` when it is no address of a stream that can be played. */
export function sourceOf(text: string, buffer: number | undefined): Source | undefined {
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch {
    return undefined;
  }
  const [, ending = ""] = /\.(flv|ts|m3u8)$/.exec(url.pathname) ?? [];
  const kind = kinds[ending];
  if (kind === undefined) return undefined;
  const schemes = kind === "hls" ? /^https?:$/ : /^(https?|wss?):$/;
  if (!schemes.test(url.protocol)) return undefined;
  const name = url.pathname.slice(1).replace(/\.(flv|ts|m3u8)$/, "");
  return { kind, url, name, buffer };
}

/** Seconds, 0 to 60; `undefined` when not given or not to be read so. */
export function bufferOf(page: URL): number | undefined {
  const text = page.searchParams.get("buffer");
  const seconds = Number(text);
  return text !== null && text !== "" && seconds >= 0 && seconds <= 60 ? seconds : undefined;
}
