/** Who may use the HTTP API. @module */
import * as v from "valibot";
import { onOff, type Setting, setting } from "./types.ts";

export interface ApiConfig {
  /** Basic authentication (RFC 7617) on everything below /api/. */
  readonly "http_api.auth.enabled": boolean;
  readonly "http_api.auth.username": string;
  /** A secret. */
  readonly "http_api.auth.password": string;
}

type ApiSettings = { readonly [Key in keyof ApiConfig]: Setting<ApiConfig[Key]> };

export const apiSettings: ApiSettings = {
  "http_api.auth.enabled": setting(onOff, "off", "ask for a user name and password on /api/"),
  "http_api.auth.username": setting(
    v.pipe(v.string(), v.regex(/^[^:]*$/, "a name without a colon")),
    "",
    "user name of the API",
  ),
  "http_api.auth.password": setting(v.string(), "", "password of the API"),
};

/** What is wrong between these settings, one line each. */
export function checkApiAuth(config: ApiConfig): string[] {
  if (!config["http_api.auth.enabled"]) return [];
  return (["http_api.auth.username", "http_api.auth.password"] as const)
    .filter((key) => config[key] === "")
    .map((key) => `${key}: is empty, and http_api.auth.enabled is on`);
}
