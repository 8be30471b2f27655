import { MonoportError } from "../../base/mod.ts";
import { putU16, putU32 } from "../../bytes/mod.ts";
import { HEADER_BYTES } from "./compound.ts";
import { REMB_NAME } from "./decode.ts";
import { Fmt, Pt, type ReportBlock, type RtcpPacket } from "./packets.ts";
import { putReportBlock, REPORT_BLOCK_BYTES, SENDER_INFO_BYTES } from "./reports.ts";
import { putTransportFeedback, transportFeedbackBytes } from "./transport_feedback.ts";

/** SSRCs, chunks and report blocks of one packet: the count has five bits. */
const MAX_COUNT = 31;

/**
 * One fresh compound packet; plaintext, for SRTCP. Text is ASCII and at most 255 characters.
 *
 * @throws MonoportError `api-misuse` when a list is longer than its packet can say.
 */
export function encodeRtcp(packets: readonly RtcpPacket[]): Uint8Array {
  let size = 0;
  for (const packet of packets) size += HEADER_BYTES + words(bodyBytes(packet)) * 4;
  const out = new Uint8Array(size);
  let at = 0;
  for (const packet of packets) at = putPacket(out, at, packet);
  return out;
}

function words(bytes: number): number {
  return (bytes + 3) >> 2;
}

function bodyBytes(packet: RtcpPacket): number {
  switch (packet.type) {
    case "sr":
      return SENDER_INFO_BYTES + packet.blocks.length * REPORT_BLOCK_BYTES;
    case "rr":
      return 4 + packet.blocks.length * REPORT_BLOCK_BYTES;
    case "sdes":
      return packet.chunks.reduce((sum, { cname }) => sum + chunkBytes(cname), 0);
    case "bye":
      return packet.ssrcs.length * 4 + (packet.reason === "" ? 0 : 1 + packet.reason.length);
    case "nack":
      return 8 + nackItems(packet.lost).length * 4;
    case "pli":
      return 8;
    case "fir":
      return 8 + packet.entries.length * 8;
    case "remb":
      return 16 + packet.ssrcs.length * 4;
    case "twcc":
      return transportFeedbackBytes(packet);
  }
}

function putPacket(out: Uint8Array, at: number, packet: RtcpPacket): number {
  const body = at + HEADER_BYTES;
  switch (packet.type) {
    case "sr":
      putHeader(out, at, Pt.SenderReport, packet.blocks.length, packet);
      putU32(out, body, packet.ssrc);
      putU32(out, body + 4, packet.ntp.seconds);
      putU32(out, body + 8, packet.ntp.fraction);
      putU32(out, body + 12, packet.rtpTime);
      putU32(out, body + 16, packet.packets);
      putU32(out, body + 20, packet.octets);
      return putBlocks(out, body + SENDER_INFO_BYTES, packet.blocks);
    case "rr":
      putHeader(out, at, Pt.ReceiverReport, packet.blocks.length, packet);
      putU32(out, body, packet.ssrc);
      return putBlocks(out, body + 4, packet.blocks);
    case "sdes":
      putHeader(out, at, Pt.SourceDescription, packet.chunks.length, packet);
      return putChunks(out, body, packet.chunks);
    case "bye":
      putHeader(out, at, Pt.Goodbye, packet.ssrcs.length, packet);
      return putGoodbye(out, body, packet.ssrcs, packet.reason);
    default:
      return putFeedback(out, at, packet);
  }
}

type Feedback = Extract<RtcpPacket, { readonly senderSsrc: number }>;

function putFeedback(out: Uint8Array, at: number, packet: Feedback): number {
  const body = at + HEADER_BYTES;
  const item = body + 8;
  putU32(out, body, packet.senderSsrc);
  switch (packet.type) {
    case "nack":
      putHeader(out, at, Pt.TransportFeedback, Fmt.Nack, packet);
      putU32(out, body + 4, packet.mediaSsrc);
      return putWords(out, item, nackItems(packet.lost));
    case "pli":
      putHeader(out, at, Pt.PayloadFeedback, Fmt.Pli, packet);
      putU32(out, body + 4, packet.mediaSsrc);
      return item;
    case "fir":
      putHeader(out, at, Pt.PayloadFeedback, Fmt.Fir, packet);
      for (const [i, { ssrc, sequence }] of packet.entries.entries()) {
        putU32(out, item + i * 8, ssrc);
        out[item + i * 8 + 4] = sequence;
      }
      return item + packet.entries.length * 8;
    case "remb":
      putHeader(out, at, Pt.PayloadFeedback, Fmt.Application, packet);
      putU32(out, item, REMB_NAME);
      putU32(out, item + 4, rembBitrate(packet.bitrate));
      out[item + 4] = packet.ssrcs.length;
      return putWords(out, item + 8, packet.ssrcs);
    case "twcc": {
      putHeader(out, at, Pt.TransportFeedback, Fmt.TransportWide, packet);
      return at + HEADER_BYTES + words(putTransportFeedback(out, body, packet) - body) * 4;
    }
  }
}

function putHeader(
  out: Uint8Array,
  at: number,
  type: number,
  count: number,
  packet: RtcpPacket,
): void {
  const length = words(bodyBytes(packet));
  if (count > MAX_COUNT || length > 0xffff) {
    throw new MonoportError(
      "api-misuse",
      `Cannot encode ${packet.type}: too much for one RTCP packet`,
    );
  }
  out[at] = 0x80 | count;
  out[at + 1] = type;
  putU16(out, at + 2, length);
}

function putBlocks(out: Uint8Array, at: number, blocks: readonly ReportBlock[]): number {
  let offset = at;
  for (const block of blocks) offset = putReportBlock(out, offset, block);
  return offset;
}

function putWords(out: Uint8Array, at: number, values: readonly number[]): number {
  for (const [i, value] of values.entries()) putU32(out, at + i * 4, value);
  return at + values.length * 4;
}

/** SSRC, the item, and 1 to 4 zeros up to a whole word. */
function chunkBytes(cname: string): number {
  return (4 + 2 + cname.length + 4) & ~3;
}

function putChunks(
  out: Uint8Array,
  at: number,
  chunks: readonly { readonly ssrc: number; readonly cname: string }[],
): number {
  let offset = at;
  for (const { ssrc, cname } of chunks) {
    putU32(out, offset, ssrc);
    out[offset + 4] = 1;
    putText(out, offset + 5, cname);
    offset += chunkBytes(cname);
  }
  return offset;
}

function putGoodbye(out: Uint8Array, at: number, ssrcs: readonly number[], reason: string): number {
  const reasonAt = putWords(out, at, ssrcs);
  if (reason === "") return reasonAt;
  putText(out, reasonAt, reason);
  return reasonAt + words(1 + reason.length) * 4;
}

/** One byte of length, then the text. */
function putText(out: Uint8Array, at: number, text: string): void {
  if (text.length > 255)
    throw new MonoportError("api-misuse", "Cannot encode RTCP text of over 255 characters");
  out[at] = text.length;
  for (let i = 0; i < text.length; i++) out[at + 1 + i] = text.charCodeAt(i);
}

/** PID << 16 | BLP for sequence numbers in sending order (RFC 4585 §6.2.1). */
function nackItems(lost: readonly number[]): number[] {
  const items: number[] = [];
  let packetId = -1;
  let mask = 0;
  for (const sequence of lost) {
    const distance = (sequence - packetId - 1) & 0xffff;
    if (packetId >= 0 && distance < 16) {
      mask |= 1 << distance;
      continue;
    }
    if (packetId >= 0) items.push(((packetId << 16) | mask) >>> 0);
    packetId = sequence;
    mask = 0;
  }
  if (packetId >= 0) items.push(((packetId << 16) | mask) >>> 0);
  return items;
}

/** Exponent (6 bits) and mantissa (18 bits), rounded down. */
function rembBitrate(bitrate: number): number {
  let exponent = 0;
  let mantissa = Math.floor(bitrate);
  while (mantissa > 0x3ffff) {
    mantissa = Math.floor(mantissa / 2);
    exponent += 1;
  }
  return exponent * 2 ** 18 + mantissa;
}
