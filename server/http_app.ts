/** Every route behind our HTTP/1.1, out of the parts of the server. @module */
import type { Context } from "hono";
import type { Runtime } from "../core/base/mod.ts";
import { isBadStreamName, parseStreamName } from "../core/stream/mod.ts";
import { AddressRanges } from "./address_ranges.ts";
import { type Admit, admitAll } from "./admit.ts";
import { type AppOptions, createApp } from "./app.ts";
import { assets, packedAssets } from "./assets.gen.ts";
import type { CandidateFinder } from "./candidates/candidate_finder.ts";
import type { Casts } from "./cast/mod.ts";
import type { Config } from "./config/config.ts";
import { type Tests, TRANSFER_MAX_MILLIS } from "./diagnose/mod.ts";
import { withClients } from "./facts.ts";
import type { FrameSource, Keyframes } from "./frames/mod.ts";
import type { Hls } from "./hls/mod.ts";
import type { Visits } from "./hooks/mod.ts";
import { HttpServer, type RequestInfo } from "./http/mod.ts";
import { FailedLogins } from "./limits/failed_logins.ts";
import type { HeldBytes } from "./limits/held_bytes.ts";
import { RateLimit } from "./limits/rate_limit.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import { servesRtc } from "./port/listening.ts";
import type { Readiness } from "./readiness.ts";
import type { Recordings } from "./record/mod.ts";
import type { Relays } from "./relay/mod.ts";
import type { ApiOptions } from "./routes/api.ts";
import { apiGuard } from "./routes/api_auth.ts";
import type { Identity } from "./routes/envelope.ts";
import { refusesChange } from "./routes/guard.ts";
import { iceLinks } from "./routes/ice_links.ts";
import type { KeyframeRoutesOptions } from "./routes/keyframe.ts";
import { type Peer, peerOf } from "./routes/peer.ts";
import type { RecordingRoutesOptions } from "./routes/recordings.ts";
import { requestRate } from "./routes/request_rate.ts";
import { offer, type RtcRoutesOptions } from "./routes/rtc.ts";
import type { RtcServer } from "./rtc/mod.ts";
import { streamId } from "./rtc/stream_facts.ts";
import type { RtmpServer } from "./rtmp/mod.ts";
import { SERVER_NAME } from "./version.ts";
import type { Vod } from "./vod/mod.ts";

export interface HttpParts {
  readonly runtime: Runtime;
  readonly config: Config;
  readonly admit: Admit;
  readonly hooks: Visits | undefined;
  /** Who this server is, to the API and to hooks. */
  readonly identity: Identity;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly rtc: RtcServer;
  readonly rtmp: RtmpServer;
  readonly casts: Casts;
  readonly frames: FrameSource;
  readonly keyframes: Keyframes;
  readonly relays: Relays;
  readonly hls: Hls | undefined;
  readonly recordings: Recordings;
  /** Absent when finished recordings are not served. */
  readonly vod: Vod | undefined;
  readonly candidates: CandidateFinder;
  readonly readiness: Readiness;
  readonly diagnoses: Tests;
  readonly held: HeldBytes;
}

/** What several routes need. */
interface Shared {
  readonly identity: Identity;
  readonly peer: (context: Context) => Peer;
  readonly info: (context: Context) => RequestInfo;
}

export function httpServer(parts: HttpParts): HttpServer {
  const { runtime, config, log, metrics, held } = parts;
  const app = createApp(appOptions(parts));
  const proxies = new AddressRanges([...config["proxy_protocol.from"], ...config.trusted_proxies]);
  return new HttpServer({
    runtime,
    held,
    speaksForMany: (host) => proxies.has(host),
    server: SERVER_NAME,
    fetch: (request, bindings) => app.fetch(request, bindings),
    limits: {
      headMillis: config["limits.http_head"],
      bodyIdleMillis: config["limits.http_body_idle"],
      keepAliveMillis: config["limits.http_keep_alive"],
    },
    onFault: (fault) => metrics.fault(fault),
    onError: (error, where) => log.error("HTTP failed", { where, error: String(error) }),
  });
}

function appOptions(parts: HttpParts): AppOptions {
  const { runtime, config, log, metrics, rtc, rtmp, casts, readiness } = parts;
  const proxies = new AddressRanges(config.trusted_proxies);
  const info = (c: Context): RequestInfo => c.env as RequestInfo;
  const peer = (c: Context): Peer => peerOf(c.req.raw.headers, info(c), proxies);
  const { identity } = parts;
  const shared = { identity, peer, info };
  const api = config["http_api.enabled"];
  const signalling = servesRtc(config) && api ? signallingRoutes(parts, shared) : undefined;
  const { hls } = parts;
  const withTags = withClients(withClients(rtc, rtmp), casts);
  const facts = hls === undefined ? withTags : withClients(withTags, hls);
  const started = runtime.now();
  const { auth, refuses } = apiGuard({
    config,
    crypto: runtime.crypto,
    remote: (c) => info(c).remote.host,
    client: (c) => peer(c).address,
    failed: new FailedLogins({ now: () => runtime.now(), log, metrics }),
  });
  return {
    auth,
    relays: signalling && { identity, relays: parts.relays, refuses },
    recordings: api ? recordingRoutes(parts, identity, refuses) : undefined,
    files: parts.vod && { identity, vod: parts.vod, admit: parts.admit, peer, refuses },
    diagnose:
      config["diagnose.enabled"] && api ? diagnoseRoutes(parts, shared, signalling) : undefined,
    api: api ? { runtime, identity, facts, started, refuses, ...more(parts, shared) } : undefined,
    rtc: signalling,
    hls:
      config["http_server.enabled"] && hls !== undefined
        ? { hls, admit: parts.admit, metrics, now: () => runtime.now(), peer }
        : undefined,
    remux:
      config["http_server.enabled"] && config["vhost.http_remux.enabled"]
        ? { runtime, casts, peer, info }
        : undefined,
    pages: config["http_server.enabled"] ? assets : undefined,
    packed: packedAssets,
    metrics,
    readiness,
    crossDomain: {
      api: config["http_api.crossdomain"],
      pages: config["http_server.crossdomain"],
    },
    onError: (error) => log.error("A route failed", { error: String(error) }),
  };
}

function more(
  parts: HttpParts,
  shared: Shared,
): Pick<ApiOptions, "keyframe" | "serves" | "hlsFragment"> {
  const { config, hls } = parts;
  const serves = {
    ssl:
      config["http_api.https.enabled"] ||
      config["http_server.https.enabled"] ||
      config["acme.domains"].length > 0,
    hls: hls !== undefined,
    dvr: config["vhost.dvr.enabled"],
    callback: config["vhost.http_hooks.enabled"],
  };
  const hlsFragment = config["vhost.hls.hls_fragment"] / 1000;
  return { keyframe: keyframeOptions(parts, shared), serves, hlsFragment };
}

/** Keyframes of one address. */
const KEYFRAMES_PER_SECOND = 20;

/** Who has shown the API's credentials may see everything; whom hooks decide on is not asked about here. */
function keyframeOptions(parts: HttpParts, { peer, info }: Shared): KeyframeRoutesOptions {
  const { runtime, config, rtc, keyframes, admit } = parts;
  const guarded = config["http_api.auth.enabled"];
  const hooked =
    config["vhost.http_hooks.enabled"] &&
    (["on_connect", "on_play"] as const).some(
      (hook) => config[`vhost.http_hooks.${hook}`].length > 0,
    );
  return {
    find: (id) => {
      for (const stream of rtc.hub.streams()) {
        if (stream.live && streamId(stream.name.key) === id) return stream.name;
      }
      return undefined;
    },
    latest: (name) => keyframes.latest(name),
    admit: guarded ? admitAll : admit,
    refuses: (c) =>
      hooked && !guarded && refusesChange(c.req.raw, info(c).remote.host) !== undefined
        ? "Hooks decide who plays: keyframes are for this machine, or behind http_api.auth"
        : undefined,
    limit: new RateLimit({ perSecond: KEYFRAMES_PER_SECOND }),
    now: () => runtime.now(),
    peer,
  };
}

function recordingRoutes(
  { recordings, rtc }: HttpParts,
  identity: Identity,
  refuses: RecordingRoutesOptions["refuses"],
): RecordingRoutesOptions {
  const live = (key: string): boolean => rtc.hub.stream(key)?.live === true;
  return { identity, recordings, live, refuses };
}

function wrongName(app: string, stream: string): string | undefined {
  const checked = parseStreamName(app, stream);
  return isBadStreamName(checked) ? checked.message : undefined;
}

function signallingRoutes(parts: HttpParts, { identity, peer }: Shared): RtcRoutesOptions {
  const { runtime, config, admit, hooks, log, metrics, rtc, candidates } = parts;
  const limit = new RateLimit({
    perSecond: config["limits.requests_per_second"],
    burst: config["limits.requests_burst"],
  });
  return {
    iceLinks: iceLinks(config["rtc_server.ice_servers"]),
    redirects: { all: config["rtc_server.redirect"], full: config["limits.redirect"] },
    clock: runtime,
    onRedirected: () => metrics.count("monoport_redirects_total"),
    rate: requestRate({
      limit,
      now: () => runtime.now(),
      peer,
      onLimited: () => metrics.count("monoport_requests_limited_total"),
    }),
    signalling: rtc,
    admit,
    hooks,
    identity,
    log,
    bodyBytes: config["limits.body_bytes"],
    peer,
    candidates: (request) => candidates.find(request),
    checkName: wrongName,
    onRefused: (status) => metrics.count("monoport_sessions_refused_total", String(status)),
  };
}

/** A test that waits for its offer holds a slot. */
function timed(signalling: RtcRoutesOptions): RtcRoutesOptions {
  return { ...signalling, bodyMillis: TRANSFER_MAX_MILLIS };
}

function diagnoseRoutes(
  parts: HttpParts,
  { identity, peer, info }: Shared,
  signalling: RtcRoutesOptions | undefined,
): NonNullable<AppOptions["diagnose"]> {
  const { runtime, config, metrics, rtc, diagnoses } = parts;
  return {
    runtime,
    identity,
    metrics,
    facts: rtc,
    hub: rtc.hub,
    tests: diagnoses,
    maxKbps: config["diagnose.max_bitrate"],
    peer,
    info,
    offer: signalling && ((c, ...wanted) => offer(c, timed(signalling), ...wanted)),
    drain: () => rtc.drain(),
  };
}
