/** FLV tags of an RTMP publisher, put into the hub as frames and as RTP. @module */
import { type Fault, isFault, type Millis } from "../../core/base/mod.ts";
import { PublisherClock } from "../../core/session/rtmp/mod.ts";
import type { Publisher } from "../../core/stream/mod.ts";
import { decodeFlvAudio, decodeFlvVideo } from "../../core/wire/flv/mod.ts";
import { ntpFromUnix } from "../../core/wire/rtcp/mod.ts";
import { AudioIngest } from "./audio_ingest.ts";
import { VideoIngest } from "./video_ingest.ts";

export interface IngestOptions {
  readonly publisher: Publisher;
  readonly randomSsrc: () => number;
  /** Ms since the Unix epoch. */
  readonly wallClock: () => Millis;
  readonly onFault: (fault: Fault) => void;
  /** Something of the stream does not reach viewers; the same words may come again and again. */
  readonly tell: (words: string) => void;
  /** Whether WebRTC viewers get it, and B-frames, too. */
  readonly toRtc: boolean;
  readonly keepBFrames: boolean;
}

/** When both tracks' clocks are told to viewers anew. */
const REPORT_MILLIS = 2000;
/** Between the last frame of one publisher and the first of the next. */
const GAP_MILLIS = 20;

export class Ingest {
  readonly #options: IngestOptions;
  readonly #clock: PublisherClock;
  readonly #audio: AudioIngest;
  readonly #video: VideoIngest;
  /** RTP tracks that were told of last. */
  #reported = 0;
  #reportAt: Millis = 0;

  constructor(options: IngestOptions) {
    this.#options = options;
    // The publisher before him may have sent faster than it plays.
    this.#clock = new PublisherClock(options.publisher.stream.frames.latest + GAP_MILLIS);
    this.#audio = new AudioIngest(options);
    this.#video = new VideoIngest(options);
  }

  /** `timestamp` is in ms, 32 bits. */
  handleVideo(tag: Uint8Array, timestamp: number, now: Millis): void {
    if (this.#options.publisher.ended) return;
    const video = decodeFlvVideo(tag);
    if (isFault(video)) this.#options.onFault(video);
    else if (video.track !== 0) this.#options.tell("further video tracks are passed over");
    else if (video.codec === "unknown") {
      this.#options.tell("its video is of a codec that is not taken: use H.264, H.265, AV1 or VP9");
    } else if (video.holds === "frames") {
      const at = this.#clock.at("video", timestamp, this.#options.wallClock());
      this.#video.take(video, at, now);
      this.#report(at, now);
    } else this.#video.configure(video);
  }

  handleAudio(tag: Uint8Array, timestamp: number, now: Millis): void {
    if (this.#options.publisher.ended) return;
    const audio = decodeFlvAudio(tag);
    if (isFault(audio)) this.#options.onFault(audio);
    else if (audio.track !== 0) this.#options.tell("further audio tracks are passed over");
    else if (audio.codec === "unknown") {
      this.#options.tell("its sound is of a codec that is not taken: use AAC");
    } else if (audio.holds === "frames") {
      const at = this.#clock.at("audio", timestamp, this.#options.wallClock());
      this.#audio.take(audio, at, now);
      this.#report(at, now);
    } else this.#audio.configure(audio);
  }

  /** Both tracks have one clock: say so, as a sender report would (RFC 3550 §6.4.1). */
  #report(at: Millis, now: Millis): void {
    const { publisher } = this.#options;
    const writers = [this.#audio.writer, this.#video.writer].flatMap((one) => one ?? []);
    if (writers.length === this.#reported && now < this.#reportAt) return;
    this.#reported = writers.length;
    this.#reportAt = now + REPORT_MILLIS;
    publisher.flush(now);
    const ntp = ntpFromUnix(at);
    for (const writer of writers) {
      publisher.handleSenderReport(writer.ssrc, ntp, writer.timestamp(at), now);
    }
  }
}
