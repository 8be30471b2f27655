/**
 * What making segments costs: 2 s of 720p30 at 2.5 Mbit/s with AAC, cut into parts and put into boxes or
 * packets. Fails over one per cent of a core.
 *
 * @module
 */
import "./help.ts";
import type { FrameFormat } from "../core/stream/mod.ts";
import { loadRuntime } from "../runtime/mod.ts";
import { HlsMuxer, MP4, TS } from "../server/hls/mod.ts";
import { bench, heading } from "./harness.ts";

const sizes = { width: 1280, height: 720, sampleRate: 0, channels: 0 };
const VIDEO: FrameFormat = {
  ...{ kind: "video", codec: "h264", codecString: "avc1.42c01f", ...sizes },
  configuration: Uint8Array.of(1, 0x42, 0xc0, 0x1f, 0xff, 0xe1, 0, 2, 0x67, 0x42, 1, 0, 1, 0x68),
};
const AUDIO: FrameFormat = {
  ...{ kind: "audio", codec: "aac", codecString: "mp4a.40.2", width: 0, height: 0 },
  ...{ configuration: Uint8Array.of(0x11, 0x90), sampleRate: 48_000, channels: 2 },
};
/** Of a core, for one stream. */
const MOST = 0.01;
/** One NAL unit. */
const picture = new Uint8Array(10_400);
new DataView(picture.buffer).setUint32(0, picture.length - 4);
const sound = new Uint8Array(340);

const runtime = await loadRuntime();
const SECONDS = 2;

heading("HLS");
for (const [name, format] of [
  ["MP4 with parts, playlists, sound alone beside it", MP4],
  ["MPEG-TS, sound alone beside it", TS],
] as const) {
  const muxer = new HlsMuxer({
    prefix: "bench",
    runtime,
    fragmentMillis: 2000,
    windowMillis: 30_000,
    partMillis: 400,
    format,
  });
  muxer.handleFormat(VIDEO);
  muxer.handleFormat(AUDIO);
  let [pictures, sounds] = [0, 0];
  const micros = bench(`make 2 s: ${name}`, 1, () => {
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
  const share = micros / (SECONDS * 1e6);
  console.log(`    ${(share * 100).toFixed(2)} % of a core for a stream of 2.5 Mbit/s`);
  if (share > MOST) throw new Error(`more than ${MOST * 100} % of a core`);
}
