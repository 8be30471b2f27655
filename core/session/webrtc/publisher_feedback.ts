/** What a publisher is told by RTCP, and what he says by it. @module */
import { type Fault, isFault, type Millis, NEVER } from "../../base/mod.ts";
import { decodeRtcp, encodeRtcp, type NtpTime } from "../../wire/rtcp/mod.ts";
import type { RtpHeader } from "../../wire/rtp/mod.ts";
import type { NegotiatedMedia } from "./negotiation/mod.ts";

export interface PublisherFeedbackOptions {
  readonly localSsrc: number;
  readonly cname: string;
  readonly nack: boolean;
  readonly twcc: boolean;
  readonly onSenderReport: (ssrc: number, ntp: NtpTime, rtpTime: number, now: Millis) => void;
  readonly onFault: (fault: Fault) => void;
}

export class PublisherFeedback {
  readonly #options: PublisherFeedbackOptions;
  readonly #queue: Uint8Array[] = [];
  #firSequence = 0;

  constructor(options: PublisherFeedbackOptions) {
    this.#options = options;
  }

  handlePacket(
    _line: NegotiatedMedia,
    _bytes: Uint8Array,
    _header: RtpHeader,
    _index: number,
    _repair: boolean,
    _now: Millis,
  ): void {}

  /** A retransmission brought this packet. */
  handleRepaired(_ssrc: number, _index: number, _now: Millis): void {}

  handleRtcp(bytes: Uint8Array, now: Millis): void {
    const packets = decodeRtcp(bytes);
    if (isFault(packets)) {
      this.#options.onFault(packets);
      return;
    }
    for (const packet of packets) {
      if (packet.type !== "sr") continue;
      this.#options.onSenderReport(packet.ssrc, packet.ntp, packet.rtpTime, now);
    }
  }

  /** PLI where it was agreed on, else FIR (RFC 8834 §5.1.1 and §5.1.2). */
  requestKeyframe(line: NegotiatedMedia, ssrc: number): void {
    const senderSsrc = this.#options.localSsrc;
    if (line.codecs.some((codec) => codec.pli)) {
      this.#queue.push(encodeRtcp([{ type: "pli", senderSsrc, mediaSsrc: ssrc }]));
    } else if (line.codecs.some((codec) => codec.fir)) {
      this.#firSequence = (this.#firSequence + 1) & 0xff;
      const entries = [{ ssrc, sequence: this.#firSequence }];
      this.#queue.push(encodeRtcp([{ type: "fir", senderSsrc, entries }]));
    }
  }

  handleTimeout(_now: Millis): void {}

  nextTimeout(): Millis {
    return NEVER;
  }

  pollRtcp(): Uint8Array | undefined {
    return this.#queue.shift();
  }
}
