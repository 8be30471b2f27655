/** Where a server listens, and the binding of it all. @module */
import { type Endpoint as BoundEndpoint, MonoportError } from "../../core/base/mod.ts";
import type { Config, Endpoint } from "../config/config.ts";
import type { UdpPort } from "../rtc/udp_port.ts";
import type { Port } from "./port.ts";

/** Tries to find a number that is free for TCP and UDP, when any will do. */
const TRIES = 20;

export interface Listening {
  /** The shared port first. */
  readonly tcp: BoundEndpoint[];
  readonly udp: BoundEndpoint[];
}

export function servesRtc(config: Config): boolean {
  return servesRtcTcp(config) || servesRtcUdp(config);
}

export function servesRtcTcp(config: Config): boolean {
  const on = config["rtc_server.tcp.enabled"] && config["rtc_server.protocol"] !== "udp";
  return on && rtcIsOn(config);
}

export function servesRtcUdp(config: Config): boolean {
  return config["rtc_server.protocol"] !== "tcp" && rtcIsOn(config);
}

function rtcIsOn(config: Config): boolean {
  return config["rtc_server.enabled"] && config["vhost.rtc.enabled"];
}

/**
 * Listens on everything the configuration names, and writes it into `listening`.
 *
 * @throws {MonoportError} `port-in-use`, `port-forbidden`, `address-unavailable`,
 * `permission-missing`; the caller closes what is open by then.
 */
export async function listenAll(
  config: Config,
  port: Port,
  udp: UdpPort,
  listening: Listening,
): Promise<void> {
  const shared = mediaEndpoints(config)[0];
  const wanted = udpEndpoints(config);
  const paired =
    config["rtc_server.listen"].length === 0 && wanted.length > 0 && shared?.port === 0;
  for (const endpoint of tcpEndpoints(config)) {
    if (paired && isSame(endpoint, shared)) {
      const both = await listenOnBoth(endpoint, port, udp);
      listening.tcp.push(both.tcp);
      listening.udp.push(both.udp);
    } else {
      listening.tcp.push(await listenTcp(config, endpoint, port));
    }
  }
  if (paired) return;
  for (const endpoint of wanted) {
    listening.udp.push((await listenUdp(config, endpoint, udp)).local);
  }
}

/** One number that is free for both, the system's choice. */
async function listenOnBoth(
  endpoint: Endpoint,
  port: Port,
  udp: UdpPort,
): Promise<{ readonly tcp: BoundEndpoint; readonly udp: BoundEndpoint }> {
  for (let left = TRIES; ; left--) {
    const socket = await udp.listen(endpoint);
    try {
      return {
        tcp: await port.listen({ ...endpoint, port: socket.local.port }),
        udp: socket.local,
      };
    } catch (error) {
      await udp.release(socket);
      if (left === 0 || !(error instanceof MonoportError) || error.code !== "port-in-use")
        throw error;
    }
  }
}

async function listenTcp(
  config: Config,
  endpoint: Endpoint,
  port: Port,
): ReturnType<Port["listen"]> {
  try {
    return await port.listen(endpoint);
  } catch (error) {
    if (!isUnbound(error)) throw error;
    const free =
      error.code === "port-in-use"
        ? `Free it (ss -ltnp 'sport = :${endpoint.port}' tells who has it), or give`
        : "Give";
    const setting = TCP_SETTINGS.find((key) => config[key].some((one) => isSame(one, endpoint)));
    throw new MonoportError(
      error.code,
      `TCP ${error.message}. ${free} another, as in --${setting ?? "listen"} ${otherPort(endpoint)}`,
      { cause: error },
    );
  }
}

const TCP_SETTINGS = [
  "listen",
  "http_api.listen",
  "http_server.listen",
  "http_api.https.listen",
  "http_server.https.listen",
  "rtc_server.tcp.listen",
  "rtmp.listen",
] as const;

/** Whether an operator can help it by naming another port or address. */
function isUnbound(error: unknown): error is MonoportError {
  return (
    error instanceof MonoportError &&
    (error.code.startsWith("port-") || error.code === "address-unavailable")
  );
}

/** One that may be free, and needs no rights. */
function otherPort({ port }: Endpoint): number {
  return port < 1024 || port === 65_535 ? 8080 : port + 1;
}

async function listenUdp(
  config: Config,
  endpoint: Endpoint,
  udp: UdpPort,
): ReturnType<UdpPort["listen"]> {
  try {
    return await udp.listen(endpoint);
  } catch (error) {
    if (!isUnbound(error)) throw error;
    const set = config["rtc_server.listen"].length > 0;
    const why = set
      ? `rtc_server.listen is ${textOf(endpoint)}`
      : `rtc_server.listen is not set, so UDP has the number of the TCP port, ${endpoint.port}`;
    throw new MonoportError(
      error.code,
      `UDP ${error.message}; ${why}. Free it, give another, as in --rtc_server.listen ${otherPort(endpoint)}, or serve WebRTC over TCP alone: --rtc_server.protocol tcp`,
      { cause: error },
    );
  }
}

/**
 * Where to listen for TCP: each endpoint once, the shared port first. Every listener takes every
 * protocol.
 */
function tcpEndpoints(config: Config): readonly Endpoint[] {
  return unique([
    ...config.listen,
    ...(config["http_api.enabled"] ? config["http_api.listen"] : []),
    ...(config["http_server.enabled"] ? config["http_server.listen"] : []),
    ...(config["http_api.enabled"] && config["http_api.https.enabled"]
      ? config["http_api.https.listen"]
      : []),
    ...(config["http_server.enabled"] && config["http_server.https.enabled"]
      ? config["http_server.https.listen"]
      : []),
    ...(servesRtcTcp(config) ? config["rtc_server.tcp.listen"] : []),
    ...(config["rtmp.enabled"] ? config["rtmp.listen"] : []),
  ]);
}

/** Where the media comes to over TCP. */
function mediaEndpoints(config: Config): readonly Endpoint[] {
  const own = servesRtcTcp(config) ? config["rtc_server.tcp.listen"] : [];
  return own.length > 0 ? own : config.listen;
}

/** Where to listen for UDP: one number, unless the configuration names several. */
function udpEndpoints(config: Config): readonly Endpoint[] {
  if (!servesRtcUdp(config)) return [];
  if (config["rtc_server.listen"].length > 0) return unique(config["rtc_server.listen"]);
  const [first, ...more] = mediaEndpoints(config);
  if (first === undefined) return [];
  return unique([first, ...more.filter((one) => one.port === first.port)]);
}

function unique(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const all = new Map(endpoints.map((one) => [`${one.host ?? ""} ${one.port}`, one]));
  // A port on all interfaces covers the same port on one of them.
  return [...all.values()].filter(
    (one) => one.host === undefined || one.port === 0 || !all.has(` ${one.port}`),
  );
}

function isSame(a: Endpoint, b: Endpoint): boolean {
  return a.host === b.host && a.port === b.port;
}

function textOf({ host, port }: Endpoint): string {
  if (host === undefined) return String(port);
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
