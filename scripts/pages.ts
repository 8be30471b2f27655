/**
 * `npm run pages`: bundles web/ and writes server/assets.gen.ts, the only generated file in git.
 * `--check` writes nothing and fails when the file is not what the sources make.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { buildSync } from "esbuild";
import { repository } from "../tests/tools.ts";

const web = join(repository, "web");
const packages = join(repository, "node_modules");
const generated = join(repository, "server", "assets.gen.ts");

/** Files served as they are. */
const plain: Readonly<Record<string, string>> = {
  "index.html": "text/html; charset=utf-8",
  "diagnose.html": "text/html; charset=utf-8",
  "recordings.html": "text/html; charset=utf-8",
  "players/srs_player.html": "text/html; charset=utf-8",
  "players/watch.html": "text/html; charset=utf-8",
  "players/whep.html": "text/html; charset=utf-8",
  "players/whip.html": "text/html; charset=utf-8",
  "favicon.svg": "image/svg+xml",
};

/** SRS's pages for `webrtc://` URLs, made of ours. */
const forUrls: Readonly<Record<string, string>> = {
  "players/rtc_player.html": "players/whep.html",
  "players/rtc_publisher.html": "players/whip.html",
};

/** Entries that esbuild bundles, and what comes out. */
const bundled: Readonly<Record<string, readonly [file: string, type: string]>> = {
  "index.ts": ["index.js", "text/javascript; charset=utf-8"],
  "diagnose.ts": ["diagnose.js", "text/javascript; charset=utf-8"],
  "recordings.ts": ["recordings.js", "text/javascript; charset=utf-8"],
  "players/srs_player.ts": ["players/srs_player.js", "text/javascript; charset=utf-8"],
  "players/watch.ts": ["players/watch.js", "text/javascript; charset=utf-8"],
  "players/whep.ts": ["players/whep.js", "text/javascript; charset=utf-8"],
  "players/whip.ts": ["players/whip.js", "text/javascript; charset=utf-8"],
  "recordings.css": ["recordings.css", "text/css; charset=utf-8"],
  "diagnose.css": ["diagnose.css", "text/css; charset=utf-8"],
  "streams.css": ["streams.css", "text/css; charset=utf-8"],
  "style.css": ["style.css", "text/css; charset=utf-8"],
};

function pages(): Map<string, { readonly type: string; readonly body: string }> {
  const found = new Map<string, { readonly type: string; readonly body: string }>();
  for (const [file, type] of Object.entries(plain)) {
    found.set(`/${file}`, { type, body: readFileSync(join(web, file), "utf8") });
  }
  for (const [file, source] of Object.entries(forUrls)) {
    const body = withUrlField(readFileSync(join(web, source), "utf8"));
    found.set(`/${file}`, { type: "text/html; charset=utf-8", body });
  }
  for (const [entry, [file, type]] of Object.entries(bundled)) {
    found.set(`/${file}`, { type, body: bundle(entry) });
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The page with a field for a `webrtc://` URL in place of those for application and stream. */
function withUrlField(page: string): string {
  const field = `<label class="wide">URL <input id="webrtc-url" type="text" required spellcheck="false" autocapitalize="off"></label>`;
  return page
    .replaceAll('"whep.html"', '"rtc_player.html"')
    .replaceAll('"whip.html"', '"rtc_publisher.html"')
    .replace(/<label>App .*\n\s*<label>Stream .*/, field)
    .replace(
      /( *)(<p class="address"><code id="(whep|whip)-url">)/,
      (_, indent: string, rest: string, way: string) =>
        `${indent}<h3>The same by ${way.toUpperCase()}</h3>\n${indent}${rest}`,
    );
}

/** Players of others as they publish them, each a module of its own, and their licences. */
function vendored(): Map<string, { readonly type: string; readonly body: string }> {
  const script = "text/javascript; charset=utf-8";
  const mpegts = bundle(undefined, 'export { default } from "mpegts.js";');
  const hls = readFileSync(join(packages, "hls.js/dist/hls.light.min.mjs"), "utf8");
  return new Map([
    ["/players/vendor/hls.js", { type: script, body: withNotice(hls, "hls.js") }],
    ["/players/vendor/licenses.txt", { type: "text/plain; charset=utf-8", body: licenses() }],
    ["/players/vendor/mpegts.js", { type: script, body: withNotice(mpegts, "mpegts.js") }],
  ]);
}

function withNotice(code: string, name: string): string {
  const notice = `/* ${name} ${versionOf(name)}, Apache-2.0: see licenses.txt */`;
  return `${notice}\n${code.replace(/^\/\/# sourceMappingURL=.*$/m, "").trim()}\n`;
}

function licenses(): string {
  return ["hls.js", "mpegts.js", "es6-promise"]
    .map((name) => {
      const file = readFileSync(join(packages, name, "LICENSE"), "utf8").replaceAll("\r", "");
      const title = `${name} ${versionOf(name)}`;
      return `${title}\n${"=".repeat(title.length)}\n\n${file.trim()}\n`;
    })
    .join("\n\n");
}

function versionOf(name: string): string {
  const file = readFileSync(join(packages, name, "package.json"), "utf8");
  return (JSON.parse(file) as { readonly version: string }).version;
}

/** An entry of web/, or else the text of one. */
function bundle(entry: string | undefined, contents = ""): string {
  const { outputFiles } = buildSync({
    absWorkingDir: web,
    ...(entry === undefined
      ? { stdin: { contents, resolveDir: repository } }
      : { entryPoints: [entry] }),
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

/** `before` is what the file says now. */
function generate(before: string): string {
  const parts = [
    "/** Made by `npm run pages` from web/; not edited by hand. @module */",
    'import type { Asset, PackedAsset } from "./routes/pages.ts";\n',
    "/** The pages, by path. */",
    "export const assets: Readonly<Record<string, Asset>> = {",
  ];
  for (const [path, { type, body }] of pages()) {
    parts.push(...entry(path, { type, etag: etagOf(body), body }));
  }
  parts.push(
    "};\n",
    "/** What is too large to be here as it is: gzip, in base64 with line ends. */",
    "export const packedAssets: Readonly<Record<string, PackedAsset>> = {",
  );
  for (const [path, { type, body }] of vendored()) {
    const etag = etagOf(body);
    parts.push(...entry(path, { type, etag, gzip: packed(body, etag, before) }));
  }
  const clip = readFileSync(join(web, "demo", "clip.bin")).toString("base64");
  parts.push(
    "};\n",
    "/** web/demo/clip.bin in base64, with line ends; see demo_clip.ts. */",
    `export const demoClipBase64: string = \`${inLines(clip)}\`;\n`,
  );
  return parts.join("\n");
}

function entry(path: string, fields: Readonly<Record<string, string>>): string[] {
  const lines = Object.entries(fields).map(([key, value]) => `    ${key}: ${literal(value)},`);
  return [`  ${JSON.stringify(path)}: {`, ...lines, "  },"];
}

function etagOf(body: string): string {
  return `"${createHash("sha256").update(body).digest("hex").slice(0, 16)}"`;
}

/** zlib packs differently on another machine: what is there already and unpacks to `body` stays. */
function packed(body: string, etag: string, before: string): string {
  const there = before.split(`etag: \`${etag}\`,\n    gzip: \``)[1]?.split("`")[0];
  if (there !== undefined && unpacks(there, body)) return there;
  return inLines(gzipSync(body, { level: 9 }).toString("base64"));
}

function unpacks(base64: string, body: string): boolean {
  try {
    return gunzipSync(Buffer.from(base64, "base64")).toString("utf8") === body;
  } catch {
    return false;
  }
}

function inLines(base64: string): string {
  return `\n${base64.replace(/.{1,120}/g, "$&\n")}`;
}

/** A string literal; one line of source per line of text keeps diffs readable. */
function literal(text: string): string {
  return `\`${text.replace(/[\\`]|\$\{/g, "\\$&")}\``;
}

const there = existsSync(generated) ? readFileSync(generated, "utf8") : "";
const made = generate(there);
if (process.argv.includes("--check")) {
  if (there !== made) {
    console.log("server/assets.gen.ts is not what web/ makes: run `npm run pages`");
    process.exitCode = 1;
  }
} else {
  writeFileSync(generated, made);
  console.log(`server/assets.gen.ts: ${made.length} characters`);
}
