/** `GET /APP/STREAM.flv`, `.ts` and `.aac`: a stream without end, by HTTP and WebSocket. @module */
import { type Context, Hono } from "hono";
import type { Runtime } from "../../core/base/mod.ts";
import type { AdtsBytes } from "../../core/egress/adts/mod.ts";
import {
  type CastMade,
  chunkedBytes,
  type Framing,
  type MadeBytes,
  plainBytes,
  webSocketBytes,
} from "../../core/egress/cast/mod.ts";
import { chunkedTags, encodeTags, type FlvTag, webSocketTags } from "../../core/egress/flv/mod.ts";
import type { TsPackets, TsPiece } from "../../core/egress/ts/mod.ts";
import { isBadStreamName, parseStreamName } from "../../core/stream/mod.ts";
import {
  type Admitted,
  type Broadcasts,
  type Casts,
  type Format,
  HttpOutlet,
  type Outlet,
  type Viewer,
  type Wanted,
  webSocketViewer,
} from "../cast/mod.ts";
import type { RequestInfo } from "../http/mod.ts";
import type { Peer } from "./peer.ts";
import { tokenOf } from "./tokens.ts";

export interface RemuxRoutesOptions {
  readonly runtime: Runtime;
  readonly casts: Casts;
  readonly peer: (context: Context) => Peer;
  readonly info: (context: Context) => RequestInfo;
}

/** Seconds after which who met a limit may try again. */
const RETRY_SECONDS = "10";
const TYPES: Readonly<Record<Format, string>> = {
  flv: "video/x-flv",
  ts: "video/mp2t",
  aac: "audio/aac",
};

export function remuxRoutes(options: RemuxRoutesOptions): Hono {
  const app = new Hono();
  for (const format of ["flv", "ts", "aac"] as const) {
    app.get(`/:app/:file{[^/]+\\.${format}}`, async (c) => {
      const wanted = wantedBy(c, format, options);
      if (wanted instanceof Response) return wanted;
      const admitted = await options.casts.admit(wanted);
      if ("reason" in admitted) {
        const { status, reason } = admitted;
        if (status === 401) c.header("www-authenticate", "Bearer");
        if (status === 429 || status === 503) c.header("retry-after", RETRY_SECONDS);
        return c.text(`${reason}\n`, status);
      }
      if (c.req.method !== "HEAD") return play(c, format, options, admitted);
      admitted.visit?.left();
      return c.body(null, 200, headersOf(format));
    });
  }
  return app;
}

function headersOf(format: Format): Record<string, string> {
  return {
    "content-type": TYPES[format],
    "cache-control": "no-cache, no-store",
    connection: "close",
  };
}

function wantedBy(c: Context, format: Format, { peer }: RemuxRoutesOptions): Wanted | Response {
  const stream = (c.req.param("file") ?? "").slice(0, -1 - format.length);
  const name = parseStreamName(c.req.param("app") ?? "", stream);
  if (isBadStreamName(name)) return c.text(`${name.message}\n`, 404);
  const audio = c.req.query("audio") ?? "aac";
  if (audio !== "aac" && (audio !== "opus" || format !== "flv")) {
    const known = format === "flv" ? "aac or opus" : "aac, which .ts and .aac have alone";
    return c.text(`audio ${JSON.stringify(audio.slice(0, 16))} is not ${known}\n`, 400);
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

function play(
  c: Context,
  format: Format,
  { runtime, casts, info }: RemuxRoutesOptions,
  wanted: Admitted,
): Response {
  const request = info(c);
  const by = WAYS[format];
  if (c.req.header("upgrade")?.toLowerCase() === "websocket") {
    const handlers = webSocketViewer((outlet) => by(casts, wanted, "webSocket", outlet));
    return request.upgradeWebSocket(handlers);
  }
  const { chunked } = request;
  const how = chunked ? "chunked" : "plain";
  const coding: [string, string][] = chunked ? [["transfer-encoding", "chunked"]] : [];
  return request.takeOver(
    (conn) => {
      new HttpOutlet(runtime, conn, chunked, (outlet) => by(casts, wanted, how, outlet));
    },
    { fields: [...Object.entries(headersOf(format)), ...coding] },
  );
}

type Framings<Made> = Readonly<Record<"plain" | "chunked" | "webSocket", Framing<Made>>>;
type Way = (casts: Casts, wanted: Admitted, how: keyof Framings<never>, outlet: Outlet) => Viewer;

const TAGS: Framings<FlvTag> = {
  plain: encodeTags,
  chunked: chunkedTags,
  webSocket: webSocketTags,
};
const BYTES: Framings<MadeBytes> = {
  plain: plainBytes,
  chunked: chunkedBytes,
  webSocket: webSocketBytes,
};

const WAYS: Readonly<Record<Format, Way>> = {
  flv: wayOf(({ flv }) => flv, TAGS),
  ts: wayOf<TsPiece, TsPackets>(({ ts }) => ts, BYTES),
  aac: wayOf<AdtsBytes, AdtsBytes>(({ aac }) => aac, BYTES),
};

function wayOf<Piece, Made extends CastMade<Made>>(
  of: (casts: Casts) => Broadcasts<Piece, Made>,
  framings: Framings<Made>,
): Way {
  return (casts, wanted, how, outlet) => casts.play(wanted, of(casts), framings[how], outlet);
}
