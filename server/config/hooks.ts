/** The settings of HTTP hooks. @module */
import * as v from "valibot";
import { milliseconds, onOff, type Setting, setting, words } from "./types.ts";

/** URLs of one hook. */
const URLS_MAX = 8;

export interface HooksConfig {
  readonly "vhost.http_hooks.enabled": boolean;
  /** URLs that are asked, all of them one after the other, before a client is let in. */
  readonly "vhost.http_hooks.on_connect": readonly string[];
  readonly "vhost.http_hooks.on_publish": readonly string[];
  readonly "vhost.http_hooks.on_play": readonly string[];
  /** URLs that are told. */
  readonly "vhost.http_hooks.on_close": readonly string[];
  readonly "vhost.http_hooks.on_unpublish": readonly string[];
  readonly "vhost.http_hooks.on_stop": readonly string[];
  readonly "vhost.http_hooks.on_dvr": readonly string[];
  readonly "vhost.http_hooks.on_dvr_delete": readonly string[];
  readonly "vhost.http_hooks.on_hls": readonly string[];
  /** For all that is asked for one client, and for each call that only tells. */
  readonly "vhost.http_hooks.timeout": number;
}

type HookSettings = { readonly [Key in keyof HooksConfig]: Setting<HooksConfig[Key]> };

const urls: v.GenericSchema<string, string[]> = v.pipe(
  words,
  v.maxLength(URLS_MAX, `${URLS_MAX} URLs at most`),
  v.everyItem(isHookUrl, "http:// or https:// URLs without user and password, separated by blanks"),
);

function isHookUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username === "" && password === "";
}

export const hookSettings: HookSettings = {
  "vhost.http_hooks.enabled": setting(onOff, "off", "call HTTP hooks"),
  "vhost.http_hooks.on_connect": setting(urls, "", "URLs that decide on each client, first"),
  "vhost.http_hooks.on_publish": setting(urls, "", "URLs that decide who may publish"),
  "vhost.http_hooks.on_play": setting(urls, "", "URLs that decide who may play"),
  "vhost.http_hooks.on_close": setting(urls, "", "URLs told that a client has left"),
  "vhost.http_hooks.on_unpublish": setting(urls, "", "URLs told that a publisher has left"),
  "vhost.http_hooks.on_stop": setting(urls, "", "URLs told that a viewer has left"),
  "vhost.http_hooks.on_dvr": setting(urls, "", "URLs told of each finished recording"),
  "vhost.http_hooks.on_dvr_delete": setting(
    urls,
    "",
    "URLs told of each old recording that was deleted",
  ),
  "vhost.http_hooks.on_hls": setting(urls, "", "URLs told of each segment of HLS"),
  "vhost.http_hooks.timeout": setting(
    milliseconds(100, 30_000),
    "5000",
    "ms that the hooks asked for one client may take",
  ),
};
