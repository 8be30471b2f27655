/** What the strangers to our answers share. @module */
import assert from "node:assert/strict";
import { negotiatePlay, negotiatePublish } from "../../core/session/webrtc/negotiation/mod.ts";
import { accepted, decoded, local } from "../core/session/webrtc/negotiation/local.ts";

export const MODES: readonly ("publish" | "play")[] = ["publish", "play"];

/** Our answer to a stranger's offer to publish or play. */
export function answerFor(mode: "publish" | "play", sdp: string): ReturnType<typeof accepted> {
  const offer = decoded(sdp);
  return accepted(
    mode === "publish" ? negotiatePublish(offer, local()) : negotiatePlay(offer, local(), []),
  );
}

export async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + 30_000;
  while (!holds()) {
    assert.ok(performance.now() < end, "timed out");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
