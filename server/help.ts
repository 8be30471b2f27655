/** What `--help` prints. @module */
import { describeSettings } from "./config/config.ts";
import { VERSION } from "./version.ts";

export function help(): string {
  return [
    `Monoport ${VERSION}: a live media server on one TCP port`,
    "",
    "Usage: monoport [--listen [host:]port] [--candidate ADDRESS] [--SETTING VALUE]...",
    "       monoport check HOST:PORT    tells what passes to a server; see monoport check --help",
    "       monoport --help | --version",
    "",
    "  monoport                                     everything on TCP and UDP 8080",
    "  monoport --listen 443 --http_api.https.enabled on --tls.dir /var/lib/monoport",
    "  monoport --vhost.dvr.enabled on              records what is published, in ./recordings",
    "",
    "Settings, with their defaults (later wins: default, environment, command line):",
    ...[...settingsByPart()].flatMap(([part, rows]) => ["", part, ...rows]),
  ].join("\n");
}

/** Two lines of each setting, below the part of the server that it is of. */
function settingsByPart(): Map<string, string[]> {
  const parts = new Map<string, string[]>();
  for (const { key, absent, help: text, env } of describeSettings()) {
    const part = /^(?:vhost\.)?\w+(?=\.)/.exec(key)?.[0] ?? "server";
    const rows = parts.get(part) ?? [];
    const value = absent === "" ? '""' : absent;
    rows.push(`  --${key} ${value}`, `      ${text}; environment ${env}`);
    parts.set(part, rows);
  }
  return parts;
}
