/** `/APP/STREAM.m3u8` and what it names: HLS, with low latency where players know it (RFC 8216bis). @module */
import { type Context, Hono } from "hono";
import { isBadStreamName, parseStreamName, type StreamName } from "../../core/stream/mod.ts";
import type { Admission, Admit } from "../admit.ts";
import type { Hls, HlsAudio, HlsMuxer, RenditionName } from "../hls/mod.ts";
import type { Visitor } from "../hooks/mod.ts";
import type { Metrics } from "../metrics.ts";
import type { Peer } from "./peer.ts";
import { sharedBody } from "./shared_body.ts";
import { tokenOf } from "./tokens.ts";

export interface HlsRoutesOptions {
  readonly hls: Hls;
  readonly admit: Admit;
  readonly metrics: Metrics;
  readonly now: () => number;
  readonly peer: (context: Context) => Peer;
}

const PLAYLIST = /^(.+)\.m3u8$/;
const RENDITION = /^(media|audio)\.m3u8$/;
/** Names that `HlsMuxer` gives: ID-[a]NUMBER[.PART].m4s or .ts, ID-[a]initMAP.mp4. */
const MEDIA = /^([0-9a-f]{12})-(a?)(?:(\d{1,12})(?:\.(\d{1,6}))?\.(m4s|ts)|init(\d{1,9})\.mp4)$/;
const PLAYLIST_TYPE = "application/vnd.apple.mpegurl";
/** How long a request may wait for a publisher, and for enough to start with. */
const PUBLISHER_MILLIS = 3000;
const START_MILLIS = 15_000;
/** Who could not be decided on may come again so soon. */
const RETRY_SECONDS = 3;
const TEXT = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" } as const;

export function hlsRoutes(options: HlsRoutesOptions): Hono {
  const app = new Hono();
  app.get("/:app/:file", (c, next) => {
    const [, stream] = PLAYLIST.exec(c.req.param("file")) ?? [];
    return stream === undefined ? next() : playlist(c, options, stream, undefined);
  });
  app.get("/:app/:stream/:file", (c, next) => {
    const file = c.req.param("file");
    const [, rendition] = RENDITION.exec(file) ?? [];
    if (rendition === "media" || rendition === "audio")
      return playlist(c, options, c.req.param("stream"), rendition);
    const [, id, audio, number, part, extension, map] = MEDIA.exec(file) ?? [];
    if (id === undefined) return next();
    const name = audio === "a" ? "audio" : "media";
    return media(c, options, id, { name, number, part, map, ts: extension === "ts" });
  });
  return app;
}

type Refuse = (
  status: 400 | 401 | 403 | 404 | 429 | 503,
  message: string,
  retry?: number,
) => Response;

/** The multivariant playlist of a stream, or that of one of its renditions. */
async function playlist(
  c: Context,
  options: HlsRoutesOptions,
  stream: string,
  rendition: RenditionName | undefined,
): Promise<Response> {
  const refuse: Refuse = (status, message, retry = 0) => {
    options.metrics.count("monoport_sessions_refused_total", String(status));
    const later = retry > 0 ? { "retry-after": String(retry) } : {};
    const login = status === 401 ? { "www-authenticate": "Bearer" } : {};
    return c.body(`${message}\n`, status, { ...TEXT, ...later, ...login });
  };
  const name = parseStreamName(c.req.param("app") ?? "", stream);
  if (isBadStreamName(name)) return refuse(400, name.message);
  const directives = directivesOf(c);
  if (typeof directives === "string") return refuse(400, directives);
  const wanted = await admitted(c, options, name, refuse);
  if (wanted instanceof Response) return wanted;
  const muxer = options.hls.open(name, wanted, options.peer(c).address);
  if (muxer === undefined) return refuse(503, "Too many streams are made into HLS now", 5);
  const { signal } = c.req.raw;
  if (!(await muxer.when(() => muxer.live || muxer.ready, PUBLISHER_MILLIS, signal)))
    return refuse(404, `Nobody publishes ${name.key}`, 2);
  if (!(await muxer.when(() => muxer.ready, START_MILLIS, signal)))
    return refuse(503, `${name.key} has not enough to start with yet`, 1);
  if (rendition !== undefined) return await whenReached(c, muxer, rendition, directives, refuse);
  return c.body(muxer.multivariant(name.stream, queryOf(c)), 200, {
    "content-type": PLAYLIST_TYPE,
    "cache-control": "max-age=1",
  });
}

/** The sound that is wanted, of somebody who may watch. */
async function admitted(
  c: Context,
  { hls, admit, peer, now }: HlsRoutesOptions,
  name: StreamName,
  refuse: Refuse,
): Promise<HlsAudio | Response> {
  const { app, stream } = name;
  const { address } = peer(c);
  const admission = { action: "play", app, stream, token: tokenOf(c), address } as const;
  const verdict = await admit(admission);
  if (!verdict.admitted) return refuse(verdict.status, verdict.reason);
  const audio = c.req.query("audio") ?? "aac";
  if (audio !== "aac" && audio !== "opus")
    return refuse(400, `Cannot serve audio=${JSON.stringify(audio.slice(0, 20))}: aac or opus`);
  if (audio === "opus" && hls.ts)
    return refuse(400, "Cannot serve audio=opus: segments are MPEG-TS here (vhost.hls.hls_ts)");
  const agent = c.req.header("user-agent") ?? "";
  const who = visitor(c, admission);
  const entered = await hls.viewers.enter(name, agent, who, now());
  if (!entered.admitted)
    return refuse(
      entered.status,
      entered.reason,
      entered.status === 429 || entered.status === 503 ? RETRY_SECONDS : 0,
    );
  if (!hls.viewers.see(name, agent, who, now()))
    return refuse(404, `${name.key} was ended for this viewer`);
  return audio;
}

/** As SRS tells hooks of him. */
function visitor(c: Context, admission: Admission): Visitor {
  const { search } = new URL(c.req.url);
  const { app, stream } = admission;
  return {
    ...admission,
    param: search,
    tcUrl: `http://${c.req.header("host") ?? ""}/${app}`,
    pageUrl: c.req.header("referer") ?? "",
    file: `${stream}.m3u8`,
  };
}

/** What the playlists of renditions are asked with, too: hooks and admission may need any of it. */
function queryOf(c: Context): string {
  const kept = new URL(c.req.url).searchParams;
  for (const name of [...kept.keys()]) if (name.startsWith("_HLS_")) kept.delete(name);
  return kept.size > 0 ? `?${kept}` : "";
}

interface Directives {
  readonly number: number | undefined;
  readonly part: number | undefined;
  readonly skip: boolean;
}

/** A blocking reload of the playlist (RFC 8216bis §6.2.5.2), or one at once. */
async function whenReached(
  c: Context,
  muxer: HlsMuxer,
  rendition: RenditionName,
  { number, part, skip }: Directives,
  refuse: Refuse,
): Promise<Response> {
  const headers = { "content-type": PLAYLIST_TYPE };
  const { targetSeconds } = muxer;
  const text = (): string => muxer.playlist(rendition, { skip, query: queryOf(c) });
  if (number === undefined)
    return c.body(text(), 200, { ...headers, "cache-control": "max-age=1" });
  if (number > muxer.current + 1)
    return refuse(400, `_HLS_msn=${number} is too far ahead of ${muxer.current}`);
  const patience = 3 * targetSeconds * 1000;
  if (!(await muxer.when(() => muxer.reached(number, part), patience, c.req.raw.signal)))
    return refuse(503, "The stream does not go on", 1);
  // The answer to this URL is the same for all who ask, and soon nobody asks for it any more.
  const cached = `max-age=${6 * targetSeconds}`;
  return c.body(text(), 200, { ...headers, "cache-control": cached });
}

/** The delivery directives of a request; a text says what is wrong with them. */
function directivesOf(c: Context): Directives | string {
  const read = (name: string): number | undefined => {
    const text = c.req.query(name);
    return text === undefined ? undefined : /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
  };
  const number = read("_HLS_msn");
  const part = read("_HLS_part");
  if (Number.isNaN(number)) return "_HLS_msn is not a media sequence number";
  if (Number.isNaN(part)) return "_HLS_part is not the number of a part";
  if (part !== undefined && number === undefined) return "_HLS_part needs _HLS_msn";
  const skip = c.req.query("_HLS_skip");
  return { number, part, skip: skip === "YES" || skip === "v2" };
}

interface MediaName {
  readonly name: RenditionName;
  readonly number: string | undefined;
  readonly part: string | undefined;
  readonly map: string | undefined;
  readonly ts: boolean;
}

/** A segment, a part, or what comes before them; a part that is hinted at is waited for. */
async function media(
  c: Context,
  { hls, metrics }: HlsRoutesOptions,
  id: string,
  { name, number, part, map, ts }: MediaName,
): Promise<Response> {
  const muxer = hls.find(id);
  const [n, p] = [Number(number), Number(part)];
  if (muxer !== undefined && part !== undefined) {
    const patience = muxer.targetSeconds * 1000;
    await muxer.when(() => !muxer.expects(n, p), patience, c.req.raw.signal);
  }
  const rendition = muxer?.rendition(name);
  const bytes =
    map !== undefined
      ? rendition?.init(Number(map))
      : part !== undefined
        ? rendition?.part(n, p)
        : rendition?.segment(n);
  // What is empty is told as a gap.
  if (bytes === undefined || bytes.length === 0)
    return c.body("There is no such segment\n", 404, TEXT);
  metrics.count("monoport_hls_sent_bytes_total", "", bytes.length);
  const { body, fields } = sharedBody(bytes);
  return c.body(body, 200, {
    ...fields,
    "content-type": ts ? "video/mp2t" : name === "audio" ? "audio/mp4" : "video/mp4",
    // A name never means anything else.
    "cache-control": "max-age=3600, immutable",
  });
}
