/** What a server says to a client's commands (RTMP 1.0 §7.2). @module */
import { concat } from "../../bytes/mod.ts";
import { type Amf0Value, encodeAmf0 } from "../../wire/amf0/mod.ts";
import {
  ChunkStreamId,
  encodeControl,
  encodeMessage,
  encodePeerBandwidth,
  MessageType,
} from "../../wire/rtmp/mod.ts";

/** Bytes of our chunks: one for nearly every message, so that nothing is copied twice. */
export const CHUNK_BYTES = 60_000;
/** How often we want to hear, and tell, what was received, in bytes (§5.4.4). */
export const WINDOW_BYTES = 2_500_000;
/** The only message stream a connection gets. */
export const STREAM_ID = 1;
/** Codecs taken by enhanced RTMP (v2, `fourCcList`). */
const FOUR_CCS = ["av01", "vp09", "vp08", "hvc1", "avc1", "Opus", "mp4a", ".mp3"];

export function encodeResult(
  transaction: number,
  properties: Amf0Value,
  info: Amf0Value,
): Uint8Array {
  return command(encodeAmf0("_result", transaction, properties, info), 0);
}

export function encodeStatus(
  level: "status" | "error",
  code: string,
  description: string,
): Uint8Array {
  const info = new Map([
    ["level", level],
    ["code", code],
    ["description", description],
    ["clientid", "Monoport"],
  ]);
  return command(encodeAmf0("onStatus", 0, null, info), STREAM_ID);
}

/** Window, bandwidth and chunk size, then the result of `connect`: in this order, as clients expect. */
export function encodeConnected(transaction: number, objectEncoding: number): Uint8Array {
  const server = new Map<string, Amf0Value>([
    ["fmsVer", "FMS/3,5,3,888"],
    ["capabilities", 127],
    ["mode", 1],
  ]);
  const info = new Map<string, Amf0Value>([
    ["level", "status"],
    ["code", "NetConnection.Connect.Success"],
    ["description", "Connected"],
    ["objectEncoding", objectEncoding],
    ["fourCcList", FOUR_CCS],
    ["capsEx", 0],
  ]);
  return concat([
    encodeControl(MessageType.WindowAcknowledgementSize, WINDOW_BYTES),
    encodePeerBandwidth(WINDOW_BYTES),
    encodeControl(MessageType.SetChunkSize, CHUNK_BYTES),
    encodeResult(transaction, server, info),
  ]);
}

/** Players may look at the samples: some do not play without it. */
export function encodeSampleAccess(): Uint8Array {
  const payload = encodeAmf0("|RtmpSampleAccess", true, true);
  const { Data } = ChunkStreamId;
  const type = MessageType.DataAmf0;
  return encodeMessage(
    { chunkStream: Data, type, stream: STREAM_ID, timestamp: 0, payload },
    CHUNK_BYTES,
  );
}

function command(payload: Uint8Array, stream: number): Uint8Array {
  const { Command } = ChunkStreamId;
  const type = MessageType.CommandAmf0;
  return encodeMessage({ chunkStream: Command, type, stream, timestamp: 0, payload }, CHUNK_BYTES);
}
