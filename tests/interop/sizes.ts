/** A recording of pictures that change their size. @module */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { RecordingFormat } from "../../server/record/mod.ts";
import { nameOf } from "../server/hls/feed.ts";
import { stage, until } from "../server/record/stage.ts";
import type { Clip } from "./clips.ts";

/** Widths, one after the other: as a browser's begin small. */
export const SIZES = [320, 640, 480] as const;

/** The path of the only file. */
export async function recordSizes(
  t: TestContext,
  kind: RecordingFormat,
  clips: readonly Clip[],
  folder?: string,
): Promise<string> {
  const { recordings, feed, finished } = await stage(t, folder === undefined ? {} : { folder });
  assert.equal(typeof recordings.start(nameOf("live/sizes"), { format: kind }, "api"), "object");
  for (const { format, frames } of clips) {
    feed.format(format);
    for (const frame of frames) feed.frame(frame);
  }
  feed.end();
  await until("the file", () => finished.length > 0 && recordings.facts()[0]?.state === "ended");
  assert.equal(finished.length, 1);
  return finished[0]?.file ?? "";
}
