/** What ffmpeg and ffprobe say of a file. @module */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import type { TestContext } from "node:test";
import { need } from "../tools.ts";

/** Standard output of a program that has nothing to complain of. */
export function run(
  t: TestContext,
  program: "ffmpeg" | "ffprobe",
  args: readonly string[],
): string {
  const child = spawnSync(need(program), args, { encoding: "utf8", timeout: 90_000 });
  // libx265 and SVT-AV1 write their own lines there.
  if (child.stderr !== "") t.diagnostic(child.stderr);
  if (program === "ffprobe") assert.equal(child.stderr, "");
  assert.equal(child.status, 0, child.stderr);
  return child.stdout;
}

/** Decoding and presentation times of a file's packets, in ms from the first. */
export function timesOf(t: TestContext, path: string, kind?: "v" | "a"): [number, number][] {
  const text = run(t, "ffprobe", [
    ..."-v error -of csv=p=0 -show_entries packet=dts_time,pts_time".split(" "),
    ...(kind === undefined ? [] : ["-select_streams", kind]),
    path,
  ]);
  const rows = text
    .trim()
    .split("\n")
    .map((row) => row.split(",").map(Number));
  const first = rows[0]?.[1] ?? 0;
  return rows.map(([pts = 0, dts = 0]) => [
    Math.round((pts - first) * 1000),
    Math.round((dts - first) * 1000),
  ]);
}
