/** Where settings come from: environment and command line. @module */
import { srsNames } from "./srs.ts";

/** Where a value came from, as it is said in an error. */
export interface Given {
  readonly source: string;
  readonly value: string;
}

/** `SRS_...` for SRS's own keys, `MONOPORT_...` for ours. */
export function environmentName(key: string): string {
  const name = key.toUpperCase().replaceAll(".", "_");
  return `${key !== "listen" && srsNames.has(name) ? "SRS" : "MONOPORT"}_${name}`;
}

/** Misspelt in a widely copied command; SRS's image ignores it too. */
const ALIASES: Readonly<Record<string, string>> = {
  SRS_HTTP_SERVER_HTTTPS_ENABLED: "SRS_HTTP_SERVER_HTTPS_ENABLED",
};

/** Settings of `keys` out of the environment; what is odd there goes into `warnings`. */
export function readEnvironment(
  env: Readonly<Record<string, string>>,
  keys: readonly string[],
  given: Map<string, Given>,
  warnings: string[],
): void {
  const known = new Map(keys.map((key) => [environmentName(key), key]));
  for (const [spelt, value] of Object.entries(env)) {
    const name = ALIASES[spelt] ?? spelt;
    if (name !== spelt) warnings.push(`${spelt} is taken as ${name}`);
    // What SRS calls `listen` is where RTMP is served; ours is the shared port.
    const ours =
      name === "SRS_LISTEN" ? "MONOPORT_RTMP_LISTEN" : name.replace(/^SRS_/, "MONOPORT_");
    const key = known.get(name) ?? known.get(ours);
    if (key !== undefined) {
      given.set(key, {
        source: `environment ${spelt}`,
        value: srsOnOff(value, key, spelt, warnings),
      });
    } else if (name.startsWith("SRS_") && !srsNames.has(name.slice(4))) {
      warnings.push(
        `${spelt} is no setting of SRS or Monoport${didYouMean(name, [...known.keys()])}`,
      );
    } else if (name.startsWith("SRS_")) {
      if (!WITHOUT_MEANING.test(name)) warnings.push(`${spelt} has no effect in this version`);
    } else if (name.startsWith("MONOPORT_")) {
      warnings.push(`${spelt} is no setting of Monoport${didYouMean(name, [...known.keys()])}`);
    }
  }
}

/** Settings of SRS's process and image that have nothing to act on here; not worth a warning. */
const WITHOUT_MEANING =
  /^SRS_(DAEMON|IN_DOCKER|ENV_ONLY|WORK_DIR|PID|LOG_TANK|SRS_LOG_TANK|DISABLE_DAEMON_FOR_DOCKER|AUTO_RELOAD_FOR_DOCKER|HTTP_SERVER_DIR)$/;

/** SRS's log levels, in our words; other values are left to the schema. */
function srsOnOff(value: string, key: string, spelt: string, warnings: string[]): string {
  if (key !== "log.level") return value;
  const level = { verbose: "debug", info: "debug", trace: "info" }[value];
  if (level === undefined || !spelt.startsWith("SRS_")) return value;
  warnings.push(`${spelt}=${value} is taken as log.level ${level}`);
  return level;
}

function unreadable(argument: string): string {
  const wrong = `Cannot read argument ${JSON.stringify(argument)}`;
  return argument === "-c"
    ? `${wrong}: there is no configuration file, settings come from the environment and the command line`
    : wrong;
}

/** Settings out of the command line; `absent` gives a known one's default. */
export function readArguments(
  args: readonly string[],
  absent: ReadonlyMap<string, string>,
  given: Map<string, Given>,
  errors: string[],
): void {
  for (let i = 0; i < args.length; i++) {
    const argument = args[i] ?? "";
    const [, name, inline] = /^--([A-Za-z0-9_.]+)(?:=(.*))?$/s.exec(argument) ?? [];
    if (name === undefined) {
      if (argument === "-c") i++;
      if (argument !== "-e") errors.push(`${unreadable(argument)}; see --help`);
      continue;
    }
    const key = name === "candidate" ? "rtc_server.candidate" : name;
    if (!absent.has(key)) {
      errors.push(
        `Cannot set ${JSON.stringify(name)} (command line): no such setting${didYouMean(name, [...absent.keys()])}; see --help`,
      );
      if (inline === undefined) i++;
      continue;
    }
    const value = inline ?? args[++i];
    if (value === undefined)
      errors.push(`${key} (command line): a value is missing, as in --${name} ${absent.get(key)}`);
    else given.set(key, { source: "command line", value });
  }
}

/**
 * `CANDIDATE` of SRS's image, which sets `candidate $CANDIDATE`: a value may name another variable.
 */
export function readCandidate(
  env: Readonly<Record<string, string>>,
  given: Map<string, Given>,
): void {
  if (!given.has("rtc_server.candidate") && env["CANDIDATE"]) {
    given.set("rtc_server.candidate", { source: "environment CANDIDATE", value: env["CANDIDATE"] });
  }
  const candidateGiven = given.get("rtc_server.candidate");
  const name = candidateGiven?.value.match(/^\$(\w+)$/)?.[1];
  if (candidateGiven && name !== undefined) {
    given.set("rtc_server.candidate", {
      source: `${candidateGiven.source} -> ${name}`,
      value: env[name] || "*",
    });
  }
}

/** The nearest known name, if one is near enough to be a slip of the pen. */
function didYouMean(name: string, among: readonly string[]): string {
  let best = "";
  // The prefix that all have in common says nothing of how much is right.
  const own = name.replace(/^(SRS|MONOPORT)_/, "");
  let least = Math.min(3, Math.max(1, Math.floor(own.length / 4))) + 1;
  for (const other of among) {
    const distance = editDistance(name, other, least);
    if (distance < least) [best, least] = [other, distance];
  }
  return best === "" ? "" : `; did you mean ${best}`;
}

/** Letters added, left out, changed or swapped with their neighbour; given up at `bound`. */
function editDistance(a: string, b: string, bound: number): number {
  if (Math.abs(a.length - b.length) >= bound || a.length > 100) return bound;
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = swapped ? (before[j - 2] ?? 0) + 1 : replace;
      next[j] = Math.min(replace, swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? bound;
}
