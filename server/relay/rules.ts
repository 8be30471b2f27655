/** What an operator wrote about streams and other servers: `live/cam=https://HOST/whip/live/cam`. @module */
import { isBadStreamName, parseStreamName, type StreamName } from "../../core/stream/mod.ts";

export type RelayKind = "push" | "pull";

/** A stream, or every stream of an app, and where it goes or comes from. */
export interface RelayRule {
  readonly kind: RelayKind;
  readonly app: string;
  /** `*` for every stream of the app. */
  readonly stream: string;
  /** With `[app]` and `[stream]` where the names go. */
  readonly template: string;
}

/** Longest URL of another server. */
const URL_MAX_CHARACTERS = 2048;

export const RULE_FORM =
  "APP/STREAM=URL with an http or https URL, or APP/*=URL with [stream] in the URL, separated by blanks";

/** `APP/STREAM=URL`; `undefined` for anything else. */
export function parseRule(kind: RelayKind, text: string): RelayRule | undefined {
  const [, app = "", stream = "", template = ""] = /^([^/=]+)\/([^/=]+)=(.+)$/.exec(text) ?? [];
  if (stream === "*" && !template.includes("[stream]")) return undefined;
  const name = parseStreamName(app, stream === "*" ? "name" : stream);
  if (isBadStreamName(name)) return undefined;
  const rule = { kind, app, stream, template };
  return urlFor(rule, name) === undefined ? undefined : rule;
}

export function fitsRule({ app, stream }: RelayRule, name: StreamName): boolean {
  return app === name.app && (stream === "*" || stream === name.stream);
}

/** The URL of a stream; `undefined` when it is none that may be asked. */
export function urlFor({ template }: RelayRule, { app, stream }: StreamName): URL | undefined {
  return parseTarget(template.replaceAll("[app]", app).replaceAll("[stream]", stream));
}

/** An endpoint of another server: http or https, without user information. */
export function parseTarget(text: string): URL | undefined {
  if (text.length > URL_MAX_CHARACTERS || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") return undefined;
  if (url.username !== "" || url.password !== "" || url.hostname === "") return undefined;
  url.hash = "";
  return url;
}

/** Queries that name a stream; any other may be a secret. */
const TOLD: readonly string[] = ["app", "stream", "vhost", "codec", "action"];

/** A URL for logs and the API: values of queries that may be secrets are left out. */
export function withoutSecrets(url: URL): string {
  const told = new URL(url);
  for (const name of [...told.searchParams.keys()]) {
    if (!TOLD.includes(name)) told.searchParams.set(name, "...");
  }
  return told.href;
}

/** The token of `host[:port]` among `HOST[:PORT]=TOKEN`. */
export function tokenFor(tokens: readonly string[], url: URL): string | undefined {
  for (const entry of tokens) {
    const [, host = "", token = ""] = TOKEN.exec(entry) ?? [];
    if (host.toLowerCase() === url.host || host.toLowerCase() === url.hostname) return token;
  }
  return undefined;
}

const TOKEN = /^([^=]+)=([A-Za-z0-9._~+/=-]+)$/;

export function isTokenEntry(text: string): boolean {
  return TOKEN.test(text);
}
