/** What a publisher negotiated and what he sends, for tests of the receiving half. @module */
import assert from "node:assert/strict";
import { isFault, type Millis } from "../../../../core/base/mod.ts";
import type { Format } from "../../../../core/media/mod.ts";
import type {
  NegotiatedCodec,
  NegotiatedMedia,
} from "../../../../core/session/webrtc/negotiation/mod.ts";
import {
  PublishReceiver,
  type PublishReceiverOptions,
} from "../../../../core/session/webrtc/publish_receiver.ts";
import { decodeRtcp, type RtcpPacket } from "../../../../core/wire/rtcp/mod.ts";

const H264: Format = {
  codec: "h264",
  clockRate: 90_000,
  channels: 0,
  parameters: "packetization-mode=1",
};
const OPUS: Format = { codec: "opus", clockRate: 48_000, channels: 2, parameters: "" };

export function codec(
  payloadType: number,
  format: Format,
  changes: Partial<NegotiatedCodec> = {},
): NegotiatedCodec {
  return {
    payloadType,
    format,
    rtxPayloadType: undefined,
    nack: false,
    pli: false,
    fir: false,
    transportCc: false,
    remb: false,
    ...changes,
  };
}

function line(index: number, changes: Partial<NegotiatedMedia>): NegotiatedMedia {
  return {
    index,
    mid: String(index),
    kind: "audio",
    codecs: [],
    red: undefined,
    extensions: [],
    midExtensionId: 4,
    ridExtensionId: undefined,
    repairedRidExtensionId: undefined,
    transportCcId: 3,
    rtcpRsize: true,
    remoteSources: [],
    rids: [],
    localSource: undefined,
    ...changes,
  };
}

export const AUDIO: NegotiatedMedia = line(0, {
  codecs: [codec(111, OPUS)],
  red: { payloadType: 63, blockPayloadType: 111 },
});
export const VIDEO: NegotiatedMedia = line(1, {
  kind: "video",
  codecs: [codec(96, H264, { rtxPayloadType: 97, nack: true, pli: true, fir: true })],
});

export interface Taken {
  readonly line: NegotiatedMedia;
  readonly ssrc: number;
  readonly bytes: Uint8Array;
  readonly index: number;
  readonly layer: number;
}

export interface Reports {
  readonly taken: Taken[];
  readonly faults: string[];
  readonly senderReports: number[];
  readonly lost: number[];
}

export class Receiving implements Reports {
  readonly taken: Taken[] = [];
  readonly faults: string[] = [];
  readonly senderReports: number[] = [];
  readonly lost: number[] = [];
  readonly receiver: PublishReceiver;

  constructor(media: readonly NegotiatedMedia[], changes: Partial<PublishReceiverOptions> = {}) {
    this.receiver = new PublishReceiver({
      media,
      localSsrc: 77,
      cname: "us",
      nack: true,
      twcc: true,
      onPacket: (one, ssrc, bytes, index, _now, layer) =>
        this.taken.push({ line: one, ssrc, bytes, index, layer }),
      onSenderReport: (ssrc) => this.senderReports.push(ssrc),
      onLost: (ssrc) => this.lost.push(ssrc),
      onFault: ({ code }) => this.faults.push(code),
      ...changes,
    });
  }

  put(options: RtpOptions, now: Millis = 0): void {
    const index = options.index ?? 0;
    this.receiver.onRtp(rtp(options), index, now);
  }

  /** All RTCP that is due. */
  poll(now: Millis): RtcpPacket[] {
    const all: RtcpPacket[] = [];
    for (let next = this.receiver.pollRtcp(now); next; next = this.receiver.pollRtcp(now)) {
      const packets = decodeRtcp(next);
      assert.ok(!isFault(packets), String(packets));
      all.push(...packets);
    }
    return all;
  }

  /** Lines by index, SSRCs and indexes of what was taken since the last call. */
  took(): (readonly [number, number, number])[] {
    return this.taken.splice(0).map((one) => [one.line.index, one.ssrc, one.index] as const);
  }
}

export const RID_ID = 10;
export const REPAIRED_RID_ID = 11;

export interface RtpOptions {
  readonly payloadType: number;
  readonly ssrc: number;
  /** Extended; the sequence number is its lower half. */
  readonly index?: number;
  readonly payload?: readonly number[];
  readonly padding?: number;
  readonly mid?: string;
  readonly rid?: string;
  readonly repairedRid?: string;
  readonly transportSequence?: number;
  readonly timestamp?: number;
}

export function rtp(options: RtpOptions): Uint8Array {
  const { payloadType, ssrc, index = 0, payload = [1, 2, 3], padding = 0 } = options;
  const elements: number[] = [];
  if (options.mid !== undefined) {
    elements.push((4 << 4) | (options.mid.length - 1), ...Buffer.from(options.mid));
  }
  for (const [id, rid] of [
    [RID_ID, options.rid],
    [REPAIRED_RID_ID, options.repairedRid],
  ] as const) {
    if (rid !== undefined) elements.push((id << 4) | (rid.length - 1), ...Buffer.from(rid));
  }
  if (options.transportSequence !== undefined) {
    elements.push((3 << 4) | 1, options.transportSequence >> 8, options.transportSequence & 0xff);
  }
  while (elements.length % 4 !== 0) elements.push(0);
  const extended = elements.length > 0;
  const head = new Uint8Array(12);
  const view = new DataView(head.buffer);
  head[0] = 0x80 | (padding > 0 ? 0x20 : 0) | (extended ? 0x10 : 0);
  head[1] = payloadType;
  view.setUint16(2, index & 0xffff);
  view.setUint32(4, options.timestamp ?? 0);
  view.setUint32(8, ssrc);
  const pad = padding > 0 ? [...Array<number>(padding - 1).fill(0), padding] : [];
  const extension = extended ? [0xbe, 0xde, 0, elements.length / 4, ...elements] : [];
  return Uint8Array.from([...head, ...extension, ...payload, ...pad]);
}
