/**
 * What making segments costs: 2 s of 720p30 at 2.5 Mbit/s with AAC, cut into parts and put into boxes.
 * One per cent of a core is 20,000 us.
 *
 * @module
 */
import type { FrameFormat } from "../core/stream/mod.ts";
import { loadRuntime } from "../runtime/mod.ts";
import { HlsMuxer } from "../server/hls/mod.ts";
import { bench, heading } from "./harness.ts";

const sizes = { width: 1280, height: 720, sampleRate: 0, channels: 0 };
const VIDEO: FrameFormat = {
  ...{ kind: "video", codec: "h264", codecString: "avc1.42c01f", ...sizes },
  configuration: new Uint8Array(40),
};
const AUDIO: FrameFormat = {
  ...{ kind: "audio", codec: "aac", codecString: "mp4a.40.2", width: 0, height: 0 },
  ...{ configuration: Uint8Array.of(0x11, 0x90), sampleRate: 48_000, channels: 2 },
};
const picture = new Uint8Array(10_400);
const sound = new Uint8Array(340);

const muxer = new HlsMuxer({
  prefix: "bench",
  runtime: await loadRuntime(),
  fragmentMillis: 2000,
  windowMillis: 30_000,
  partMillis: 400,
});
muxer.handleFormat(VIDEO);
muxer.handleFormat(AUDIO);
let pictures = 0;
let sounds = 0;

heading("HLS");
bench("make 2 s of media, with six parts and playlists", 1, () => {
  for (let i = 0; i < 60; i++, pictures++) {
    const dts = (pictures * 1000) / 30;
    for (; (sounds * 1024) / 48 <= dts; sounds++) {
      const at = (sounds * 1024) / 48;
      muxer.handleFrame({ kind: "audio", dts: at, pts: at, keyframe: true, data: sound });
    }
    muxer.handleFrame({ kind: "video", dts, pts: dts, keyframe: i === 0, data: picture });
    if (i % 10 === 0) muxer.playlist("media");
  }
});
