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
import { MonoportError } from "../../core/base/mod.ts";
import { type AcmeConfig, acmeSettings } from "./acme.ts";
import { type ApiConfig, apiSettings, checkApiAuth } from "./api.ts";
import { type CodecConfig, codecSettings } from "./codecs.ts";
import { type DiagnoseConfig, diagnoseSettings } from "./diagnose.ts";
import { type DrainConfig, drainSettings } from "./drain.ts";
import { checkDvr, type DvrConfig, dvrSettings } from "./dvr.ts";
import { type HlsConfig, hlsSettings } from "./hls.ts";
import { type HooksConfig, hookSettings } from "./hooks.ts";
import { type LimitsConfig, limitSettings } from "./limits.ts";
import { type PlayConfig, playSettings } from "./play.ts";
import { checkRelays, type RelayConfig, relaySettings } from "./relay.ts";
import { type RtcConfig, rtcSettings } from "./rtc.ts";
import { shown } from "./secrets.ts";
import { type SignallingConfig, signallingSettings } from "./signalling.ts";
import {
  environmentName,
  type Given,
  readArguments,
  readCandidate,
  readEnvironment,
} from "./sources.ts";
import { addressRanges, type TlsConfig, tlsSettings } from "./tls.ts";
import {
  type Endpoint,
  endpoints,
  milliseconds,
  onOff,
  type Setting,
  setting,
  wholeNumber,
} from "./types.ts";

/** A checked configuration, every default filled in. Times in ms unless a key says otherwise. */
export interface Config
  extends RtcConfig,
    TlsConfig,
    LimitsConfig,
    DiagnoseConfig,
    AcmeConfig,
    DrainConfig,
    ApiConfig,
    RelayConfig,
    PlayConfig,
    CodecConfig,
    SignallingConfig,
    HlsConfig,
    HooksConfig,
    DvrConfig {
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
  /** Whether RTMP is served, on every listener, inside TLS too. */
  readonly "rtmp.enabled": boolean;
  /** Listened on besides `listen`; what SRS calls `listen`. */
  readonly "rtmp.listen": readonly Endpoint[];
  /** How far a viewer may be behind before frames are dropped for him, in ms. */
  readonly "vhost.play.max_lag": number;
  /** Whether the stream `live/demo` runs. */
  readonly demo: boolean;
  readonly "log.level": "debug" | "info" | "warn" | "error";
  /** Proxies whose X-Forwarded-*, Forwarded and `clientip` are believed: addresses and ranges. */
  readonly trusted_proxies: readonly string[];
}

export type { Endpoint };

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
  ...rtcSettings,
  "rtmp.enabled": setting(onOff, "on", "serve RTMP, inside TLS too"),
  "rtmp.listen": setting(
    endpoints,
    "",
    "[host:]port of RTMP, if not the shared one (also $SRS_LISTEN)",
  ),
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
  trusted_proxies: setting(
    addressRanges,
    "",
    "addresses or ranges of proxies whose X-Forwarded-For is believed",
  ),
  ...playSettings,
  ...limitSettings,
  ...tlsSettings,
  ...drainSettings,
  ...apiSettings,
  ...relaySettings,
  ...codecSettings,
  ...signallingSettings,
  ...hlsSettings,
  ...hookSettings,
  ...dvrSettings,
  ...diagnoseSettings,
  ...acmeSettings,
} as const satisfies Record<keyof Config, Setting>;

type Key = keyof typeof settings;

/** What was read, and what the operator should know about it. */
export interface ParsedConfig {
  readonly config: Config;
  /** One line each: settings that were understood but do not act, or look mistyped. */
  readonly warnings: readonly string[];
}

/**
 * Reads defaults, environment and command line.
 *
 * @throws {MonoportError} `config-invalid`; the message has one line per wrong value or warning.
 */
export function parseConfig(
  env: Readonly<Record<string, string>>,
  args: readonly string[],
): ParsedConfig {
  const given = new Map<string, Given>();
  const warnings: string[] = [];
  const errors: string[] = [];
  readEnvironment(env, keys(), given, warnings);
  const absent = new Map(keys().map((key) => [key as string, settings[key].absent]));
  readArguments(args, absent, given, errors);
  readCandidate(env, given);

  const input: Record<string, string> = {};
  for (const key of keys()) input[key] = given.get(key)?.value ?? settings[key].absent;
  const result = v.safeParse(schema, input);
  if (!result.success) {
    for (const issue of result.issues) {
      const key = String(issue.path?.[0]?.key ?? "");
      const { source, value } = given.get(key) ?? { source: "default", value: input[key] ?? "" };
      errors.push(
        `${key} (${source}): cannot be ${JSON.stringify(shown(key, value))}; allowed: ${issue.message}`,
      );
    }
  }
  if (result.success)
    errors.push(
      ...checkApiAuth(result.output),
      ...checkDvr(result.output),
      ...checkRelays(result.output),
    );
  if (errors.length > 0 || !result.success)
    throw new MonoportError("config-invalid", [...errors, ...warnings].join("\n"));
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

const schema: v.GenericSchema<Record<string, string>, Config> = v.object(
  Object.fromEntries(Object.entries(settings).map(([key, s]) => [key, s.schema])),
) as unknown as v.GenericSchema<Record<string, string>, Config>;

function keys(): readonly Key[] {
  return Object.keys(settings) as Key[];
}
