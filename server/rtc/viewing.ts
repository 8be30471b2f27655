/** A viewer's session: the hub's packets go out on it, his feedback goes to the hub. @module */
import {
  type Fault,
  type Millis,
  NEVER,
  type SenderId,
  type SrtpEngine,
  type SrtpKeys,
} from "../../core/base/mod.ts";
import type { NegotiatedMedia } from "../../core/session/webrtc/negotiation/mod.ts";
import { ViewerFeedback } from "../../core/session/webrtc/viewer_feedback.ts";
import type { Subscriber, ViewerSink, ViewerTrackOptions } from "../../core/stream/mod.ts";
import { encodeRtcp, type SenderReport } from "../../core/wire/rtcp/mod.ts";
import type { RtcSession, SessionRole } from "./session.ts";

export interface ViewingOptions {
  readonly subscriber: Subscriber;
  readonly engine: SrtpEngine;
  readonly cname: string;
  readonly onFault: (fault: Fault) => void;
  /** Packets and bytes as on the wire, to be counted. */
  readonly onSent: (packets: number, bytes: number) => void;
}

export class Viewing implements SessionRole, ViewerSink {
  readonly feedback: ViewerFeedback;
  readonly subscriber: Subscriber;
  readonly #options: ViewingOptions;
  #sender: SenderId | undefined;
  session: RtcSession | undefined;

  constructor(options: ViewingOptions) {
    this.#options = options;
    this.subscriber = options.subscriber;
    this.feedback = new ViewerFeedback(options.subscriber, options.onFault);
  }

  get queuedBytes(): number {
    return this.session?.queuedBytes ?? 0;
  }

  get framed(): boolean {
    return this.session?.framed ?? true;
  }

  deliver(bytes: Uint8Array, packets: number): boolean {
    const { session } = this;
    if (!session?.sendMedia(bytes)) return false;
    this.#options.onSent(packets, bytes.length);
    // A datagram may wait where nobody counts it.
    return session.framed && session.queuedBytes === 0;
  }

  report(report: SenderReport): void {
    const name = { ssrc: report.ssrc, cname: this.#options.cname };
    this.session?.sendRtcp(encodeRtcp([report, { type: "sdes", chunks: [name] }]));
    this.session?.turn();
  }

  onConnected(sendKeys: SrtpKeys, now: Millis): void {
    this.#sender = this.#options.engine.addSender(sendKeys);
    this.subscriber.start(this.#sender, this, now);
  }

  onPath(there: boolean, now: Millis): void {
    if (there) this.subscriber.resume(now);
    else this.subscriber.suspend();
  }

  onTurn(): void {}

  onDrain(): void {}

  handleTimeout(): void {}

  nextTimeout(): Millis {
    return NEVER;
  }

  onClosed(): void {
    this.subscriber.close();
    if (this.#sender !== undefined) this.#options.engine.removeSender(this.#sender);
  }
}

/** How the hub sends to an m-line. */
export function viewerTrack(
  line: NegotiatedMedia,
  twoByte: boolean,
): ViewerTrackOptions | undefined {
  const { localSource, codecs } = line;
  if (localSource === undefined) return undefined;
  return {
    ssrc: localSource.ssrc,
    ...(localSource.rtxSsrc === undefined ? {} : { rtxSsrc: localSource.rtxSsrc }),
    nack: codecs.some((codec) => codec.nack),
    formats: codecs.map((codec) => ({
      format: codec.format,
      payloadType: codec.payloadType,
      ...(codec.rtxPayloadType === undefined ? {} : { rtxPayloadType: codec.rtxPayloadType }),
    })),
    extensions: new Map(line.extensions.map(({ uri, id }) => [uri, id])),
    twoByte,
  };
}
