/** `GET /APP/STREAM.flv`: HTTP-FLV, and WS-FLV by an upgrade. @module */
import { type Context, Hono } from "hono";
import type { Runtime } from "../../core/base/mod.ts";
import { chunkedTags, encodeTags, webSocketTags } from "../../core/egress/flv/mod.ts";
import { isBadStreamName, parseStreamName } from "../../core/stream/mod.ts";
import {
  type Admitted,
  type Casts,
  HttpOutlet,
  type Wanted,
  webSocketViewer,
} from "../cast/mod.ts";
import type { RequestInfo } from "../http/mod.ts";
import type { Peer } from "./peer.ts";
import { tokenOf } from "./tokens.ts";

export interface FlvRoutesOptions {
  readonly runtime: Runtime;
  readonly casts: Casts;
  readonly peer: (context: Context) => Peer;
  readonly info: (context: Context) => RequestInfo;
}

/** Seconds after which who met a limit may try again. */
const RETRY_SECONDS = "10";
const HEADERS = {
  "content-type": "video/x-flv",
  "cache-control": "no-cache, no-store",
  connection: "close",
};

export function flvRoutes(options: FlvRoutesOptions): Hono {
  const app = new Hono();
  app.get("/:app/:file{[^/]+\\.flv}", async (c) => {
    const wanted = wantedBy(c, options);
    if (wanted instanceof Response) return wanted;
    const admitted = await options.casts.admit(wanted);
    if ("reason" in admitted) {
      const { status, reason } = admitted;
      if (status === 401) c.header("www-authenticate", "Bearer");
      if (status === 429 || status === 503) c.header("retry-after", RETRY_SECONDS);
      return c.text(`${reason}\n`, status);
    }
    if (c.req.method !== "HEAD") return play(c, options, admitted);
    admitted.visit?.left();
    return c.body(null, 200, HEADERS);
  });
  return app;
}

function wantedBy(c: Context, { peer }: FlvRoutesOptions): Wanted | Response {
  const name = parseStreamName(c.req.param("app") ?? "", streamOf(c));
  if (isBadStreamName(name)) return c.text(`${name.message}\n`, 404);
  const audio = c.req.query("audio") ?? "aac";
  if (audio !== "aac" && audio !== "opus") {
    return c.text(`audio ${JSON.stringify(audio.slice(0, 16))} is not aac or opus\n`, 400);
  }
  return {
    name,
    audio,
    type: "flv-play",
    address: peer(c).address,
    token: tokenOf(c),
    query: new URL(c.req.url).search.slice(1),
    pageUrl: c.req.header("referer") ?? "",
  };
}

function streamOf(c: Context): string {
  return (c.req.param("file") ?? "").slice(0, -".flv".length);
}

function play(c: Context, { runtime, casts, info }: FlvRoutesOptions, wanted: Admitted): Response {
  const request = info(c);
  if (c.req.header("upgrade")?.toLowerCase() === "websocket") {
    const handlers = webSocketViewer((outlet) =>
      casts.play(wanted, casts.flv, webSocketTags, outlet),
    );
    return request.upgradeWebSocket(handlers);
  }
  const { chunked } = request;
  const framing = chunked ? chunkedTags : encodeTags;
  const coding: [string, string][] = chunked ? [["transfer-encoding", "chunked"]] : [];
  return request.takeOver(
    (conn) => {
      new HttpOutlet(runtime, conn, chunked, (outlet) =>
        casts.play(wanted, casts.flv, framing, outlet),
      );
    },
    { fields: [...Object.entries(HEADERS), ...coding] },
  );
}
