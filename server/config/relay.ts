/** The settings of pushing to and pulling from other servers. @module */
import * as v from "valibot";
import { AllowList, isAllowEntry } from "../relay/allow_list.ts";
import { isTokenEntry, parseRule, type RelayRule, RULE_FORM } from "../relay/rules.ts";
import { milliseconds, type Setting, setting, wholeNumber, words } from "./types.ts";

export interface RelayConfig {
  /** Streams sent on to the WHIP endpoints of other servers. */
  readonly "relay.push": readonly RelayRule[];
  /** Streams fetched from the WHEP endpoints of other servers. */
  readonly "relay.pull": readonly RelayRule[];
  /** `demand`: while somebody here waits for the stream or watches it. */
  readonly "relay.pull_when": "demand" | "always";
  /** How long a pull on demand goes on without viewers. */
  readonly "relay.pull_idle": number;
  /** How long a push goes on without a publisher, who may only be reloading his page. */
  readonly "relay.push_idle": number;
  /** The only hosts that are connected to. */
  readonly "relay.allow": readonly string[];
  /** Bearer tokens by host; a secret. */
  readonly "relay.token": readonly string[];
  /** PEM file of authorities trusted besides those of the runtime. */
  readonly "relay.ca": string;
  /** Pushes and pulls at a time. */
  readonly "limits.relays": number;
  /** Of these, pulls by rules with `*` that the viewers of one address have begun. */
  readonly "limits.relays_per_address": number;
}

type RelaySettings = { readonly [Key in keyof RelayConfig]: Setting<RelayConfig[Key]> };

function rules(kind: "push" | "pull"): v.GenericSchema<string, RelayRule[]> {
  return v.pipe(
    words,
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const read = dataset.value.map((word) => parseRule(kind, word));
      if (read.every((rule) => rule !== undefined)) return read;
      addIssue({ message: RULE_FORM });
      return NEVER;
    }),
  );
}

export const relaySettings: RelaySettings = {
  "relay.push": setting(
    rules("push"),
    "",
    "APP/STREAM=URL of WHIP endpoints to send streams on to",
  ),
  "relay.pull": setting(
    rules("pull"),
    "",
    "APP/STREAM=URL of WHEP endpoints to fetch streams from",
  ),
  "relay.pull_when": setting(
    v.picklist(["demand", "always"], "demand or always"),
    "demand",
    "when to pull: while somebody watches, or always",
  ),
  "relay.pull_idle": setting(
    milliseconds(1000, 3_600_000),
    "10000",
    "ms without viewers that end a pull on demand",
  ),
  "relay.push_idle": setting(
    milliseconds(1000, 3_600_000),
    "10000",
    "ms without a publisher that end a push",
  ),
  "relay.allow": setting(
    v.pipe(
      words,
      v.everyItem(isAllowEntry, "HOST[:PORT], ADDRESS[/BITS][:PORT] with brackets round IPv6"),
    ),
    "",
    "hosts that may be pushed to and pulled from; none by default",
  ),
  "relay.token": setting(
    v.pipe(words, v.everyItem(isTokenEntry, "HOST[:PORT]=TOKEN, separated by blanks")),
    "",
    "HOST[:PORT]=TOKEN: bearer tokens for other servers",
  ),
  "relay.ca": setting(v.string(), "", "PEM file of authorities trusted for https of other servers"),
  "limits.relays": setting(wholeNumber(1, 100_000), "100", "pushes and pulls at a time"),
  "limits.relays_per_address": setting(
    wholeNumber(1, 100_000),
    "50",
    "pulls that viewers of one address begin by rules with *",
  ),
};

/** What is wrong between these settings, one line each. */
export function checkRelays(config: RelayConfig): string[] {
  const allow = new AllowList(config["relay.allow"]);
  return (["relay.push", "relay.pull"] as const).flatMap((key) =>
    config[key].flatMap(({ app, stream, template }) => {
      const url = new URL(template.replaceAll("[app]", app).replaceAll("[stream]", "name"));
      const port = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
      const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
      if (allow.mayAsk(host, port)) return [];
      return [`${key}: ${app}/${stream} cannot use ${url.host}: add it to relay.allow`];
    }),
  );
}
