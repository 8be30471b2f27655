/**
 * What a page was asked for by its address, with the queries of SRS's pages:
 * `autostart`, `api` (port), `app`, `stream`, `server`, `schema`, and ours: `transport` (`tcp` or
 * `udp`: nothing else is tried), `source`, `simulcast=true`. Everything else, `eip` and `codec` among it, goes on to
 * the WHIP or WHEP address. `token` is sent as a Bearer token.
 *
 * @module
 */

export interface Settings {
  app: string;
  stream: string;
  readonly autostart: boolean;
  /** Empty for none. */
  readonly token: string;
  /** `h264`, `vp8`, ... in lower case; empty for what suits best. */
  codec: string;
  /** What to publish; empty for the page's own choice. */
  readonly source: string;
  /** `transport=tcp` or `udp`: the only one that is tried. */
  readonly transport: "tcp" | "udp" | undefined;
  /** Whether to publish in three sizes. */
  simulcast: boolean;
  /** Scheme, host and port of the server, the page's own unless the query says otherwise. */
  origin: string;
  /** Queries that are not ours, passed on. */
  readonly others: readonly (readonly [name: string, value: string])[];
}

/** Queries of the pages themselves, which are not passed on. */
const own = new Set([
  "autostart",
  "api",
  "app",
  "stream",
  "server",
  "schema",
  "token",
  "source",
  "codec",
  "transport",
  "simulcast",
]);

export function readSettings(page: URL): Settings {
  const query = page.searchParams;
  return {
    app: query.get("app") || "live",
    stream: query.get("stream") || "livestream",
    autostart: query.get("autostart") === "true",
    token: query.get("token") ?? "",
    codec: (query.get("codec") ?? "").toLowerCase(),
    source: query.get("source") ?? "",
    transport: transportOf(query.get("transport")),
    simulcast: query.get("simulcast") === "true",
    origin: originOf(page),
    others: [...query].filter(([name]) => !own.has(name)),
  };
}

function transportOf(text: string | null): "tcp" | "udp" | undefined {
  return text === "tcp" || text === "udp" ? text : undefined;
}

function originOf(page: URL): string {
  const query = page.searchParams;
  const scheme = (query.get("schema") || page.protocol).replace(/:$/, "");
  const server = query.get("server") || page.hostname;
  const named = /:\d+$/.exec(server.replace(/^\[.*\]/, ""))?.[0] ?? "";
  const port = query.get("api") || (named === "" ? page.port : "");
  const host = server.slice(0, server.length - named.length);
  return new URL(`${scheme}://${host}${port === "" ? named : `:${port}`}`).origin;
}

/** The WHIP or WHEP address of the stream, with what is passed on. */
export function endpoint(settings: Settings, kind: "whip" | "whep"): URL {
  const url = new URL(`/rtc/v1/${kind}/`, settings.origin);
  url.searchParams.set("app", settings.app);
  url.searchParams.set("stream", settings.stream);
  if (settings.codec !== "") url.searchParams.set("codec", settings.codec);
  for (const [name, value] of settings.others) url.searchParams.append(name, value);
  return url;
}

/** The address of one of our pages for a stream, keeping the queries of this one. */
export function pageAddress(path: string, settings: Settings, autostart: boolean): URL {
  const url = new URL(path, location.href);
  const now = new URL(location.href).searchParams;
  for (const name of ["api", "server", "schema"]) {
    const value = now.get(name);
    if (value !== null) url.searchParams.set(name, value);
  }
  url.searchParams.set("app", settings.app);
  url.searchParams.set("stream", settings.stream);
  if (autostart) url.searchParams.set("autostart", "true");
  return url;
}
