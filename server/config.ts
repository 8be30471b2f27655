/**
 * The configuration: an interface people read and a valibot schema the compiler holds to it.
 *
 * Keys are SRS's, as in its configuration file (`rtc_server.tcp.listen`); the environment spells
 * them `SRS_RTC_SERVER_TCP_LISTEN`, the command line `--rtc_server.tcp.listen 8080`. Later sources
 * win: defaults, environment, command line. Everything is checked at once, at the door; nothing
 * behind it validates again.
 *
 * @module
 */
import * as v from "valibot";
import { MonoportError } from "../core/base/mod.ts";
import { srsNames } from "./config_srs.ts";
import { type TlsConfig, tlsSettings } from "./config_tls.ts";
import {
  type Endpoint,
  endpoints,
  milliseconds,
  onOff,
  type Setting,
  seconds,
  setting,
  wholeNumber,
  words,
} from "./config_types.ts";

/** A checked configuration, every default filled in. Times in ms unless a key says otherwise. */
export interface Config extends TlsConfig {
  /** Where everything is served: `[host:]port`, several separated by blanks. */
  readonly listen: readonly Endpoint[];
  /** SRS's name for most TCP connections at a time, over all protocols. */
  readonly max_connections: number;
  readonly "http_api.enabled": boolean;
  /** Where the API is served besides `listen`; the same endpoint is listened on once. */
  readonly "http_api.listen": readonly Endpoint[];
  /** CORS headers on what browsers of other sites may use. */
  readonly "http_api.crossdomain": boolean;
  readonly "http_server.enabled": boolean;
  readonly "http_server.listen": readonly Endpoint[];
  readonly "http_server.crossdomain": boolean;
  readonly "rtc_server.enabled": boolean;
  /**
   * Addresses browsers are told to connect to: `ip`, `ip:port` or a name; `*` asks the interfaces.
   */
  readonly "rtc_server.candidate": readonly string[];
  readonly "rtc_server.protocol": "tcp" | "all";
  readonly "rtc_server.tcp.enabled": boolean;
  /** Where WebRTC over TCP is taken besides `listen`; the first one's port goes into candidates. */
  readonly "rtc_server.tcp.listen": readonly Endpoint[];
  readonly "rtc_server.use_auto_detect_network_ip": boolean;
  readonly "rtc_server.ip_family": "ipv4" | "ipv6" | "all";
  readonly "rtc_server.api_as_candidates": boolean;
  readonly "vhost.rtc.enabled": boolean;
  readonly "vhost.rtc.nack": boolean;
  readonly "vhost.rtc.twcc": boolean;
  /** Silence after which a WebRTC session ends (RFC 7675 §5.1 allows 30 s at most). */
  readonly "vhost.rtc.stun_timeout": number;
  /** How far a viewer may be behind before frames are dropped for him, in ms. */
  readonly "vhost.play.max_lag": number;
  /** Whether the stream `live/demo` runs. */
  readonly demo: boolean;
  readonly "log.level": "debug" | "info" | "warn" | "error";
  /** Proxies whose X-Forwarded-For and `clientip` are believed: addresses, separated by blanks. */
  readonly trusted_proxies: readonly string[];
  /** WebRTC sessions at a time. */
  readonly "limits.sessions": number;
  /** Streams at a time, live or waited for. */
  readonly "limits.streams": number;
  /** Viewers that may wait for one stream that is not live. */
  readonly "limits.waiting_viewers": number;
  /** Connections that have not yet shown what they are. */
  readonly "limits.unproven_connections": number;
  /** Until a connection's first bytes tell its protocol. */
  readonly "limits.first_bytes": number;
  /** Until the head of an HTTP request is complete. */
  readonly "limits.http_head": number;
  /** Between two pieces of a request body. */
  readonly "limits.http_body_idle": number;
  /** Between two requests on a connection. */
  readonly "limits.http_keep_alive": number;
  /** Bytes of an SDP offer or JSON body. */
  readonly "limits.body_bytes": number;
}

export type { Endpoint };

const candidate = v.pipe(
  words,
  v.everyItem(
    (w) => /^[A-Za-z0-9.:[\]*_-]+$/.test(w),
    "addresses, names or `*`, separated by blanks",
  ),
);

/** One entry per key: how its text is read, its default, and a line for `--help`. */
const settings = {
  listen: setting(
    v.pipe(endpoints, v.minLength(1, "one [host:]port at least")),
    "8080",
    "[host:]port everything is served on",
  ),
  max_connections: setting(wholeNumber(1, 1_000_000), "20000", "TCP connections at a time"),
  "http_api.enabled": setting(onOff, "on", "serve the HTTP API"),
  "http_api.listen": setting(endpoints, "", "[host:]port of the API, if not the shared one"),
  "http_api.crossdomain": setting(onOff, "on", "CORS headers on API and signalling"),
  "http_server.enabled": setting(onOff, "on", "serve the pages"),
  "http_server.listen": setting(endpoints, "", "[host:]port of the pages, if not the shared one"),
  "http_server.crossdomain": setting(onOff, "on", "CORS headers on the pages"),
  "rtc_server.enabled": setting(onOff, "on", "serve WebRTC"),
  "rtc_server.candidate": setting(
    candidate,
    "*",
    "addresses browsers connect to (also $CANDIDATE)",
  ),
  "rtc_server.protocol": setting(
    v.picklist(["tcp", "all"], "tcp or all (WebRTC over UDP is not served by this version)"),
    "tcp",
    "transports offered in candidates: tcp",
  ),
  "rtc_server.tcp.enabled": setting(onOff, "on", "serve WebRTC over TCP"),
  "rtc_server.tcp.listen": setting(
    endpoints,
    "",
    "[host:]port of WebRTC over TCP, if not the shared one",
  ),
  "rtc_server.use_auto_detect_network_ip": setting(
    onOff,
    "on",
    "use the interfaces' addresses as candidates",
  ),
  "rtc_server.ip_family": setting(
    v.picklist(["ipv4", "ipv6", "all"], "ipv4, ipv6 or all"),
    "ipv4",
    "which of them",
  ),
  "rtc_server.api_as_candidates": setting(onOff, "on", "use the request's Host as a candidate"),
  "vhost.rtc.enabled": setting(onOff, "on", "serve WebRTC streams"),
  "vhost.rtc.nack": setting(onOff, "on", "repair losses by NACK"),
  "vhost.rtc.twcc": setting(onOff, "on", "transport-wide congestion control"),
  "vhost.rtc.stun_timeout": setting(seconds(5, 30), "30", "seconds of silence that end a session"),
  "vhost.play.max_lag": setting(
    milliseconds(100, 30_000),
    "500",
    "ms a viewer may be behind before frames are dropped",
  ),
  demo: setting(onOff, "on", "the stream live/demo"),
  "log.level": setting(
    v.picklist(["debug", "info", "warn", "error"], "debug, info, warn or error"),
    "info",
    "least level of what is logged",
  ),
  trusted_proxies: setting(words, "", "addresses of proxies whose X-Forwarded-For is believed"),
  "limits.sessions": setting(wholeNumber(1, 1_000_000), "10000", "WebRTC sessions at a time"),
  "limits.streams": setting(wholeNumber(1, 1_000_000), "2000", "streams at a time"),
  "limits.waiting_viewers": setting(
    wholeNumber(0, 1_000_000),
    "1000",
    "viewers waiting for one stream",
  ),
  "limits.unproven_connections": setting(
    wholeNumber(1, 1_000_000),
    "8000",
    "connections that have not shown their protocol",
  ),
  "limits.first_bytes": setting(milliseconds(100, 600_000), "10000", "ms until the first bytes"),
  "limits.http_head": setting(
    milliseconds(100, 600_000),
    "10000",
    "ms until a request head is complete",
  ),
  "limits.http_body_idle": setting(
    milliseconds(100, 600_000),
    "30000",
    "ms between two pieces of a body",
  ),
  "limits.http_keep_alive": setting(
    milliseconds(100, 3_600_000),
    "60000",
    "ms between two requests",
  ),
  "limits.body_bytes": setting(
    wholeNumber(1024, 16_777_216),
    "131072",
    "bytes of an SDP offer or JSON body",
  ),
  ...tlsSettings,
} as const satisfies Record<keyof Config, Setting>;

type Key = keyof typeof settings;

/** Where a value came from, as it is said in an error. */
interface Given {
  readonly source: string;
  readonly value: string;
}

/** What was read, and what the operator should know about it. */
export interface ParsedConfig {
  readonly config: Config;
  /** One line each: settings that were understood but do not act, or look mistyped. */
  readonly warnings: readonly string[];
}

/**
 * Reads defaults, environment and command line.
 *
 * @throws {MonoportError} `config-invalid`; the message has one line per wrong value.
 */
export function parseConfig(
  env: Readonly<Record<string, string>>,
  args: readonly string[],
): ParsedConfig {
  const given = new Map<string, Given>();
  const warnings: string[] = [];
  const errors: string[] = [];
  readEnvironment(env, given, warnings);
  readArguments(args, given, errors);
  if (!given.has("rtc_server.candidate") && env["CANDIDATE"]) {
    given.set("rtc_server.candidate", { source: "environment CANDIDATE", value: env["CANDIDATE"] });
  }
  indirectCandidate(env, given);

  const input: Record<string, string> = {};
  for (const key of keys()) input[key] = given.get(key)?.value ?? settings[key].absent;
  const result = v.safeParse(schema, input);
  if (!result.success) {
    for (const issue of result.issues) {
      const key = String(issue.path?.[0]?.key ?? "");
      const { source, value } = given.get(key) ?? { source: "default", value: input[key] ?? "" };
      errors.push(
        `${key} (${source}): cannot be ${JSON.stringify(value)}; allowed: ${issue.message}`,
      );
    }
  }
  if (errors.length > 0 || !result.success)
    throw new MonoportError("config-invalid", errors.join("\n"));
  if (result.output["rtc_server.protocol"] === "all") {
    warnings.push(
      "rtc_server.protocol all offers TCP alone: this version serves no WebRTC over UDP",
    );
  }
  return { config: result.output, warnings };
}

/** All keys with their defaults and meaning, for `--help` and docs/configuration.md. */
export function describeSettings(): readonly {
  key: string;
  absent: string;
  help: string;
  env: string;
}[] {
  return keys().map((key) => ({
    key,
    absent: settings[key].absent,
    help: settings[key].help,
    env: environmentName(key),
  }));
}

/** `SRS_...` for SRS's own keys, `MONOPORT_...` for ours. */
export function environmentName(key: string): string {
  const name = key.toUpperCase().replaceAll(".", "_");
  return `${key !== "listen" && srsNames.has(name) ? "SRS" : "MONOPORT"}_${name}`;
}

const schema: v.GenericSchema<Record<string, string>, Config> = v.object(
  Object.fromEntries(Object.entries(settings).map(([key, s]) => [key, s.schema])),
) as unknown as v.GenericSchema<Record<string, string>, Config>;

function keys(): readonly Key[] {
  return Object.keys(settings) as Key[];
}

/** Misspelt in a widely copied command; SRS's image ignores it too. */
const ALIASES: Readonly<Record<string, string>> = {
  SRS_HTTP_SERVER_HTTTPS_ENABLED: "SRS_HTTP_SERVER_HTTPS_ENABLED",
};

function readEnvironment(
  env: Readonly<Record<string, string>>,
  given: Map<string, Given>,
  warnings: string[],
): void {
  const known = new Map(keys().map((key) => [environmentName(key), key]));
  for (const [spelt, value] of Object.entries(env)) {
    const name = ALIASES[spelt] ?? spelt;
    if (name !== spelt) warnings.push(`${spelt} is taken as ${name}`);
    const key = known.get(name) ?? known.get(name.replace(/^SRS_/, "MONOPORT_"));
    if (name === "SRS_LISTEN") {
      warnings.push(
        "SRS_LISTEN is the RTMP port, and RTMP is not served by this version; the shared port is MONOPORT_LISTEN or --listen",
      );
    } else if (key !== undefined) {
      given.set(key, {
        source: `environment ${spelt}`,
        value: srsOnOff(value, key, spelt, warnings),
      });
    } else if (name.startsWith("SRS_") && !srsNames.has(name.slice(4))) {
      warnings.push(
        `${spelt} is no setting of SRS or Monoport${didYouMean(name, [...known.keys()])}`,
      );
    } else if (name.startsWith("SRS_")) {
      if (!WITHOUT_MEANING.test(name)) warnings.push(`${spelt} has no effect in this version`);
    } else if (name.startsWith("MONOPORT_")) {
      warnings.push(`${spelt} is no setting of Monoport${didYouMean(name, [...known.keys()])}`);
    }
  }
}

/** Settings of SRS's process and image that have nothing to act on here; not worth a warning. */
const WITHOUT_MEANING =
  /^SRS_(DAEMON|IN_DOCKER|ENV_ONLY|WORK_DIR|PID|LOG_TANK|SRS_LOG_TANK|DISABLE_DAEMON_FOR_DOCKER|AUTO_RELOAD_FOR_DOCKER|HTTP_SERVER_DIR)$/;

/** SRS's log levels, in our words; other values are left to the schema. */
function srsOnOff(value: string, key: string, spelt: string, warnings: string[]): string {
  if (key !== "log.level") return value;
  const level = { verbose: "debug", info: "debug", trace: "info" }[value];
  if (level === undefined || !spelt.startsWith("SRS_")) return value;
  warnings.push(`${spelt}=${value} is taken as log.level ${level}`);
  return level;
}

/** SRS's image sets `candidate $CANDIDATE`: a value that names another variable. */
function indirectCandidate(env: Readonly<Record<string, string>>, given: Map<string, Given>): void {
  const candidateGiven = given.get("rtc_server.candidate");
  const name = candidateGiven?.value.match(/^\$(\w+)$/)?.[1];
  if (candidateGiven && name !== undefined) {
    given.set("rtc_server.candidate", {
      source: `${candidateGiven.source} -> ${name}`,
      value: env[name] || "*",
    });
  }
}

function readArguments(args: readonly string[], given: Map<string, Given>, errors: string[]): void {
  for (let i = 0; i < args.length; i++) {
    const argument = args[i] ?? "";
    const [, name, inline] = /^--([A-Za-z0-9_.]+)(?:=(.*))?$/s.exec(argument) ?? [];
    if (name === undefined) {
      if (argument !== "-e")
        errors.push(`Cannot read argument ${JSON.stringify(argument)}; see --help`);
      continue;
    }
    const key = name === "candidate" ? "rtc_server.candidate" : name;
    if (!(key in settings)) {
      errors.push(
        `Cannot set ${JSON.stringify(name)} (command line): no such setting${didYouMean(name, keys())}; see --help`,
      );
      if (inline === undefined) i++;
      continue;
    }
    const value = inline ?? args[++i];
    if (value === undefined)
      errors.push(
        `${key} (command line): a value is missing, as in --${name} ${settings[key as Key].absent}`,
      );
    else given.set(key, { source: "command line", value });
  }
}

/** The nearest known name, if one is near enough to be a slip of the pen. */
function didYouMean(name: string, among: readonly string[]): string {
  let best = "";
  let least = 4;
  for (const other of among) {
    const distance = editDistance(name, other, least);
    if (distance < least) [best, least] = [other, distance];
  }
  return best === "" ? "" : `; did you mean ${best}`;
}

/** Levenshtein distance, given up at `bound`. */
function editDistance(a: string, b: string, bound: number): number {
  if (Math.abs(a.length - b.length) >= bound || a.length > 100) return bound;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
    }
    row = next;
  }
  return row[b.length] ?? bound;
}
