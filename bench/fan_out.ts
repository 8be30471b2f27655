/**
 * Fan-out inside the process: one publisher of 30 frames of 5 packets and 50 audio packets a second
 * (830 bytes on average), through the hub and the plain SRTP engine to viewers that take the bytes
 * and report them received. CPU per delivered packet, without sockets.
 */
import "./help.ts";
import type { SrtpKeys, SrtpProfile } from "../core/base/mod.ts";
import { putU32 } from "../core/bytes/mod.ts";
import {
  Hub,
  isBadStreamName,
  parseStreamName,
  type SourceTrack,
  type StreamName,
  type Subscriber,
  type ViewerSink,
} from "../core/stream/mod.ts";
import { encodeRtcp } from "../core/wire/rtcp/mod.ts";
import { encodeRtpHeader } from "../core/wire/rtp/mod.ts";
import { PlainSrtpEngine, srtpProfileInfo } from "../core/wire/srtp/mod.ts";
import { nodeCrypto } from "../runtime/common/crypto.ts";
import { bench, heading } from "./harness.ts";

const TWCC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
const VIDEO_BYTES = 1050;
const AUDIO_BYTES = 120;
const FRAME_PACKETS = 5;
/** A third of a second: ten frames, and audio 5 times in 3 frames. */
const FRAMES = 10;
const AUDIO_PACKETS = 17;

const vp8 = { codec: "vp8", clockRate: 90_000, channels: 0, parameters: "" } as const;
const opus = { codec: "opus", clockRate: 48_000, channels: 2, parameters: "" } as const;
const video: SourceTrack = {
  kind: "video",
  formats: new Map([[100, vp8]]),
  extensions: new Map([[TWCC, 5]]),
};
const audio: SourceTrack = {
  kind: "audio",
  formats: new Map([[109, opus]]),
  extensions: new Map([["urn:ietf:params:rtp-hdrext:ssrc-audio-level", 1]]),
};

function streamName(): StreamName {
  const name = parseStreamName("live", "bench");
  if (isBadStreamName(name)) throw new Error(name.message);
  return name;
}

function keysOf(profile: SrtpProfile): SrtpKeys {
  const { keyBytes, saltBytes } = srtpProfileInfo(profile);
  const masterKey = nodeCrypto.random(keyBytes);
  return { profile, masterKey, masterSalt: nodeCrypto.random(saltBytes) };
}

class Sink implements ViewerSink {
  readonly queuedBytes = 0;
  readonly framed = true;
  packets = 0;
  bytes = 0;

  deliver(bytes: Uint8Array, packets: number): boolean {
    this.packets += packets;
    this.bytes += bytes.length;
    return true;
  }

  report(): void {}
}

class FanOutBench {
  readonly engine = new PlainSrtpEngine(nodeCrypto);
  readonly hub: Hub = new Hub({ engine: this.engine });
  readonly sink = new Sink();
  readonly #subscribers: Subscriber[] = [];
  readonly #senders: number[] = [];
  readonly #publisher;
  readonly #layers: readonly SourceTrack[];
  #now = 1000;
  #videoIndex = 1;
  #audioIndex = 1;
  #frame = 0;
  /** Transport-wide number behind those reported. */
  #reported = 0;

  /** With several layers each viewer asks for one, in turn. */
  constructor(profile: SrtpProfile, viewers: number, transport: boolean, layers = 1) {
    const publisher = this.hub.publish(streamName(), "bench", this.#now);
    if (typeof publisher === "string") throw new Error(publisher);
    this.#publisher = publisher;
    this.#layers =
      layers === 1
        ? [video]
        : Array.from({ length: layers }, (_, i) => ({ ...video, rid: `${i}` }));
    for (const layer of this.#layers) publisher.addTrack(layer);
    publisher.addTrack(audio);
    const extensions = new Map(transport ? [[TWCC, 3] as const] : []);
    const common = { nack: true, twoByte: true, extensions };
    for (let i = 0; i < viewers; i++) {
      const subscriber = this.hub.subscribe(
        streamName(),
        {
          audio: {
            ...common,
            nack: false,
            ssrc: i * 4 + 1,
            formats: [{ format: opus, payloadType: 111 }],
          },
          video: {
            ...common,
            ssrc: i * 4 + 2,
            rtxSsrc: i * 4 + 3,
            formats: [{ format: vp8, payloadType: 96, rtxPayloadType: 97 }],
          },
          layer: { layer: layers === 1 ? "auto" : `${i % layers}`, maxHeight: 1e9 },
        },
        this.#now,
      );
      if (typeof subscriber === "string") throw new Error(subscriber);
      const sender = this.engine.addSender(keysOf(profile));
      subscriber.start(sender, this.sink, this.#now);
      this.#subscribers.push(subscriber);
      this.#senders.push(sender);
    }
  }

  /** A third of a second of media. */
  run(): void {
    for (let i = 0; i < FRAMES; i++) {
      const due = Math.floor(((i + 1) * AUDIO_PACKETS) / FRAMES);
      for (let at = Math.floor((i * AUDIO_PACKETS) / FRAMES); at < due; at++) this.#audio();
      this.#picture();
      this.#now += 33;
      if (i % 3 === 2) this.#report();
      this.hub.handleTimeout(this.#now);
      while (this.hub.pollEvent() !== undefined);
    }
  }

  #picture(): void {
    const frame = this.#frame++;
    const index = this.#videoIndex;
    this.#videoIndex += FRAME_PACKETS;
    this.#layers.forEach((layer, at) => {
      this.#video(layer, 7 + at * 16, index, frame);
    });
    this.#publisher.flush(this.#now);
  }

  #video(layer: SourceTrack, ssrc: number, from: number, frame: number): void {
    for (let part = 0; part < FRAME_PACKETS; part++) {
      const bytes = new Uint8Array(VIDEO_BYTES);
      const index = from + part;
      const last = part === FRAME_PACKETS - 1;
      encodeRtpHeader(bytes, 0, 100, last, index & 0xffff, (frame * 3000) >>> 0, ssrc);
      bytes[12] = part === 0 ? 0x10 : 0;
      bytes[13] = frame % 90 === 0 ? 0x10 : 0x11;
      this.#publisher.put(layer, bytes, index, this.#now);
    }
  }

  #audio(): void {
    const bytes = new Uint8Array(AUDIO_BYTES);
    const index = this.#audioIndex++;
    encodeRtpHeader(bytes, 0, 109, false, index & 0xffff, (index * 960) >>> 0, 8);
    putU32(bytes, 12, index);
    this.#publisher.put(audio, bytes, index, this.#now);
    this.#publisher.flush(this.#now);
  }

  /** Everything sent since the last time has arrived; all viewers were sent the same. */
  #report(): void {
    const next = this.engine.nextTransportSequence(this.#senders[0] ?? 0);
    const report = encodeRtcp([
      {
        type: "twcc",
        senderSsrc: 1,
        mediaSsrc: 2,
        baseSequence: this.#reported,
        referenceTime: Math.floor(this.#now / 64),
        feedbackCount: 0,
        deltas: new Array<number>((next - this.#reported) & 0xffff).fill(0),
      },
    ]);
    this.#reported = next;
    for (const subscriber of this.#subscribers) {
      subscriber.handleTransportFeedback(report, 4, report.length, this.#now);
    }
  }
}

heading("fan-out through hub and plain engine, per delivered packet");
const delivered = FRAMES * FRAME_PACKETS + AUDIO_PACKETS;
for (const profile of ["SRTP_AES128_CM_HMAC_SHA1_80", "SRTP_AEAD_AES_128_GCM"] as const) {
  console.log(profile);
  for (const viewers of [100, 200]) {
    const fanOut = new FanOutBench(profile, viewers, true);
    bench(`${viewers} viewers`, delivered * viewers, () => fanOut.run());
    const { packets } = fanOut.sink;
    if (fanOut.engine.refused > 0 || packets % (delivered * viewers) !== 0) {
      throw new Error(`${packets} packets delivered, ${fanOut.engine.refused} refused`);
    }
  }
  const layered = new FanOutBench(profile, 100, true, 3);
  bench("100 viewers of 3 layers", delivered * 100, () => layered.run());
  if (layered.engine.refused > 0) throw new Error(`${layered.engine.refused} refused`);
}
