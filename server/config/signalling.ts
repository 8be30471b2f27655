/** The settings of what signalling tells clients beside the answer, and how often it is asked. @module */
import * as v from "valibot";
import { type Setting, setting, wholeNumber, words } from "./types.ts";

/** A STUN or TURN server for clients (RFC 7064, RFC 7065). */
export interface IceServer {
  /** `stun:host:port`, `turns:host:port?transport=tcp`. */
  readonly uri: string;
  readonly username: string | undefined;
  readonly credential: string | undefined;
}

export interface SignallingConfig {
  /** STUN and TURN servers that a 201 names in its Link headers; TURN credentials are a secret. */
  readonly "rtc_server.ice_servers": readonly IceServer[];
  /** Where all new WHIP and WHEP sessions go, as `https://host[:port][/path]`; empty: nowhere. */
  readonly "rtc_server.redirect": string;
  /** The same for those this server has no room for, or takes no more before it ends. */
  readonly "limits.redirect": string;
  /** WHIP, WHEP and JSON requests of one address that make, change or end a session. */
  readonly "limits.requests_per_second": number;
  /** How many of them may come at once. */
  readonly "limits.requests_burst": number;
}

type SignallingSettings = {
  readonly [Key in keyof SignallingConfig]: Setting<SignallingConfig[Key]>;
};

const ICE_SERVER_FORM =
  "stun:HOST[:PORT], or turn:USER:PASSWORD@HOST[:PORT][?transport=tcp], also stuns: and turns:, separated by blanks; % and @ in a password are written %25 and %40";

const iceServers: v.GenericSchema<string, IceServer[]> = v.pipe(
  words,
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const read = dataset.value.map(parseIceServer);
    if (read.every((server) => server !== undefined)) return read;
    addIssue({ message: ICE_SERVER_FORM });
    return NEVER;
  }),
);

/** RFC 7065 keeps credentials out of TURN URIs; here they stand where URLs have them. */
export function parseIceServer(text: string): IceServer | undefined {
  const [, scheme = "", user, password, host = "", query = ""] =
    /^(stuns?|turns?):(?:([^\s:@"]+):([^\s@"]+)@)?((?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?)(\?transport=(?:udp|tcp))?$/.exec(
      text,
    ) ?? [];
  const turn = scheme.startsWith("turn");
  if (scheme === "" || turn !== (user !== undefined) || (query !== "" && !turn)) return undefined;
  const username = decoded(user);
  const credential = decoded(password);
  if (turn && (username === undefined || credential === undefined)) return undefined;
  return { uri: `${scheme}:${host}${query}`, username, credential };
}

/** Printable ASCII alone: it goes into a header. */
function decoded(part: string | undefined): string | undefined {
  if (part === undefined || /%(?![0-9A-Fa-f]{2})/.test(part)) return undefined;
  const text = part.replaceAll(/%(..)/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return /^[\u0020-\u007e]+$/.test(text) ? text : undefined;
}

const REDIRECT_FORM =
  "http:// or https:// and a host, with a port and a path if need be, as https://other.example";

/** Without a slash at its end. */
const base: v.GenericSchema<string, string> = v.pipe(
  v.string(),
  v.check(
    (text) => text === "" || (URL.canParse(text) && /^https?:\/\/[^\s?#@]+$/.test(text)),
    REDIRECT_FORM,
  ),
  v.transform((text) => text.replace(/\/+$/, "")),
);

export const signallingSettings: SignallingSettings = {
  "rtc_server.ice_servers": setting(
    iceServers,
    "",
    "STUN and TURN servers for clients: stun:HOST, turn:USER:PASSWORD@HOST?transport=tcp",
  ),
  "rtc_server.redirect": setting(base, "", "URL of the server that new sessions are sent to"),
  "limits.redirect": setting(
    base,
    "",
    "URL of the server that those without room here are sent to",
  ),
  "limits.requests_per_second": setting(
    wholeNumber(1, 1_000_000),
    "100",
    "signalling requests per second of one address (IPv6: of one /64)",
  ),
  "limits.requests_burst": setting(wholeNumber(1, 1_000_000), "400", "those that may come at once"),
};
