/**
 * Code for pages of Chromium and Firefox: `makeOffer(kind)` returns the SDP of an offer of that
 * kind, `takeAnswer(sdp)` sets the answer and tells what the browser made of it. The recorded
 * offers in tests/vectors/sdp were made with the same kinds.
 *
 * @module
 */

export interface Outcome {
  readonly transceivers: readonly {
    readonly mid: string | null;
    readonly stopped: boolean;
    readonly direction: string | null;
    readonly kind: string;
    /** MIME type of the codec it will send first, empty for a receiver. */
    readonly sends: string;
    /** Their rids, of a sender. */
    readonly encodings: readonly (string | null)[];
    /** Id of the stream the receiver's track is in, empty for a sender. */
    readonly stream: string;
  }[];
  readonly signalingState: string;
}

export const pageCode = `
let pc, ms, streams;
const send = (track, more = {}) => pc.addTransceiver(track, { direction: "sendonly", streams: [ms], ...more });
const recv = (kind) => pc.addTransceiver(kind, { direction: "recvonly" });
const prefer = (transceiver, side, kind, names) => {
  const all = side.getCapabilities(kind).codecs;
  const rank = (codec) => names.findIndex((name) => codec.mimeType.toLowerCase() === (kind + "/" + name).toLowerCase());
  const wanted = all.filter((codec) => rank(codec) >= 0).sort((a, b) => rank(a) - rank(b));
  if (rank(wanted[0] ?? all[0]) !== 0) return false;
  transceiver.setCodecPreferences([...wanted, ...all.filter((codec) => /rtx/i.test(codec.mimeType))]);
};
const kinds = {
  publish: () => { send(audio()); send(video()); },
  publish_sendrecv: () => { pc.addTrack(audio(), ms); pc.addTrack(video(), ms); },
  publish_max_bundle: () => { pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" }); send(video()); send(audio()); },
  publish_audio: () => { send(audio()); },
  publish_video: () => { send(video()); },
  publish_datachannel: () => { pc.createDataChannel("x"); send(audio()); send(video()); },
  publish_simulcast: () => { send(audio()); send(video(), { sendEncodings: [{ rid: "q", scaleResolutionDownBy: 4 }, { rid: "h", scaleResolutionDownBy: 2 }, { rid: "f" }] }); },
  publish_h264: () => { send(audio()); return prefer(send(video()), RTCRtpSender, "video", ["H264"]); },
  publish_vp8: () => { send(audio()); return prefer(send(video()), RTCRtpSender, "video", ["VP8"]); },
  publish_vp9: () => { send(audio()); return prefer(send(video()), RTCRtpSender, "video", ["VP9"]); },
  publish_av1: () => { send(audio()); return prefer(send(video()), RTCRtpSender, "video", ["AV1"]); },
  publish_red_first: () => prefer(send(audio()), RTCRtpSender, "audio", ["red", "opus"]),
  play: () => { recv("audio"); recv("video"); },
  play_audio: () => { recv("audio"); },
  play_video: () => { recv("video"); },
  play_two_videos_datachannel: () => { pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" }); recv("video"); recv("audio"); recv("video"); pc.createDataChannel("x"); },
  play_vp8: () => { recv("audio"); prefer(recv("video"), RTCRtpReceiver, "video", ["VP8"]); },
};
const audio = () => ms.getAudioTracks()[0];
const video = () => ms.getVideoTracks()[0];
globalThis.makeOffer = async (kind) => {
  ms ??= await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  pc?.close();
  pc = new RTCPeerConnection();
  streams = new Map();
  if (kinds[kind]() === false) return "";
  pc.ontrack = ({ transceiver, streams: [stream] }) => streams.set(transceiver, stream?.id ?? "");
  await pc.setLocalDescription(await pc.createOffer());
  return pc.localDescription.sdp;
};
globalThis.takeAnswer = async (sdp) => {
  await pc.setRemoteDescription({ type: "answer", sdp });
  const transceivers = pc.getTransceivers().map((transceiver) => {
    const { codecs = [], encodings = [] } = transceiver.sender.getParameters();
    const sending = transceiver.currentDirection === "sendonly";
    return {
      mid: transceiver.mid,
      stopped: transceiver.direction === "stopped" || transceiver.stopped === true,
      direction: transceiver.currentDirection,
      kind: transceiver.receiver.track.kind,
      sends: sending ? (codecs[0]?.mimeType ?? "") : "",
      encodings: sending ? encodings.map(({ rid }) => rid ?? null) : [],
      stream: streams.get(transceiver) ?? "",
    };
  });
  return { transceivers, signalingState: pc.signalingState };
};
`;

export const publishKinds: readonly string[] = [
  "publish",
  "publish_sendrecv",
  "publish_max_bundle",
  "publish_audio",
  "publish_video",
  "publish_datachannel",
  "publish_simulcast",
  "publish_h264",
  "publish_vp8",
  "publish_vp9",
  "publish_av1",
  "publish_red_first",
];

export const playKinds: readonly string[] = [
  "play",
  "play_audio",
  "play_video",
  "play_two_videos_datachannel",
  "play_vp8",
];
