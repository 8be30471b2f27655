/**
 * A running Monoport: configuration, port, routes and WebRTC joined.
 *
 * @module
 */

import type { Endpoint as BoundEndpoint, Conn, Runtime } from "../core/base/mod.ts";
import { AddressRanges } from "./address_ranges.ts";
import { type Admit, admitAll } from "./admit.ts";
import { CandidateFinder } from "./candidates/candidate_finder.ts";
import { openNames } from "./candidates/names.ts";
import { Casts } from "./cast/mod.ts";
import { makeDtlsCertificate } from "./certificates.ts";
import type { Config } from "./config/config.ts";
import { Demo } from "./demo/demo.ts";
import { Tests } from "./diagnose/mod.ts";
import { Ending, type EndingParts } from "./ending.ts";
import { Keyframes, openFrames, type ViewerSound } from "./frames/mod.ts";
import { type Hls, openHls } from "./hls/mod.ts";
import { Hooks } from "./hooks/mod.ts";
import type { HttpServer } from "./http/mod.ts";
import { httpServer } from "./http_app.ts";
import { HeldBytes } from "./limits/held_bytes.ts";
import type { Sessions } from "./limits/sessions.ts";
import { Log } from "./log.ts";
import { type Metrics, serverMetrics } from "./metrics.ts";
import { type Listening, listenAll, servesRtc, servesRtcTcp } from "./port/listening.ts";
import { Port } from "./port/port.ts";
import type { AddressLimits, PortTls, TakeOver } from "./port/port_options.ts";
import { Readiness } from "./readiness.ts";
import { openRecordings, type Recordings } from "./record/mod.ts";
import { openRelays, type Relays } from "./relay/mod.ts";
import { makeIdentity } from "./routes/envelope.ts";
import { RtcServer } from "./rtc/mod.ts";
import { RtmpServer } from "./rtmp/mod.ts";
import { type Certificates, type Fetch, openCertificates } from "./tls/mod.ts";
import { Vod } from "./vod/mod.ts";

export interface ServeOptions {
  readonly runtime: Runtime;
  readonly config: Config;
  /** Asked before anything is made for a peer; default admits all. */
  readonly admit?: Admit;
  /** Asks a CA, and HTTP hooks; default the runtime's own. */
  readonly fetch?: Fetch;
}

/** What TLS clients are shown. */
export interface ServedTls {
  /** SHA-256 of the certificate as in `a=fingerprint`. */
  readonly fingerprint: string;
  /** Whether it was made here, for want of a configured one. */
  readonly selfSigned: boolean;
}

/** A server that runs until it is closed. */
export interface Monoport {
  /** Where it listens for TCP; the shared port first. */
  readonly endpoints: readonly BoundEndpoint[];
  /** Where it takes WebRTC over UDP. */
  readonly udpEndpoints: readonly BoundEndpoint[];
  readonly metrics: Metrics;
  /** The certificate for clients who name no server; absent when TLS is off. */
  readonly tls: ServedTls | undefined;
  /**
   * Refuses new sessions, lets those there are go on for `drain.grace`, then closes. Resolves when
   * closed.
   */
  drain(): Promise<void>;
  /** Ends every session and connection, each with its goodbye. */
  close(): Promise<void>;
}

/**
 * Starts a server.
 *
 * @throws {MonoportError} `port-in-use`, `port-forbidden`, `permission-missing`, or `config-invalid`
 * when a certificate cannot be used.
 */
export async function serve({
  runtime,
  config,
  admit = admitAll,
  fetch = (url, init) => globalThis.fetch(url, init),
}: ServeOptions): Promise<Monoport> {
  const log = new Log(runtime, config["log.level"]);
  const metrics = serverMetrics();
  const certificates = await openCertificates({ runtime, config, log, metrics, fetch });
  const certificate = await makeDtlsCertificate();
  const rtc = new RtcServer({ runtime, config, log, metrics, certificate });
  const diagnoses = new Tests(runtime, rtc, config["diagnose.max_tests"]);
  const held = new HeldBytes(config["limits.unproven_bytes"]);
  const listening: Listening = { tcp: [], udp: [] };
  const candidates = candidateFinder({ runtime, config }, log, metrics, listening);
  const relays = await openRelays(rtc);
  const identity = makeIdentity(runtime);
  const hooks = config["vhost.http_hooks.enabled"]
    ? new Hooks({ runtime, config, log, metrics, fetch, identity })
    : undefined;
  const { inflows, sessions } = rtc.context;
  const shared = { runtime, config, log, metrics };
  const parts = { ...shared, admit, hooks, identity, rtc, relays, sessions };
  const readiness = readinessOf(
    config,
    () => sessions.size,
    () => port.connections,
  );
  const { frames, sound } = openFrames(parts);
  const recordings = await openRecordings({ ...parts, frames });
  hooks?.follow(recordings);
  const vod = config["vhost.http_static.enabled"]
    ? new Vod({ ...parts, files: runtime.files, store: recordings.store })
    : undefined;
  const hls = await openHls({ ...parts, frames });
  const casts = new Casts({ ...parts, hub: rtc.hub, frames });
  const drain = (): void => rtc.drain();
  const rtmp = new RtmpServer({ ...parts, held, inflows, hub: rtc.hub, frames, casts, drain });
  const keyframes = new Keyframes({ runtime, frames });
  const media = { rtmp, casts, hls, frames, keyframes, recordings, vod };
  const http = httpServer({ ...parts, ...media, diagnoses, held, candidates, readiness });
  const port = openPort({ ...parts, rtmp, http, held, certificates });
  gauges(metrics, { runtime, hls, port, held, rtc, readiness, diagnoses });
  const demo = openDemo(parts);
  const ending = new Ending(
    { runtime, config, log, readiness, rtc: allSessions(rtc, [rtmp, casts]), http },
    async () => {
      demo?.stop();
      await recordings.close();
      const carrying = [casts, rtc, rtmp, hls, sound, keyframes, frames];
      for (const one of [diagnoses, certificates, relays, vod, ...carrying, http]) one?.close();
      await port.close(config.grace_final_wait);
      await rtc.udp.close();
      await hooks?.close(config.grace_final_wait);
    },
  );
  try {
    await listenAll(config, port, rtc.udp, listening);
  } catch (error) {
    await ending.close();
    throw error;
  }
  begin(config, { ...media, sessions, certificates, demo, sound, relays, readiness, candidates });
  return {
    endpoints: listening.tcp,
    udpEndpoints: listening.udp,
    metrics,
    tls: certificates,
    drain: () => ending.drain(),
    close: () => ending.close(),
  };
}

interface Begun {
  readonly certificates: Certificates | undefined;
  readonly demo: Demo | undefined;
  readonly sound: ViewerSound;
  readonly recordings: Recordings;
  readonly relays: Relays;
  readonly sessions: Sessions;
  readonly hls: Hls | undefined;
  readonly readiness: Readiness;
  readonly candidates: CandidateFinder;
}

/** What is to be done once the server listens. */
function begin(config: Config, parts: Begun): void {
  const { certificates, demo, sound, recordings, relays, sessions, hls } = parts;
  const { readiness, candidates } = parts;
  certificates?.start();
  demo?.start();
  sound.start();
  void recordings.recover();
  relays.watchers.push(
    (key) => sessions.watching(key),
    (key) => hls?.watching(key) ?? [],
  );
  if (servesRtc(config)) relays.start();
  readiness.open();
  if (servesRtc(config)) void candidates.warm();
}

function openDemo({
  runtime,
  config,
  rtc,
}: Pick<PortParts, "runtime" | "config" | "rtc">): Demo | undefined {
  if (!config.demo || !servesRtc(config)) return undefined;
  return new Demo({ runtime, hub: rtc.hub, afterInput: () => rtc.drain() });
}

interface PortParts {
  readonly runtime: Runtime;
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly rtc: RtcServer;
  readonly rtmp: RtmpServer;
  readonly http: HttpServer;
  readonly held: HeldBytes;
  readonly certificates: Certificates | undefined;
}

/** The shared port, which knows who takes what. */
function openPort(parts: PortParts): Port {
  const { runtime, config, log, metrics, rtc, rtmp, http, held, certificates } = parts;
  const rtmpToo = config["rtmp.enabled"] ? { rtmp: taken(rtmp) } : {};
  return new Port(runtime, log, metrics, {
    maxConnections: config.max_connections,
    maxUnproven: config["limits.unproven_connections"],
    firstBytesMillis: config["limits.first_bytes"],
    perAddress: addressLimits(config),
    held,
    protocols: {
      http: (conn, first) => http.serve(conn, first),
      ...(servesRtcTcp(config) ? { "stun-tcp": taken(rtc) } : {}),
      ...rtmpToo,
    },
    proxies: new AddressRanges(config["proxy_protocol.from"]),
    ...(certificates ? { tls: portTls(config, certificates, http, rtmpToo) } : {}),
    shedIdle: (count) => {
      const unnamed = rtc.shedIdle(count);
      const idle = unnamed + rtmp.shedIdle(count - unnamed);
      return idle + http.shedIdle(count - idle);
    },
  });
}

function candidateFinder(
  { runtime, config }: ServeOptions,
  log: Log,
  metrics: Metrics,
  listening: Listening,
): CandidateFinder {
  return new CandidateFinder({
    config,
    names: openNames(runtime, log, metrics),
    interfaces: () => runtime.interfaces(),
    ports: () => listening.tcp.map(({ port }) => port),
    udpPort: () => listening.udp[0]?.port,
  });
}

interface Gauged {
  readonly hls: Hls | undefined;
  readonly runtime: Runtime;
  readonly port: Port;
  readonly held: HeldBytes;
  readonly rtc: RtcServer;
  readonly readiness: Readiness;
  readonly diagnoses: Tests;
}

function gauges(metrics: Metrics, parts: Gauged): void {
  const { runtime, port, held, rtc, readiness, diagnoses } = parts;
  metrics.gauge("monoport_connections", "TCP connections that are open", () => port.connections);
  metrics.gauge("monoport_unproven_bytes", "Bytes kept for the unproven", () => held.used);
  metrics.gauge("monoport_sessions", "WebRTC sessions", () => rtc.sessions);
  metrics.gauge(
    "monoport_sessions_all",
    "Sessions of limits.sessions: WebRTC, publishers by RTMP, viewers by FLV, TS and RTMP",
    () => rtc.context.sessions.size,
  );
  metrics.gauge("monoport_udp_paths", "UDP 5-tuples of sessions", () => rtc.udp.paths);
  metrics.follow("monoport_datagrams_received_total", () => rtc.udp.received);
  metrics.gauge("monoport_ready", "1 while /readyz says so", () =>
    readiness.unready() === undefined ? 1 : 0,
  );
  metrics.gauge("monoport_streams", "Streams, live or waited for", () => rtc.hub.size);
  metrics.gauge(
    "monoport_narrow_viewers",
    "Viewers whose path was found to take less than they were sent",
    () => rtc.hub.narrowViewers,
  );
  metrics.gauge(
    "monoport_diagnose_tests",
    "Tests of /diagnose under way",
    () => diagnoses.slots.taken,
  );
  const { hls } = parts;
  metrics.gauge("monoport_hls_streams", "Streams made into HLS", () => hls?.streams ?? 0);
  metrics.gauge("monoport_hls_viewers", "Viewers who reload playlists", () =>
    hls === undefined ? 0 : hls.viewers.count(runtime.now()),
  );
  metrics.gauge("monoport_resident_bytes", "Resident memory", () => runtime.usage().residentBytes);
}

/** What a balancer is told to fill: sessions and connections. */
function readinessOf(config: Config, sessions: () => number, connections: () => number): Readiness {
  return new Readiness([
    { limit: "limits.sessions", most: config["limits.sessions"], now: sessions },
    { limit: "max_connections", most: config.max_connections, now: connections },
  ]);
}

/** Balancers and proxies stand for all who come through them. */
function addressLimits(config: Config): AddressLimits {
  const many = new AddressRanges([...config["proxy_protocol.from"], ...config.trusted_proxies]);
  return {
    connections: config["limits.connections_per_address"],
    unproven: config["limits.unproven_connections_per_address"],
    tlsHandshakesPerSecond: config["limits.tls_handshakes_per_second"],
    exempt: (host) => many.has(host),
  };
}

type SomeSessions = Pick<RtmpServer, "sessions" | "refuseNew" | "close">;

/** What is waited for, and ended, when the server drains. */
function allSessions(rtc: RtcServer, more: readonly SomeSessions[]): EndingParts["rtc"] {
  return {
    get sessions(): number {
      return more.reduce((sum, { sessions }) => sum + sessions, rtc.sessions);
    },
    refuseNew: () => {
      rtc.refuseNew();
      for (const one of more) one.refuseNew();
    },
    endSessions: () => {
      rtc.endSessions();
      for (const one of more) one.close();
    },
  };
}

function taken(server: { serve(conn: Conn, first: Uint8Array): void }): TakeOver {
  return (conn, first) => server.serve(conn, first);
}

/** HTTP and RTMP inside TLS; WebRTC needs none, DTLS and SRTP protect it. */
function portTls(
  config: Config,
  certificates: Certificates,
  http: HttpServer,
  more: PortTls["protocols"],
): PortTls {
  return {
    choose: (hello) => certificates.choose(hello),
    handshakeMillis: config["limits.tls_handshake"],
    protocols: { http: (conn, first) => http.serve(conn, first, { secure: true }), ...more },
  };
}
