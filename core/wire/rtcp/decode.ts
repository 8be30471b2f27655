import { type Fault, isFault } from "../../base/mod.ts";
import { u8, u16, u32, utf8 } from "../../bytes/mod.ts";
import { CompoundCursor } from "./compound.ts";
import {
  BAD_CONTENT,
  BAD_FEEDBACK,
  type Fir,
  Fmt,
  type Goodbye,
  type Nack,
  Pt,
  type ReceiverReport,
  type Remb,
  type ReportBlock,
  type RtcpPacket,
  type SenderReport,
  type SourceDescription,
} from "./packets.ts";
import {
  decodeReportBlock,
  REPORT_BLOCK_BYTES,
  reportBlockAt,
  SENDER_INFO_BYTES,
} from "./reports.ts";
import { decodeTransportFeedback } from "./transport_feedback.ts";

/** "REMB" */
export const REMB_NAME: number = 0x52454d42;
const SDES_CNAME = 1;

/**
 * The packets of a compound or reduced-size packet, in order. Types that are not ours (XR, APP,
 * other feedback) are left out; one malformed packet spoils the whole.
 *
 * Transport-wide feedback of 36 bytes may speak of 65,535 packets: who has no use for it says so, and
 * it is left out unread.
 */
export function decodeRtcp(bytes: Uint8Array, withTransportWide = true): RtcpPacket[] | Fault {
  const cursor = new CompoundCursor();
  const packets: RtcpPacket[] = [];
  cursor.start(bytes);
  while (cursor.next()) {
    const { type, count } = cursor;
    const transportWide = type === Pt.TransportFeedback && count === Fmt.TransportWide;
    if (transportWide && !withTransportWide) continue;
    const packet = decodePacket(cursor);
    if (isFault(packet)) return packet;
    if (packet !== undefined) packets.push(packet);
  }
  return cursor.fault ?? packets;
}

function decodePacket(cursor: CompoundCursor): RtcpPacket | Fault | undefined {
  switch (cursor.type) {
    case Pt.SenderReport:
      return decodeSenderReport(cursor);
    case Pt.ReceiverReport:
      return decodeReceiverReport(cursor);
    case Pt.SourceDescription:
      return decodeSourceDescription(cursor);
    case Pt.Goodbye:
      return decodeGoodbye(cursor);
    case Pt.TransportFeedback:
    case Pt.PayloadFeedback:
      return cursor.at + 8 > cursor.end ? BAD_FEEDBACK : decodeFeedback(cursor);
    default:
      return undefined;
  }
}

function decodeSenderReport(cursor: CompoundCursor): SenderReport | Fault {
  const { bytes, at, end, count } = cursor;
  if (at + SENDER_INFO_BYTES + count * REPORT_BLOCK_BYTES > end) return BAD_CONTENT;
  return {
    type: "sr",
    ssrc: u32(bytes, at),
    ntp: { seconds: u32(bytes, at + 4), fraction: u32(bytes, at + 8) },
    rtpTime: u32(bytes, at + 12),
    packets: u32(bytes, at + 16),
    octets: u32(bytes, at + 20),
    blocks: blocksOf(cursor),
  };
}

function decodeReceiverReport(cursor: CompoundCursor): ReceiverReport | Fault {
  const { bytes, at, end, count } = cursor;
  if (at + 4 + count * REPORT_BLOCK_BYTES > end) return BAD_CONTENT;
  return { type: "rr", ssrc: u32(bytes, at), blocks: blocksOf(cursor) };
}

function blocksOf(cursor: CompoundCursor): ReportBlock[] {
  const blocks: ReportBlock[] = [];
  for (let i = 0; i < cursor.count; i++) {
    blocks.push(decodeReportBlock(cursor.bytes, reportBlockAt(cursor, i)));
  }
  return blocks;
}

/**
 * Chunks of an SSRC and items (type, length, text), ended by a zero and padded to a word (§6.5).
 */
function decodeSourceDescription(cursor: CompoundCursor): SourceDescription | Fault {
  const { bytes, end } = cursor;
  const chunks: { ssrc: number; cname: string }[] = [];
  let at = cursor.at;
  for (let i = 0; i < cursor.count; i++) {
    if (at + 4 > end) return BAD_CONTENT;
    const ssrc = u32(bytes, at);
    at += 4;
    while (at < end && u8(bytes, at) !== 0) {
      if (at + 2 > end || at + 2 + u8(bytes, at + 1) > end) return BAD_CONTENT;
      const to = at + 2 + u8(bytes, at + 1);
      if (u8(bytes, at) === SDES_CNAME) {
        chunks.push({ ssrc, cname: utf8(bytes.subarray(at + 2, to)) });
      }
      at = to;
    }
    if (at >= end) return BAD_CONTENT; // no room for the zero
    at += 4 - ((at - cursor.at) % 4);
  }
  return { type: "sdes", chunks };
}

function decodeGoodbye(cursor: CompoundCursor): Goodbye | Fault {
  const { bytes, end, count } = cursor;
  const reasonAt = cursor.at + count * 4;
  if (reasonAt > end) return BAD_CONTENT;
  const ssrcs: number[] = [];
  for (let at = cursor.at; at < reasonAt; at += 4) ssrcs.push(u32(bytes, at));
  if (reasonAt === end) return { type: "bye", ssrcs, reason: "" };
  const to = reasonAt + 1 + u8(bytes, reasonAt);
  if (to > end) return BAD_CONTENT;
  return { type: "bye", ssrcs, reason: utf8(bytes.subarray(reasonAt + 1, to)) };
}

function decodeFeedback(cursor: CompoundCursor): RtcpPacket | Fault | undefined {
  const { bytes, at, end, count } = cursor;
  const senderSsrc = u32(bytes, at);
  const mediaSsrc = u32(bytes, at + 4);
  if (cursor.type === Pt.TransportFeedback) {
    if (count === Fmt.Nack) return decodeNack(cursor, senderSsrc, mediaSsrc);
    if (count === Fmt.TransportWide) return decodeTransportFeedback(bytes, at, end);
    return undefined;
  }
  if (count === Fmt.Pli) return { type: "pli", senderSsrc, mediaSsrc };
  if (count === Fmt.Fir) return decodeFir(cursor, senderSsrc);
  if (count === Fmt.Application && end - at >= 16 && u32(bytes, at + 8) === REMB_NAME) {
    return decodeRemb(cursor, senderSsrc);
  }
  return undefined;
}

function decodeNack(
  { bytes, at, end }: CompoundCursor,
  senderSsrc: number,
  mediaSsrc: number,
): Nack {
  const lost: number[] = [];
  for (let item = at + 8; item + 4 <= end; item += 4) {
    const packetId = u16(bytes, item);
    lost.push(packetId);
    for (let mask = u16(bytes, item + 2), next = 1; mask !== 0; mask >>= 1, next++) {
      if ((mask & 1) !== 0) lost.push((packetId + next) & 0xffff);
    }
  }
  return { type: "nack", senderSsrc, mediaSsrc, lost };
}

function decodeFir({ bytes, at, end }: CompoundCursor, senderSsrc: number): Fir {
  const entries: { ssrc: number; sequence: number }[] = [];
  for (let item = at + 8; item + 8 <= end; item += 8) {
    entries.push({ ssrc: u32(bytes, item), sequence: u8(bytes, item + 4) });
  }
  return { type: "fir", senderSsrc, entries };
}

function decodeRemb({ bytes, at, end }: CompoundCursor, senderSsrc: number): Remb | Fault {
  const count = u8(bytes, at + 12);
  if (at + 16 + count * 4 > end) return BAD_FEEDBACK;
  const exponent = u8(bytes, at + 13) >> 2;
  const mantissa = ((u8(bytes, at + 13) & 3) << 16) | u16(bytes, at + 14);
  const ssrcs: number[] = [];
  for (let i = 0; i < count; i++) ssrcs.push(u32(bytes, at + 16 + i * 4));
  return { type: "remb", senderSsrc, bitrate: mantissa * 2 ** exponent, ssrcs };
}
