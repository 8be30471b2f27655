/**
 * Core is synchronous and timeless: no `async`, `await`, `Date`, `Math.random` or promise made
 * there. The compiler cannot see these, they are ECMAScript; types are free to name a Promise.
 *
 * @module
 */

import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseSync } from "@swc/core";
import { repository } from "../tests/tools.ts";

const forbiddenNames = new Set(["Date", "Promise", "performance", "eval"]);

/** What is wrong in one file of core, as `line: what`. */
export function impurities(source: string): string[] {
  const found: string[] = [];
  const module = parseSync(source, { syntax: "typescript", target: "es2022" });
  // swc counts bytes over all it has parsed: positions are told relative to this module.
  const bytes = new TextEncoder().encode(source);
  const lineAt = (position: number): number => {
    let line = 1;
    for (let i = 0; i < position && i < bytes.length; i++) if (bytes[i] === 10) line++;
    return line;
  };
  const start = module.span.start - leadingBytes(source);
  visit(module, (what, position) => found.push(`${lineAt(position - start)}: ${what}`));
  return found;
}

type Node = Record<string, unknown>;

function visit(value: unknown, tell: (what: string, position: number) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, tell);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  const node = value as Node;
  const type = typeof node["type"] === "string" ? node["type"] : "";
  if (type.startsWith("Ts") && !/^Ts(As|NonNull|Satisfies|Const)/.test(type)) return;
  const what = impurity(type, node);
  if (what !== undefined) tell(what, positionOf(node));
  for (const [key, child] of Object.entries(node)) {
    // A property's name (`headers.Date`, `{ Date: ... }`) is a word and no global.
    const isName = (key === "property" || key === "key") && isIdentifier(child);
    if (!isName) visit(child, tell);
  }
}

function impurity(type: string, node: Node): string | undefined {
  if (node["async"] === true) return "async";
  if (type === "AwaitExpression") return "await";
  if (type === "ForOfStatement" && node["isAwait"] === true) return "for await";
  if (type === "Identifier" && forbiddenNames.has(String(node["value"])))
    return String(node["value"]);
  if (
    type === "MemberExpression" &&
    isName(node["object"], "Math") &&
    isName(node["property"], "random")
  ) {
    return "Math.random";
  }
  return undefined;
}

function isIdentifier(value: unknown): value is Node {
  return (value as Node | null)?.["type"] === "Identifier";
}

function isName(value: unknown, name: string): boolean {
  return isIdentifier(value) && value["value"] === name;
}

function positionOf(node: Node): number {
  const span = node["span"] as { readonly start?: number } | undefined;
  return span?.start ?? 0;
}

/** swc's module span begins at the first token, behind comments and white space. */
function leadingBytes(source: string): number {
  const before = /^(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/.exec(source)?.[0] ?? "";
  return new TextEncoder().encode(before).length;
}

function main(): void {
  const files = globSync("core/**/*.ts", { cwd: repository });
  if (files.length === 0) throw new Error("No file in core/");
  for (const file of files.sort()) {
    for (const line of impurities(readFileSync(join(repository, file), "utf8"))) {
      console.log(`${file}:${line}`);
      process.exitCode = 1;
    }
  }
  console.log(`${files.length} files`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) main();
