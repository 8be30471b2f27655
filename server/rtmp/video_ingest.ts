/** Pictures of an RTMP publisher, into the hub. @module */
import { isFault, type Millis } from "../../core/base/mod.ts";
import {
  type CodedFormat,
  type Picture,
  type PictureReader,
  pictureReaderFor,
  rtpFormatOf,
  type VideoCodecName,
} from "../../core/media/mod.ts";
import type { FlvVideo } from "../../core/wire/flv/mod.ts";
import type { IngestOptions } from "./ingest.ts";
import { RtpWriter } from "./rtp_writer.ts";

/** RTP payload that fits every path with SRTP, extensions and framing. */
const PAYLOAD_MAX = 1150;

const B_FRAMES =
  "its pictures have B-frames, which WebRTC cannot show: WebRTC viewers get none that can be left out, so that their picture stutters and may smear; set bframes=0 (x264, x265: tune=zerolatency) in the encoder";
const B_FRAMES_KEPT =
  "its pictures have B-frames, which WebRTC viewers get by vhost.rtc.keep_bframe and cannot show in order; set bframes=0 (x264, x265: tune=zerolatency) in the encoder";

const UNREADABLE =
  "its pictures cannot be read: none comes behind a decoder configuration (sequence header); ffmpeg's tee muxer makes one with -flags +global_header";

/** Frames for muxers, whatever they are, and RTP of what WebRTC can show. */
export class VideoIngest {
  readonly #options: IngestOptions;
  #codec: VideoCodecName | undefined;
  #reader: PictureReader | undefined;
  #format: CodedFormat | undefined;
  #writer: RtpWriter | undefined;
  #lastDts: Millis = Number.NEGATIVE_INFINITY;
  #latestPts: Millis = Number.NEGATIVE_INFINITY;

  constructor(options: IngestOptions) {
    this.#options = options;
  }

  /** The track of RTP, when there is one. */
  get writer(): RtpWriter | undefined {
    return this.#writer;
  }

  /** What is no picture: the decoder configuration. */
  configure({ codec, holds, data }: FlvVideo): void {
    if (holds !== "config" || codec === "unknown") return;
    const fault = this.#readerOf(codec).configure(data);
    if (fault !== undefined) this.#options.onFault(fault);
  }

  /** `at` is when it is decoded, on the hub's wall clock, in whole ms. */
  take({ codec, data, keyframe, compositionTime }: FlvVideo, at: Millis, now: Millis): void {
    if (codec === "unknown" || data.length === 0) return;
    const reader = this.#readerOf(codec);
    const picture = reader.read(data, keyframe);
    if (picture === undefined || isFault(picture)) {
      if (keyframe && this.#format === undefined) this.#options.tell(UNREADABLE);
      if (isFault(picture)) this.#options.onFault(picture);
      return;
    }
    const dts = Math.max(at, this.#lastDts);
    this.#lastDts = dts;
    this.#put(codec, reader, picture, dts, dts + compositionTime, now);
  }

  #readerOf(codec: VideoCodecName): PictureReader {
    if (this.#reader === undefined || this.#codec !== codec) {
      this.#reader = pictureReaderFor(codec);
      this.#codec = codec;
      this.#format = undefined;
    }
    return this.#reader;
  }

  #put(
    codec: VideoCodecName,
    reader: PictureReader,
    picture: Picture,
    dts: Millis,
    pts: Millis,
    now: Millis,
  ): void {
    const { publisher, toRtc } = this.#options;
    const { data, keyframe, format } = picture;
    const changed = format !== this.#format;
    if (changed) {
      this.#format = format;
      const sound = { sampleRate: 0, channels: 0 };
      publisher.putFormat({ kind: "video", codec, ...format, ...sound });
    }
    publisher.putFrame({ kind: "video", dts, pts, keyframe, data }, now);
    const dropped = this.#isDropped(codec, picture, pts);
    if (!toRtc || dropped) return;
    this.#writer ??= new RtpWriter(
      publisher,
      rtpFormatOf(codec, format),
      this.#options.randomSsrc(),
    );
    const writer = this.#writer;
    if (changed) writer.setFormat(rtpFormatOf(codec, format));
    const time = writer.timestamp(pts);
    reader.packetize(PAYLOAD_MAX, (payload, last) => writer.put(payload, time, last, now));
  }

  /**
   * Whether it is a B-frame that WebRTC viewers are better off without. Of H.264 these are those that others refer to,
   * too: Chromium's decoder has no output for a picture that is shown before the last one, takes that for a failure
   * and stops until the next keyframe. What refers to one may smear; with one reference frame, as in x264's preset
   * veryfast, nothing does.
   */
  #isDropped(codec: VideoCodecName, { bidirectional, disposable }: Picture, pts: Millis): boolean {
    const { tell, keepBFrames } = this.#options;
    const before = pts < this.#latestPts;
    if (!before) this.#latestPts = pts;
    if (!before && !bidirectional) return false;
    tell(keepBFrames ? B_FRAMES_KEPT : B_FRAMES);
    return !keepBFrames && (disposable || (before && codec === "h264"));
  }
}
