/** What a viewer says back by RTCP, told to whoever sends to him. @module */
import { type Fault, isFault, type Millis } from "../../base/mod.ts";
import { CompoundCursor, decodeRtcp, Fmt, Pt, reportBlockAt } from "../../wire/rtcp/mod.ts";
import type { MediaSink } from "./transport.ts";

export interface ViewerFeedbackHandler {
  /** A report block, at `at` in `bytes`: read it by the `*At` functions of wire/rtcp. */
  handleReportBlock(bytes: Uint8Array, at: number, now: Millis): void;
  /** Transport-wide feedback, its body (from the sender's SSRC on) in `bytes[at..end)`. */
  handleTransportFeedback(bytes: Uint8Array, at: number, end: number, now: Millis): void;
  /** Receiver Estimated Maximum Bitrate, in bits per second. */
  handleRemb(bitrate: number, now: Millis): void;
  handleNack(ssrc: number, sequenceNumbers: readonly number[], now: Millis): void;
  /** PLI or FIR. */
  handleKeyframeRequest(now: Millis): void;
}

/**
 * Reads a viewer's RTCP; reports and transport feedback, which come all the time, without making
 * objects.
 */
export class ViewerFeedback implements MediaSink {
  readonly #handler: ViewerFeedbackHandler;
  readonly #onFault: (fault: Fault) => void;
  readonly #cursor = new CompoundCursor();

  constructor(handler: ViewerFeedbackHandler, onFault: (fault: Fault) => void) {
    this.#handler = handler;
    this.#onFault = onFault;
  }

  /** A viewer sends no media. */
  onRtp(): void {}

  onRtcp(bytes: Uint8Array, now: Millis): void {
    const cursor = this.#cursor;
    let rare = false;
    cursor.start(bytes);
    while (cursor.next()) {
      if (cursor.type === Pt.ReceiverReport || cursor.type === Pt.SenderReport) {
        this.#readBlocks(now);
      } else if (cursor.type === Pt.TransportFeedback && cursor.count === Fmt.TransportWide) {
        this.#handler.handleTransportFeedback(bytes, cursor.at, cursor.end, now);
      } else if (cursor.type === Pt.TransportFeedback || cursor.type === Pt.PayloadFeedback) {
        rare = true;
      }
    }
    if (cursor.fault !== undefined) this.#onFault(cursor.fault);
    else if (rare) this.#readRequests(bytes, now);
  }

  #readBlocks(now: Millis): void {
    for (let i = 0; ; i++) {
      const at = reportBlockAt(this.#cursor, i);
      if (at < 0) return;
      this.#handler.handleReportBlock(this.#cursor.bytes, at, now);
    }
  }

  #readRequests(bytes: Uint8Array, now: Millis): void {
    const packets = decodeRtcp(bytes, false);
    if (isFault(packets)) {
      this.#onFault(packets);
      return;
    }
    for (const packet of packets) {
      if (packet.type === "nack") this.#handler.handleNack(packet.mediaSsrc, packet.lost, now);
      else if (packet.type === "remb") this.#handler.handleRemb(packet.bitrate, now);
      else if (packet.type === "pli" || packet.type === "fir")
        this.#handler.handleKeyframeRequest(now);
    }
  }
}
