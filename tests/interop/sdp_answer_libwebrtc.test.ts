/** libwebrtc (@roamhq/wrtc) takes our answers to its offers. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { answerFor, MODES } from "./sdp_answers.ts";

const peer = fileURLToPath(new URL("sdp_libwebrtc_peer.ts", import.meta.url));

for (const mode of MODES) {
  test(`libwebrtc takes our answer to ${mode}`, async (t) => {
    const direction = mode === "publish" ? "sendonly" : "recvonly";
    const child = spawn(process.execPath, [peer, direction], { timeout: 60_000 });
    t.after(() => child.kill());
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const read = async (): Promise<unknown> => JSON.parse(String((await lines.next()).value));
    const answer = answerFor(mode, String(await read()));
    child.stdin.end(`${JSON.stringify(answer.sdp)}\n`);
    assert.deepEqual(await read(), [direction, direction]);
  });
}
