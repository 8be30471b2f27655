/**
 * Every HTTP route of the port, as one Hono application.
 *
 * @module
 */
import { type Context, Hono, type MiddlewareHandler } from "hono";
import type { Metrics } from "./metrics.ts";
import type { Readiness } from "./readiness.ts";
import { type ApiOptions, apiRoutes } from "./routes/api.ts";
import { type DiagnoseOptions, diagnoseRoutes } from "./routes/diagnose.ts";
import { eventRoutes } from "./routes/events.ts";
import { type HlsRoutesOptions, hlsRoutes } from "./routes/hls.ts";
import { layerRoutes } from "./routes/layer.ts";
import { type Asset, type PackedAsset, pageRoutes } from "./routes/pages.ts";
import {
  playedFileRoutes,
  type RecordedFileOptions,
  recordedFileRoutes,
} from "./routes/recorded_files.ts";
import { type RecordingRoutesOptions, recordingRoutes } from "./routes/recordings.ts";
import { type RelayRoutesOptions, relayRoutes } from "./routes/relays.ts";
import { type RemuxRoutesOptions, remuxRoutes } from "./routes/remux.ts";
import { type RtcRoutesOptions, rtcRoutes } from "./routes/rtc.ts";
import { checkVia } from "./routes/via.ts";

export interface AppOptions {
  /** Absent when `http_api.enabled` is off. */
  readonly api: ApiOptions | undefined;
  /** Asked for on /api/; absent when `http_api.auth.enabled` is off. */
  readonly auth: MiddlewareHandler | undefined;
  /** Absent when `rtc_server.enabled` or `http_api.enabled` is off. */
  readonly relays: RelayRoutesOptions | undefined;
  /** Absent when `http_api.enabled` is off. */
  readonly recordings?: RecordingRoutesOptions | undefined;
  /** Absent when `vhost.http_static.enabled` is off. */
  readonly files?: RecordedFileOptions | undefined;
  /** Absent when `diagnose.enabled` or `http_api.enabled` is off. */
  readonly diagnose: DiagnoseOptions | undefined;
  /** Absent when `rtc_server.enabled` or `http_api.enabled` is off: SRS serves both by its API. */
  readonly rtc: RtcRoutesOptions | undefined;
  /** Absent when `vhost.http_remux.enabled` or `http_server.enabled` is off. */
  readonly remux: RemuxRoutesOptions | undefined;
  /** Absent when `vhost.hls.enabled` or `http_server.enabled` is off. */
  readonly hls: HlsRoutesOptions | undefined;
  /** Absent when `http_server.enabled` is off. */
  readonly pages: Readonly<Record<string, Asset>> | undefined;
  /** Served with them. */
  readonly packed?: Readonly<Record<string, PackedAsset>>;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  /** What has CORS headers. */
  readonly crossDomain: CrossDomain;
  readonly onError: (error: unknown) => void;
}

export interface CrossDomain {
  /** API, signalling, metrics: `http_api.crossdomain`. */
  readonly api: boolean;
  /** Everything else: `http_server.crossdomain`. */
  readonly pages: boolean;
}

export function createApp(options: AppOptions): Hono {
  const app = new Hono({ strict: true });
  app.use("*", countAnswers(options.metrics));
  app.use("*", closeWhileDraining(options.readiness));
  app.use("*", (c, next) =>
    options.crossDomain[API_PATH.test(c.req.path) ? "api" : "pages"]
      ? crossDomain(c, next)
      : next(),
  );
  app.get("/healthz", (c) => c.text("ok\n"));
  app.get("/readyz", (c) => {
    const unready = options.readiness.unready();
    return unready === undefined
      ? c.text("ready\n")
      : c.text(`${unready}\n`, 503, { "retry-after": "1" });
  });
  app.get("/metrics", (c) =>
    c.body(options.metrics.render(), 200, {
      "content-type": "text/plain; version=0.0.4; charset=utf-8",
    }),
  );
  if (options.auth !== undefined) app.use("/api/*", options.auth);
  if (options.relays !== undefined) {
    const { relays } = options.relays;
    const onRefused = (status: number): void => {
      options.metrics.count("monoport_sessions_refused_total", String(status));
    };
    for (const path of ["/rtc/v1/*", "/whip/*", "/whep/*"])
      app.use(path, checkVia(relays, onRefused));
    app.route("/", relayRoutes(options.relays));
  }
  if (options.rtc !== undefined) {
    for (const path of ["/rtc/v1/*", "/whip/*", "/whep/*"]) app.use(path, options.rtc.rate);
  }
  if (options.diagnose !== undefined) app.route("/", diagnoseRoutes(options.diagnose));
  if (options.recordings !== undefined) app.route("/", recordingRoutes(options.recordings));
  if (options.recordings !== undefined && options.files !== undefined)
    app.route("/", recordedFileRoutes(options.files));
  if (options.api !== undefined) app.route("/", apiRoutes(options.api));
  if (options.rtc !== undefined) {
    app.route("/", layerRoutes(options.rtc));
    app.route("/", eventRoutes(options.rtc));
    app.route("/", rtcRoutes(options.rtc));
  }
  // Before the streams: `/recordings/NAME.flv` may be a recording.
  if (options.pages !== undefined && options.files !== undefined)
    app.route("/", playedFileRoutes(options.files));
  if (options.remux !== undefined) app.route("/", remuxRoutes(options.remux));
  if (options.hls !== undefined) app.route("/", hlsRoutes(options.hls));
  if (options.pages !== undefined) app.route("/", pageRoutes(options.pages, options.packed));
  app.notFound((c) => c.text("Not Found\n", 404));
  app.onError((error, c) => {
    options.onError(error);
    return c.text("Internal Server Error\n", 500);
  });
  return app;
}

function countAnswers(metrics: Metrics): MiddlewareHandler {
  return async (c, next) => {
    await next();
    metrics.count("monoport_http_requests_total", `${Math.floor(c.res.status / 100)}xx`);
  };
}

/** Who comes again by the same connection would hold up the end. */
function closeWhileDraining(readiness: Readiness): MiddlewareHandler {
  return async (c, next) => {
    await next();
    const upgrade = c.req.header("upgrade") !== undefined;
    if (readiness.draining && !upgrade) c.res.headers.set("connection", "close");
  };
}

const API_PATH = /^\/(api|rtc|whip|whep|metrics|healthz|readyz)(\/|$)/;
const OFFER_PATH = /^\/(rtc\/v1|whip|whep)\//;

/**
 * Pages of other sites may publish and play (RFC 9725 §4.2 wants it) and read, not change what the
 * API changes: for that there is no CORS header, and the browser refuses.
 */
const crossDomain: MiddlewareHandler = async (c, next) => {
  const open = OFFER_PATH.test(c.req.path);
  const reads = c.req.method === "GET" || c.req.method === "HEAD";
  if (c.req.method === "OPTIONS") {
    if (open) await next(); // its own headers, as Accept-Post
    if (!open || !(c.res.ok || c.res.status === 429)) c.res = c.body(null, 204);
    allowPreflight(c, open);
    return undefined;
  }
  await next();
  if (open || reads) {
    c.res.headers.set("access-control-allow-origin", "*");
    c.res.headers.set(
      "access-control-expose-headers",
      "Location, ETag, Link, Accept-Patch, Accept-Post, Content-Range, Retry-After, WWW-Authenticate, Monoport-Codec, Monoport-Description, Monoport-Picture",
    );
  }
  return undefined;
};

function allowPreflight(c: Context, open: boolean): void {
  const { headers } = c.res;
  headers.set("access-control-allow-origin", "*");
  headers.set(
    "access-control-allow-methods",
    open ? "GET, HEAD, POST, DELETE, PATCH, OPTIONS" : "GET, HEAD, OPTIONS",
  );
  headers.set("access-control-allow-headers", "Authorization, Content-Type, If-Match, Range");
  headers.set("access-control-max-age", "86400");
  // A page of a public site asks before it may reach a private address.
  if (c.req.header("access-control-request-private-network") === "true")
    headers.set("access-control-allow-private-network", "true");
}
