/** What is printed at the start: the addresses to open and to call, of what is served. @module */
import type { Runtime } from "../core/base/mod.ts";
import type { Config } from "./config/config.ts";
import type { Monoport } from "./monoport.ts";
import { servesRtc } from "./port/listening.ts";
import { VERSION } from "./version.ts";

const STREAM = "live/livestream";

export function banner(
  { name, version }: Pick<Runtime, "name" | "version">,
  { endpoints, udpEndpoints, tls }: Pick<Monoport, "endpoints" | "udpEndpoints" | "tls">,
  config: Config,
): string {
  const [first] = endpoints;
  if (first === undefined) return "Monoport listens nowhere";
  const wild = first.host === "::" || first.host === "0.0.0.0";
  const literal = first.host.includes(":") ? `[${first.host}]` : first.host;
  const address = `${wild ? "localhost" : literal}:${first.port}`;
  const ports = [
    ...endpoints.map((one) => `TCP ${one.port}`),
    ...udpEndpoints.map((one) => `UDP ${one.port}`),
  ].join(", ");
  const addresses = served(config, `http${tls ? "s" : ""}://${address}`, address)
    .filter((group) => group.length > 0)
    .map((group) => group.map(([what, url]) => `  ${what.padEnd(9)} ${url}`).join("\n"));
  return [
    `Monoport ${VERSION} on ${name} ${version}, ${ports}`,
    ...addresses,
    ...(tls ? [`  Certificate ${tls.selfSigned ? "(self-signed) " : ""}${tls.fingerprint}`] : []),
    "Stop with Ctrl+C.",
  ].join("\n\n");
}

type Address = readonly [what: string, url: string];

/** The first pages, then what publishes, then what plays. */
function served(config: Config, url: string, address: string): readonly (readonly Address[])[] {
  const pages = config["http_server.enabled"];
  const rtc = servesRtc(config);
  const signalling = rtc && config["http_api.enabled"];
  const one = (is: boolean, what: string, where: string): readonly Address[] =>
    is ? [[what, where]] : [];
  return [
    [
      ...one(pages, "Open", `${url}/`),
      ...one(pages && rtc && config.demo, "Demo", `${url}/watch/live/demo`),
      ...one(!pages, "Health", `${url}/healthz`),
    ],
    [
      ...one(pages && signalling, "Publish", `${url}/players/whip.html`),
      ...one(signalling, "WHIP", `${url}/rtc/v1/whip/?app=live&stream=livestream`),
      ...one(config["rtmp.enabled"], "RTMP", `rtmp://${address}/${STREAM}`),
    ],
    [
      ...one(pages, "Watch", `${url}/watch/${STREAM}`),
      ...one(signalling, "WHEP", `${url}/rtc/v1/whep/?app=live&stream=livestream`),
      ...one(pages && config["vhost.hls.enabled"], "HLS", `${url}/${STREAM}.m3u8`),
      ...one(pages && config["vhost.http_remux.enabled"], "HTTP-FLV", `${url}/${STREAM}.flv`),
      ...one(pages && config["vhost.http_remux.enabled"], "HTTP-TS", `${url}/${STREAM}.ts`),
    ],
  ];
}
