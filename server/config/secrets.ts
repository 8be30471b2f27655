/** Settings whose values are told to nobody: not in errors, not by the API. @module */

const SECRETS: ReadonlySet<string> = new Set([
  "relay.token",
  "http_api.auth.password",
  "rtc_server.ice_servers",
  "acme.eab_hmac_key",
]);

/** What may hold a secret, as a URL does. */
const MAY_HOLD_SECRETS: ReadonlySet<string> = new Set([
  ...SECRETS,
  "relay.push",
  "relay.pull",
  ...["connect", "close", "publish", "unpublish", "play", "stop", "dvr", "hls"].map(
    (event) => `vhost.http_hooks.on_${event}`,
  ),
]);

const HIDDEN = "***";

/** A value as an error or the API may show it: of URLs neither queries nor user information. */
export function shown(key: string, value: string): string {
  if (SECRETS.has(key) && value !== "") return HIDDEN;
  if (!MAY_HOLD_SECRETS.has(key)) return value;
  return value.replaceAll(/\?\S*/g, `?${HIDDEN}`).replaceAll(/\/\/[^/\s]*@/g, `//${HIDDEN}@`);
}

/** The command line without the values of secrets, and of what may hold one. */
export function withoutSecretValues(args: readonly string[]): string[] {
  let next = false;
  return args.map((argument) => {
    if (next) {
      next = false;
      return HIDDEN;
    }
    const [, key = "", inline] = /^--([A-Za-z0-9_.]+)(=.*)?$/s.exec(argument) ?? [];
    if (!MAY_HOLD_SECRETS.has(key)) return argument;
    next = inline === undefined;
    return inline === undefined ? argument : `--${key}=${HIDDEN}`;
  });
}
