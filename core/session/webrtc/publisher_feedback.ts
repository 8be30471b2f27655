/** What a publisher is told by RTCP, and what he says by it. @module */
import { type Fault, isFault, type Millis } from "../../base/mod.ts";
import { u16 } from "../../bytes/mod.ts";
import { decodeRtcp, encodeRtcp, type NtpTime } from "../../wire/rtcp/mod.ts";
import { extensionLength, findExtension, type RtpHeader } from "../../wire/rtp/mod.ts";
import { NackGenerator, ReceiverReports, TwccFeedback } from "./feedback/mod.ts";
import type { NegotiatedMedia } from "./negotiation/mod.ts";

export interface PublisherFeedbackOptions {
  /** SSRC of what we send. */
  readonly localSsrc: number;
  readonly cname: string;
  /** Ask for lost packets where that was agreed on. */
  readonly nack: boolean;
  /** Report arrival times where that was agreed on. */
  readonly twcc: boolean;
  readonly onSenderReport: (ssrc: number, ntp: NtpTime, rtpTime: number, now: Millis) => void;
  /** Packets of a video SSRC are lost for good. */
  readonly onLost: (ssrc: number, now: Millis) => void;
  /** A source said BYE. */
  readonly onGoodbye?: (ssrc: number) => void;
  readonly onFault: (fault: Fault) => void;
}

export class PublisherFeedback {
  readonly #options: PublisherFeedbackOptions;
  readonly #nacks: NackGenerator;
  readonly #reports: ReceiverReports;
  readonly #twcc: TwccFeedback;
  /** Requests that wait for `pollRtcp`. */
  readonly #requests: Uint8Array[] = [];
  readonly #rates = new Map<NegotiatedMedia, LineRates>();
  #firSequence = 0;

  constructor(options: PublisherFeedbackOptions) {
    const senderSsrc = options.localSsrc;
    this.#options = options;
    this.#nacks = new NackGenerator({ senderSsrc });
    this.#reports = new ReceiverReports({ senderSsrc, cname: options.cname });
    this.#twcc = new TwccFeedback({ senderSsrc });
  }

  /** A packet came; `repairs` says that it is a retransmission on an SSRC of its own. */
  handlePacket(
    line: NegotiatedMedia,
    bytes: Uint8Array,
    header: RtpHeader,
    index: number,
    repairs: boolean,
    now: Millis,
  ): void {
    const { clockRates, nacks } = this.#ratesOf(line);
    const { ssrc, payloadType } = header;
    const clockRate = clockRates[payloadType] ?? 0;
    // What was not agreed on has no clock that we know.
    if (clockRate > 0) this.#reports.handlePacket(ssrc, index, header.timestamp, clockRate, now);
    if (this.#options.nack && !repairs && nacks[payloadType] === 1) {
      this.#nacks.handlePacket(header.ssrc, index, now);
    }
    if (!this.#options.twcc || line.transportCcId === undefined) return;
    const at = findExtension(bytes, header, line.transportCcId);
    if (at === 0 || extensionLength(bytes, header, at) < 2) return;
    this.#twcc.handlePacket(u16(bytes, at), header.ssrc, now);
  }

  /** A retransmission brought this packet of `ssrc`. */
  handleRepaired(ssrc: number, index: number, now: Millis): void {
    if (this.#options.nack) this.#nacks.handlePacket(ssrc, index, now, true);
  }

  handleRtcp(bytes: Uint8Array, now: Millis): void {
    const packets = decodeRtcp(bytes, false);
    if (isFault(packets)) {
      this.#options.onFault(packets);
      return;
    }
    for (const packet of packets) {
      if (packet.type === "sr") {
        this.#reports.handleSenderReport(packet.ssrc, packet.ntp, now);
        this.#options.onSenderReport(packet.ssrc, packet.ntp, packet.rtpTime, now);
      } else if (packet.type === "bye") {
        for (const ssrc of packet.ssrcs) {
          this.forget(ssrc);
          this.#options.onGoodbye?.(ssrc);
        }
      }
    }
  }

  /** A source is gone. */
  forget(ssrc: number): void {
    this.#reports.remove(ssrc);
    this.#nacks.remove(ssrc);
  }

  /** PLI where it was agreed on, else FIR (RFC 8834 §5.1.1 and §5.1.2). */
  requestKeyframe(line: NegotiatedMedia, ssrc: number): void {
    const senderSsrc = this.#options.localSsrc;
    if (line.codecs.some((codec) => codec.pli)) {
      this.#requests.push(encodeRtcp([{ type: "pli", senderSsrc, mediaSsrc: ssrc }]));
    } else if (line.codecs.some((codec) => codec.fir)) {
      this.#firSequence = (this.#firSequence + 1) & 0xff;
      const entries = [{ ssrc, sequence: this.#firSequence }];
      this.#requests.push(encodeRtcp([{ type: "fir", senderSsrc, entries }]));
    }
  }

  nextTimeout(): Millis {
    return Math.min(
      this.#nacks.nextTimeout(),
      this.#reports.nextTimeout(),
      this.#twcc.nextTimeout(),
    );
  }

  /** The next compound RTCP packet for the publisher that is due, in plaintext. */
  pollRtcp(now: Millis): Uint8Array | undefined {
    const packet =
      this.#requests.shift() ??
      this.#nacks.poll(now) ??
      this.#twcc.poll(now) ??
      this.#reports.poll(now);
    if (packet === undefined) this.#tellLost(now);
    return packet;
  }

  #ratesOf(line: NegotiatedMedia): LineRates {
    let rates = this.#rates.get(line);
    if (rates === undefined) {
      rates = lineRates(line);
      this.#rates.set(line, rates);
    }
    return rates;
  }

  #tellLost(now: Millis): void {
    for (let ssrc = this.#nacks.pollLost(); ssrc !== undefined; ssrc = this.#nacks.pollLost()) {
      this.#options.onLost(ssrc, now);
    }
  }
}

/** By payload type of a line. */
interface LineRates {
  /** Ticks per second, 0 for what was not agreed on. */
  readonly clockRates: Uint32Array;
  /** 1 where lost packets may be asked for. */
  readonly nacks: Uint8Array;
}

function lineRates(line: NegotiatedMedia): LineRates {
  const clockRates = new Uint32Array(128);
  const nacks = new Uint8Array(128);
  for (const { payloadType, rtxPayloadType, format, nack } of line.codecs) {
    clockRates[payloadType] = format.clockRate;
    if (rtxPayloadType !== undefined) clockRates[rtxPayloadType] = format.clockRate;
    if (nack) nacks[payloadType] = 1;
    if (line.red?.blockPayloadType !== payloadType) continue;
    clockRates[line.red.payloadType] = format.clockRate;
    if (nack) nacks[line.red.payloadType] = 1;
  }
  return { clockRates, nacks };
}
