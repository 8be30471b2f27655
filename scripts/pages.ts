/**
 * `npm run pages`: bundles web/ and writes server/assets.gen.ts, the only generated file in git.
 * `--check` writes nothing and fails when the file is not what the sources make.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { repository } from "../tests/tools.ts";

const web = join(repository, "web");
const generated = join(repository, "server", "assets.gen.ts");

/** Files served as they are. */
const plain: Readonly<Record<string, string>> = {
  "index.html": "text/html; charset=utf-8",
  "diagnose.html": "text/html; charset=utf-8",
  "players/rtc_player.html": "text/html; charset=utf-8",
  "players/rtc_publisher.html": "text/html; charset=utf-8",
  "players/whep.html": "text/html; charset=utf-8",
  "players/whip.html": "text/html; charset=utf-8",
  "favicon.svg": "image/svg+xml",
};

/** Entries that esbuild bundles, and what comes out. */
const bundled: Readonly<Record<string, readonly [file: string, type: string]>> = {
  "index.ts": ["index.js", "text/javascript; charset=utf-8"],
  "diagnose.ts": ["diagnose.js", "text/javascript; charset=utf-8"],
  "players/whep.ts": ["players/whep.js", "text/javascript; charset=utf-8"],
  "players/whip.ts": ["players/whip.js", "text/javascript; charset=utf-8"],
  "diagnose.css": ["diagnose.css", "text/css; charset=utf-8"],
  "style.css": ["style.css", "text/css; charset=utf-8"],
};

function pages(): Map<string, { readonly type: string; readonly body: string }> {
  const found = new Map<string, { readonly type: string; readonly body: string }>();
  for (const [file, type] of Object.entries(plain)) {
    found.set(`/${file}`, { type, body: readFileSync(join(web, file), "utf8") });
  }
  for (const [entry, [file, type]] of Object.entries(bundled)) {
    found.set(`/${file}`, { type, body: bundle(entry) });
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function bundle(entry: string): string {
  const { outputFiles } = buildSync({
    absWorkingDir: web,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: ["es2022", "safari16"],
    charset: "utf8",
    legalComments: "none",
    logLevel: "error",
  });
  return outputFiles[0]?.text ?? "";
}

function generate(): string {
  const parts = [
    "/** Made by `npm run pages` from web/; not edited by hand. @module */",
    'import type { Asset } from "./routes/pages.ts";\n',
    "/** The pages, by path. */",
    "export const assets: Readonly<Record<string, Asset>> = {",
  ];
  for (const [path, { type, body }] of pages()) {
    const etag = `"${createHash("sha256").update(body).digest("hex").slice(0, 16)}"`;
    const fields = { type, etag, body };
    const lines = Object.entries(fields).map(([key, value]) => `    ${key}: ${literal(value)},`);
    parts.push(`  ${JSON.stringify(path)}: {`, ...lines, "  },");
  }
  const clip = readFileSync(join(web, "demo", "clip.bin")).toString("base64");
  parts.push(
    "};\n",
    "/** web/demo/clip.bin in base64, with line ends; see demo_clip.ts. */",
    `export const demoClipBase64: string = \`\n${clip.replace(/.{1,120}/g, "$&\n")}\`;\n`,
  );
  return parts.join("\n");
}

/** A string literal; one line of source per line of text keeps diffs readable. */
function literal(text: string): string {
  return `\`${text.replace(/[\\`]|\$\{/g, "\\$&")}\``;
}

const made = generate();
if (process.argv.includes("--check")) {
  const there = existsSync(generated) ? readFileSync(generated, "utf8") : "";
  if (there !== made) {
    console.log("server/assets.gen.ts is not what web/ makes: run `npm run pages`");
    process.exitCode = 1;
  }
} else {
  writeFileSync(generated, made);
  console.log(`server/assets.gen.ts: ${made.length} characters`);
}
