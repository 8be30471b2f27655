import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { importViolations } from "../../scripts/import_rules.ts";
import { repository } from "../tools.ts";

/** Files of a small tree, path to source; without any of the violations it is clean. */
const clean: Readonly<Record<string, string>> = {
  "mod.ts": `export * from "./server/server.ts"; import "./runtime/node/mod.ts";`,
  "core/base/mod.ts": "export type Millis = number;",
  "core/bytes/mod.ts": `import type { Millis } from "../base/mod.ts"; export type M = Millis;`,
  "core/wire/stun/mod.ts": `export * from "./decode.ts";`,
  "core/wire/stun/decode.ts": `import type { M } from "../../bytes/mod.ts"; export type N = M;`,
  "core/wire/rtp/mod.ts": `export type { N } from "../stun/mod.ts";`,
  "core/media/h264/mod.ts": `export type { M } from "../../bytes/mod.ts";`,
  "core/session/webrtc.ts": `export type { N } from "../wire/stun/mod.ts";`,
  "core/stream/hub.ts": `export type { N } from "../wire/rtp/mod.ts";`,
  "core/egress/hls.ts": `export type { N } from "../stream/hub.ts";`,
  "runtime/common/clock.ts": `import "node:fs"; export type { Millis } from "../../core/base/mod.ts";`,
  "runtime/node/mod.ts": `import "node:net"; export * from "../common/clock.ts";`,
  "runtime/bun/mod.ts": `export * from "../common/clock.ts";`,
  "server/server.ts": `import "hono"; export type { N } from "../core/stream/hub.ts";`,
  "web/page.ts": "export {};",
};

const planted: readonly (readonly [rule: string, file: string, source: string])[] = [
  ["core-base", "core/base/bad.ts", `import "../bytes/mod.ts";`],
  ["core-bytes", "core/bytes/bad.ts", `import "../wire/stun/mod.ts";`],
  ["core-wire", "core/wire/rtp/bad.ts", `import "../../session/webrtc.ts";`],
  ["core-media", "core/media/h264/bad.ts", `import type { N } from "../../wire/rtp/mod.ts";`],
  ["core-session", "core/session/bad.ts", `import type { N } from "../stream/hub.ts";`],
  ["core-stream", "core/stream/bad.ts", `import "../session/webrtc.ts";`],
  ["core-egress", "core/egress/bad.ts", `import "../session/webrtc.ts";`],
  ["core-is-pure", "core/bytes/bad.ts", `import "node:fs";`],
  ["core-is-pure", "core/session/bad.ts", `import "hono";`],
  ["core-is-pure", "core/base/bad.ts", `import "../../runtime/common/clock.ts";`],
  ["core-is-pure", "core/base/bad.ts", `export const load = () => import("../../web/page.ts");`],
  ["front-door", "core/session/bad.ts", `import "../wire/stun/decode.ts";`],
  ["front-door", "core/wire/rtp/bad.ts", `import type { N } from "../stun/decode.ts";`],
  ["front-door", "server/bad.ts", `import "../core/wire/stun/decode.ts";`],
  ["runtime-knows-the-contract", "runtime/node/bad.ts", `import "../../core/bytes/mod.ts";`],
  ["runtime-knows-the-contract", "runtime/node/bad.ts", `import "../../server/server.ts";`],
  ["runtime-knows-the-contract", "runtime/node/bad.ts", `import "hono";`],
  ["runtimes-are-strangers", "runtime/bun/bad.ts", `import "../node/mod.ts";`],
  ["runtimes-are-strangers", "runtime/common/bad.ts", `import "../node/mod.ts";`],
  ["server-diet", "server/bad.ts", `import "node:net";`],
  ["server-diet", "server/bad.ts", `import "../runtime/common/clock.ts";`],
  ["server-diet", "server/bad.ts", `import "werift";`],
  ["mod-is-thin", "mod.ts", `import "./core/base/mod.ts";`],
  ["web-talks-http", "web/bad.ts", `import "../core/base/mod.ts";`],
  ["web-talks-http", "web/bad.ts", `import "hono";`],
  ["nothing-ships-from-tests", "server/bad.ts", `import "../tests/tools.ts";`],
  ["no-cycles", "server/bad.ts", `import "./worse.ts"; export {};`],
  ["no-cycles-of-folders", "core/wire/stun/decode.ts", `export type { N } from "../rtp/mod.ts";`],
  ["everything-resolves", "server/bad.ts", `import "./nowhere.ts";`],
];

test("each import rule refuses a violation planted against it, and nothing else", async (t) => {
  mkdirSync(join(repository, ".cache"), { recursive: true });
  const root = mkdtempSync(join(repository, ".cache", "import-rules-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const write = (file: string, source: string): void => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), source);
  };
  for (const [file, source] of Object.entries(clean)) write(file, source);
  assert.deepEqual(importViolations(root), []);

  write("tests/tools.ts", "export {};");
  // One file per violation, so that one cruise finds them all.
  const expected = planted.map(([rule, file, source], index) => {
    const own = file.replace("bad.ts", `bad_${index}.ts`);
    write(own, source.replace("worse.ts", `worse_${index}.ts`));
    if (rule === "no-cycles") write(`server/worse_${index}.ts`, `import "./bad_${index}.ts";`);
    // A cycle is told once, from any of its files.
    return rule === "no-cycles-of-folders" ? `${rule}: core/wire/` : `${rule}: ${own} -> `;
  });
  const found = importViolations(root);
  for (const start of expected) {
    assert.ok(
      found.some((violation) => violation.startsWith(start)),
      `${start} was not refused; refused were\n${found.join("\n")}`,
    );
  }
});
