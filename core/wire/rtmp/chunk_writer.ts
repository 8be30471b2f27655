import { putU16, putU24, putU32 } from "../../bytes/mod.ts";
import { DEFAULT_CHUNK_BYTES } from "./chunk_reader.ts";
import { MessageType, type UserControl } from "./message.ts";

/** Chunk streams we send on, one for each kind, as servers do. */
export const ChunkStreamId = { Control: 2, Command: 3, Audio: 4, Data: 5, Video: 6 } as const;

const EXTENDED = 0xffffff;

/** What goes into one message. */
export interface OutgoingMessage {
  readonly chunkStream: number;
  readonly type: number;
  readonly stream: number;
  /** Milliseconds, 32 bits. */
  readonly timestamp: number;
  readonly payload: Uint8Array;
}

/**
 * One message in chunks of `chunkBytes`: a header of fmt 0, then fmt 3 (RTMP 1.0 §5.3.1.2). Chunk
 * stream ids are 2 to 63.
 */
export function encodeMessage(
  message: OutgoingMessage,
  chunkBytes: number = DEFAULT_CHUNK_BYTES,
): Uint8Array {
  const { payload, timestamp } = message;
  const chunks = Math.max(1, Math.ceil(payload.length / chunkBytes));
  const extended = timestamp >= EXTENDED ? 4 : 0;
  const out = new Uint8Array(11 + payload.length + chunks * (1 + extended));
  let at = 0;
  for (let from = 0, first = true; first || from < payload.length; first = false) {
    out[at] = (first ? 0 : 0xc0) | message.chunkStream;
    at += 1;
    if (first) {
      putU24(out, at, extended > 0 ? EXTENDED : timestamp);
      putU24(out, at + 3, payload.length);
      out[at + 6] = message.type;
      putLittleEndian32(out, at + 7, message.stream);
      at += 11;
    }
    if (extended > 0) {
      putU32(out, at, timestamp);
      at += 4;
    }
    const part = payload.subarray(from, from + chunkBytes);
    out.set(part, at);
    at += part.length;
    from += part.length;
  }
  return out;
}

/** Set Chunk Size, Acknowledgement or Window Acknowledgement Size: four bytes (§5.4). */
export function encodeControl(type: number, value: number): Uint8Array {
  const payload = new Uint8Array(4);
  putU32(payload, 0, value);
  return control(type, payload);
}

/** Set Peer Bandwidth with the limit type "dynamic" (§5.4.5). */
export function encodePeerBandwidth(bytes: number): Uint8Array {
  const payload = new Uint8Array(5);
  putU32(payload, 0, bytes);
  payload[4] = 2;
  return control(MessageType.SetPeerBandwidth, payload);
}

/** A user control message: `event` is one of `UserControl`, `value` a message stream or a time. */
export function encodeUserControl(
  event: (typeof UserControl)[keyof typeof UserControl],
  value: number,
): Uint8Array {
  const payload = new Uint8Array(6);
  putU16(payload, 0, event);
  putU32(payload, 2, value);
  return control(MessageType.UserControl, payload);
}

function control(type: number, payload: Uint8Array): Uint8Array {
  return encodeMessage({
    chunkStream: ChunkStreamId.Control,
    type,
    stream: 0,
    timestamp: 0,
    payload,
  });
}

function putLittleEndian32(out: Uint8Array, at: number, value: number): void {
  out[at] = value;
  out[at + 1] = value >>> 8;
  out[at + 2] = value >>> 16;
  out[at + 3] = value >>> 24;
}
