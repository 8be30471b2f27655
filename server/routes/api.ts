/**
 * The HTTP API in SRS's shapes (`/api/v1/...`), with true figures.
 *
 * @module
 */
import { type Context, Hono } from "hono";
import type { Runtime } from "../../core/base/mod.ts";
import { withoutSecretValues } from "../config/secrets.ts";
import type { ClientFacts, Facts, LayerFacts, StreamFacts, VideoFacts } from "../facts.ts";
import { COMPATIBLE_WITH, VERSION } from "../version.ts";
import { type Identity, json, jsonCode, SRS_CODE } from "./envelope.ts";
import { type KeyframeRoutesOptions, keyframeRoutes } from "./keyframe.ts";

/** SRS's name of the only virtual host. */
const VHOST = "__defaultVhost__";
/** Entries of a list when `count` is not given, and the most that may be asked for. */
const COUNT_DEFAULT = 10;
const COUNT_MAX = 10_000;

export interface ApiOptions {
  readonly runtime: Runtime;
  readonly identity: Identity;
  readonly facts: Facts;
  /** Monotonic time at which the server started. */
  readonly started: number;
  /** Why a request may not change anything, in words; `undefined` when it may. */
  readonly refuses: (context: Context) => string | undefined;
  readonly keyframe: KeyframeRoutesOptions;
  /** What is switched on, by SRS's names of features. */
  readonly serves: Readonly<Record<"ssl" | "hls" | "dvr" | "callback", boolean>>;
  /** Seconds of a segment of HLS. */
  readonly hlsFragment: number;
}

const URLS = {
  versions: "the version of Monoport",
  summaries: "the summary (pid, cpu, memory) of Monoport",
  features: "what this version serves",
  vhosts: "the virtual host",
  streams: "all streams, or one",
  clients: "all clients, or one; DELETE ends it",
  relays: "what is pushed to and pulled from other servers; POST begins one, DELETE ends it",
};

export function apiRoutes(options: ApiOptions): Hono {
  const { identity, facts } = options;
  const vhostId = `vid-${identity.service.slice(0, 7)}`;
  const app = new Hono();
  const listing = (): Response => json(identity, { urls: URLS });

  app.get("/api/", () => json(identity, { urls: { v1: "the api version 1.0" } }));
  app.get("/api/v1/versions", () => json(identity, { data: versionData() }));
  app.get("/api/v1/summaries", () => json(identity, { data: summary(options) }));
  app.get("/api/v1/features", () => json(identity, { data: features(options) }));

  app.on("GET", ["/api/v1/vhosts", "/api/v1/vhosts/"], () =>
    json(identity, { vhosts: [vhost(options, vhostId)] }),
  );
  app.get("/api/v1/vhosts/:id", (c) =>
    c.req.param("id") === vhostId
      ? json(identity, { vhost: vhost(options, vhostId) })
      : jsonCode(SRS_CODE.vhostNotFound),
  );

  app.on("GET", ["/api/v1/streams", "/api/v1/streams/"], (c) =>
    json(identity, { streams: page(c, facts.streams()).map((one) => streamJson(one, vhostId)) }),
  );
  app.get("/api/v1/streams/:id", (c) => {
    const found = facts.streams().find((one) => one.id === c.req.param("id"));
    return found === undefined
      ? jsonCode(SRS_CODE.streamNotFound)
      : json(identity, { stream: streamJson(found, vhostId) });
  });

  app.route("/", keyframeRoutes(options.keyframe));

  app.on("GET", ["/api/v1/clients", "/api/v1/clients/"], (c) =>
    json(identity, { clients: page(c, facts.clients()).map((one) => clientJson(one, vhostId)) }),
  );
  app.get("/api/v1/clients/:id", (c) => {
    const found = facts.client(c.req.param("id"));
    return found === undefined
      ? jsonCode(SRS_CODE.clientNotFound)
      : json(identity, { client: clientJson(found, vhostId) });
  });
  app.delete("/api/v1/clients/:id", (c) => {
    const refusal = options.refuses(c);
    if (refusal !== undefined)
      return jsonCode(SRS_CODE.forbidden, `Cannot end a client: ${refusal}`, 403);
    return facts.kick(c.req.param("id")) ? json(identity, {}) : jsonCode(SRS_CODE.clientNotFound);
  });

  // SRS answers unknown names below /api/v1/ with the list of known ones.
  app.get("/api/v1/*", listing);
  app.all("/api/*", (c) => c.text("Method Not Allowed", 405));
  return app;
}

function versionData(): object {
  const [major = 0, minor = 0, revision = 0] = VERSION.split(".").map(Number);
  return { major, minor, revision, version: VERSION, compatible: COMPATIBLE_WITH };
}

function summary({ runtime, facts, started }: ApiOptions): object {
  const { residentBytes, cpuMillis } = runtime.usage();
  const uptimeMillis = Math.max(1, runtime.now() - started);
  const clients = facts.clients();
  return {
    ok: true,
    now_ms: Math.round(runtime.wallClock()),
    self: {
      version: VERSION,
      pid: runtime.pid,
      argv: ["monoport", ...withoutSecretValues(runtime.args)].join(" "),
      runtime: `${runtime.name} ${runtime.version}`,
      mem_kbyte: Math.round(residentBytes / 1024),
      cpu_percent: round2(cpuMillis / uptimeMillis),
      srs_uptime: Math.round(uptimeMillis / 1000),
    },
    system: {
      srs_recv_bytes: sum(clients, (one) => one.receivedBytes),
      srs_send_bytes: sum(clients, (one) => one.sentBytes),
      conn_srs: clients.length,
    },
  };
}

function features({ facts, serves }: ApiOptions): object {
  const { udp, tcp } = facts.transports;
  return {
    features: {
      api: true,
      httpd: true,
      stat: true,
      tcp_nodelay: true,
      rtc: udp || tcp,
      rtc_tcp: tcp,
      rtc_udp: udp,
      ...serves,
    },
  };
}

function vhost({ facts, serves, hlsFragment }: ApiOptions, id: string): object {
  const streams = facts.streams();
  return {
    id,
    name: VHOST,
    enabled: true,
    clients: facts.clients().length,
    streams: streams.length,
    send_bytes: sum(streams, (one) => one.sentBytes),
    recv_bytes: sum(streams, (one) => one.receivedBytes),
    kbps: {
      recv_30s: sum(streams, (one) => one.receivedKbps),
      send_30s: sum(streams, (one) => one.sentKbps),
    },
    hls: serves.hls ? { enabled: true, fragment: hlsFragment } : { enabled: false },
  };
}

function streamJson(one: StreamFacts, vhostId: string): object {
  return {
    id: one.id,
    name: one.name,
    vhost: vhostId,
    app: one.app,
    tcUrl: tcUrl(one.wayIn?.by === "rtmp" ? "fmle-publish" : "rtc-publish", one.app),
    url: `/${one.app}/${one.name}`,
    live_ms: Math.round(one.liveSince),
    clients: one.clients,
    frames: one.frames,
    send_bytes: one.sentBytes,
    recv_bytes: one.receivedBytes,
    kbps: { recv_30s: one.receivedKbps, send_30s: one.sentKbps },
    publish:
      one.publisher === undefined
        ? { active: false }
        : { active: true, cid: one.publisher, ...one.wayIn },
    video:
      one.video === undefined
        ? null
        : {
            codec: one.video.codec,
            profile: one.video.profile,
            level: one.video.level,
            width: one.video.width,
            height: one.video.height,
            fps: one.video.frameRate,
            kbps: one.video.kbps,
            gop: one.video.gop === undefined ? null : gopJson(one.video.gop),
            b_frames: one.video.bFrames,
            ...(one.layers.length === 0 ? {} : { layers: one.layers.map(layerJson) }),
          },
    audio:
      one.audio === undefined
        ? null
        : {
            codec: one.audio.codec,
            sample_rate: one.audio.sampleRate,
            channel: one.audio.channels,
            profile: one.audio.profile,
            kbps: one.audio.kbps,
          },
    viewers: viewersJson(one.viewers),
    warnings: one.warnings,
  };
}

function gopJson({ millis, frames }: NonNullable<VideoFacts["gop"]>): object {
  return { ms: Math.round(millis), frames };
}

function viewersJson({ whepUdp, whepTcp, ...others }: StreamFacts["viewers"]): object {
  return { ...others, whep_udp: whepUdp, whep_tcp: whepTcp };
}

function layerJson(layer: LayerFacts): object {
  const { frameRate, ...rest } = layer;
  return { ...rest, fps: frameRate };
}

function clientJson(one: ClientFacts, vhostId: string): object {
  return {
    id: one.id,
    vhost: vhostId,
    stream: one.streamId,
    ip: one.address,
    pageUrl: "",
    swfUrl: "",
    tcUrl: tcUrl(one.type, one.app),
    url: `/${one.app}/${one.name}`,
    name: one.name,
    type: one.type,
    publish: one.type.endsWith("-publish"),
    alive: round2(one.alive),
    send_bytes: one.sentBytes,
    recv_bytes: one.receivedBytes,
    kbps: { recv_30s: one.receivedKbps, send_30s: one.sentKbps },
    transport: one.transport,
    ...(one.type === "flv-play" && { format: one.format }),
    dropped_frames: one.droppedFrames,
    ...(one.layer && { layer: one.layer.rid, layer_switches: one.layer.switches }),
    ...(one.trouble === "" ? {} : { trouble: one.trouble }),
  };
}

/** As SRS tells it, empty for WebRTC; without the host the client wrote. */
function tcUrl(type: ClientFacts["type"], app: string): string {
  if (type.startsWith("rtc-")) return "";
  return `${type === "hls-play" ? "http" : "rtmp"}://${VHOST}/${app}`;
}

/** The entries from `start`, at most `count` of them; SRS gives at least 10. */
function page<Entry>(c: Context, all: readonly Entry[]): readonly Entry[] {
  const start = number(c.req.query("start"), 0);
  const count = Math.max(
    COUNT_DEFAULT,
    Math.min(COUNT_MAX, number(c.req.query("count"), COUNT_DEFAULT)),
  );
  return all.slice(start, start + count);
}

function number(text: string | undefined, absent: number): number {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : absent;
}

function sum<Entry>(all: readonly Entry[], of: (one: Entry) => number): number {
  return all.reduce((total, one) => total + of(one), 0);
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
