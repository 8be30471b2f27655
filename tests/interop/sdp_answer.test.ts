/** werift, libwebrtc (@roamhq/wrtc) and libdatachannel take our answers to their offers. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import wrtc from "@roamhq/wrtc";
import ndc from "node-datachannel";
import { MediaStreamTrack, RTCPeerConnection as WeriftPeer } from "werift";
import { negotiatePlay, negotiatePublish } from "../../core/session/webrtc/negotiation/mod.ts";
import { accepted, answered, decoded, local } from "../core/session/webrtc/negotiation/local.ts";

// Its threads keep the process otherwise.
after(() => ndc.cleanup());

type Mode = "publish" | "play";

/** The answer of this mode; with codecs, so that the first can be looked for. */
function answerFor(mode: Mode, sdp: string): ReturnType<typeof accepted> {
  const offer = decoded(sdp);
  return accepted(
    mode === "publish" ? negotiatePublish(offer, local()) : negotiatePlay(offer, local(), []),
  );
}

for (const mode of ["publish", "play"] as const) {
  describe(mode, () => {
    it("werift", async () => {
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

    it("libwebrtc", async () => {
      const pc = new wrtc.RTCPeerConnection({ iceServers: [] });
      const direction = mode === "publish" ? "sendonly" : "recvonly";
      for (const kind of ["audio", "video"]) pc.addTransceiver(kind, { direction });
      await pc.setLocalDescription(await pc.createOffer());
      const answer = answerFor(mode, pc.localDescription?.sdp ?? "");
      await pc.setRemoteDescription({ type: "answer", sdp: answer.sdp });
      assert.equal(pc.signalingState, "stable");
      for (const transceiver of pc.getTransceivers()) {
        assert.equal(transceiver.currentDirection, direction);
      }
      pc.close();
    });

    it("libdatachannel", async () => {
      const pc = new ndc.PeerConnection("peer", {
        iceServers: [],
        enableIceTcp: true,
        disableAutoNegotiation: true,
      });
      const direction = mode === "publish" ? "SendOnly" : "RecvOnly";
      const audio = new ndc.Audio("0", direction);
      audio.addOpusCodec(111);
      const video = new ndc.Video("1", direction);
      video.addH264Codec(96);
      if (mode === "publish") audio.addSSRC(1111, "cname", "stream", "audio");
      if (mode === "publish") video.addSSRC(2222, "cname", "stream", "video");
      const tracks = [pc.addTrack(audio), pc.addTrack(video)];
      pc.setLocalDescription("offer");
      await until(() => pc.gatheringState() === "complete");
      const answer = answerFor(mode, pc.localDescription()?.sdp ?? "");
      pc.setRemoteDescription(answer.sdp, "answer");
      await until(() => pc.signalingState() === "stable");
      assert.equal(tracks.length, 2);
      assert.equal(answered(answer, 1).codecs[0]?.name, "H264");
      const remote = pc.remoteDescription();
      assert.equal(remote?.type, "answer");
      pc.close();
      await until(() => pc.state() === "closed");
    });
  });
}

async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!holds()) {
    assert.ok(performance.now() < end, "timed out");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
