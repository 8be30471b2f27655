/** werift takes our answers to its offers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MediaStreamTrack, RTCPeerConnection as WeriftPeer } from "werift";
import { answerFor, MODES } from "./sdp_answers.ts";

for (const mode of MODES) {
  test(`werift takes our answer to ${mode}`, async () => {
    // Unbundled, it would leave the second transport's sockets open.
    const pc = new WeriftPeer({ iceServers: [], bundlePolicy: "max-bundle" });
    for (const kind of ["audio", "video"] as const) {
      if (mode === "play") pc.addTransceiver(kind, { direction: "recvonly" });
      else pc.addTransceiver(new MediaStreamTrack({ kind }), { direction: "sendonly" });
    }
    await pc.setLocalDescription(await pc.createOffer());
    const answer = answerFor(mode, pc.localDescription?.sdp ?? "");
    await pc.setRemoteDescription({ type: "answer", sdp: answer.sdp });
    assert.equal(pc.signalingState, "stable");
    const directions = pc.getTransceivers().map(({ currentDirection }) => currentDirection);
    const expected = mode === "publish" ? "sendonly" : "recvonly";
    assert.deepEqual(directions, [expected, expected]);
    await pc.close();
  });
}
