/** libdatachannel (node-datachannel) takes our answers to its offers. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import ndc from "node-datachannel";
import { answered } from "../core/session/webrtc/negotiation/local.ts";
import { answerFor, MODES, until } from "./sdp_answers.ts";

// Its threads keep the process otherwise.
after(() => ndc.cleanup());

for (const mode of MODES) {
  test(`libdatachannel takes our answer to ${mode}`, async () => {
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
}
