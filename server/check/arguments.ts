/** The command line of `monoport check`. @module */

export interface CheckOptions {
  readonly host: string;
  readonly port: number;
  /** Of the URL; undefined tries TLS first. */
  readonly scheme: "http" | "https" | undefined;
  readonly json: boolean;
  /** For each thing that is waited for. */
  readonly timeoutMillis: number;
  /** Paths with queries. */
  readonly whep: string;
  readonly whip: string;
  /** Sent as a Bearer token; empty for none. */
  readonly token: string;
}

export const CHECK_HELP: string = [
  "Usage: monoport check [OPTIONS] HOST:PORT | URL",
  "",
  "Finds out what passes between this machine and a server: TCP, TLS, HTTP, WHIP, WHEP,",
  "STUN and WebRTC over TCP and UDP. One line each, with what to do.",
  "",
  "  --stream APP/STREAM  the stream that is asked for (live/demo); it need not be live",
  "  --whep PATH          where another server takes WHEP offers, as /demo/whep",
  "  --whip PATH          where it takes WHIP offers",
  "  --token TOKEN        sent as a Bearer token",
  "  --timeout SECONDS    for each answer (5)",
  "  --json               the lines as JSON",
  "",
  "Exit code: 0 all that is offered passes, 1 media passes with limits (UDP is blocked, or the",
  "certificate is not trusted), 2 no media passes, 64 the command was typed wrong.",
].join("\n");

const VALUES = ["stream", "whep", "whip", "token", "timeout"] as const;
type Value = (typeof VALUES)[number];

/** What was asked for, or what is wrong with it. `args` is what stands behind `check`. */
export function parseCheck(args: readonly string[]): CheckOptions | string {
  const values: Partial<Record<Value, string>> = {};
  const targets: string[] = [];
  let json = false;
  for (let i = 0; i < args.length; i++) {
    const argument = args[i] ?? "";
    const [, name, inline] = /^--([a-z]+)(?:=(.*))?$/s.exec(argument) ?? [];
    const key = VALUES.find((one) => one === name);
    if (name === "json" && inline === undefined) json = true;
    else if (key !== undefined) {
      const value = inline ?? args[++i];
      if (value === undefined) return `--${key}: a value is missing`;
      values[key] = value;
    } else if (argument.startsWith("-")) return `There is no option ${JSON.stringify(argument)}`;
    else targets.push(argument);
  }
  const [target] = targets;
  if (target === undefined || targets.length > 1) return "Name one HOST:PORT or URL";
  return withTarget(target, values, json);
}

function withTarget(
  target: string,
  values: Partial<Record<Value, string>>,
  json: boolean,
): CheckOptions | string {
  const at = parseTarget(target);
  if (at === undefined)
    return `Cannot read ${JSON.stringify(target)}: it is HOST:PORT, [IPV6]:PORT or a URL`;
  const { stream = "live/demo", timeout = "5", token = "" } = values;
  if (!/^\d{1,3}(\.\d{1,3})?$/.test(timeout) || Number(timeout) <= 0)
    return `--timeout: cannot be ${JSON.stringify(timeout)}; allowed: seconds, as 5 or 0.5`;
  const [, app, name] = /^([^/]+)\/([^/]+)$/.exec(stream) ?? [];
  if (app === undefined || name === undefined)
    return `--stream: cannot be ${JSON.stringify(stream)}; allowed: APP/STREAM, as live/demo`;
  const query = new URLSearchParams({ app, stream: name });
  const { whep = `/rtc/v1/whep/?${query}`, whip = `/rtc/v1/whip/?${query}` } = values;
  for (const [key, path] of Object.entries({ whep, whip })) {
    if (!/^\/[\x21-\x7e]*$/.test(path))
      return `--${key}: a path that begins with /, as /demo/${key}`;
  }
  if (!/^[\x21-\x7e]*$/.test(token)) return "--token: no blanks and no control characters";
  return { ...at, json, timeoutMillis: Number(timeout) * 1000, whep, whip, token };
}

function parseTarget(text: string): Pick<CheckOptions, "host" | "port" | "scheme"> | undefined {
  const scheme = /^(https?):\/\//.exec(text)?.[1] as "http" | "https" | undefined;
  let url: URL;
  try {
    url = new URL(scheme === undefined ? `http://${text}` : text);
  } catch {
    return undefined;
  }
  if (scheme === undefined && !/^[^/?#@]+:\d+$/.test(text)) return undefined;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port === "" ? (scheme === "https" ? 443 : 80) : Number(url.port);
  return host === "" || port === 0 ? undefined : { host, port, scheme };
}
