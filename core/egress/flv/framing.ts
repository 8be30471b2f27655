import { concat } from "../../bytes/mod.ts";
import { encodeChunk } from "../../wire/http1/mod.ts";
import { ChunkStreamId, encodeMessage } from "../../wire/rtmp/mod.ts";
import { encodeFrame } from "../../wire/websocket/mod.ts";
import type { Framing } from "../cast/mod.ts";
import { putTagEnd, putTagHead } from "./bodies.ts";
import { type FlvTag, TagType } from "./muxer.ts";

/** Opcode of a binary frame (RFC 6455 §5.2). */
const BINARY = 2;
const NO_HEADER = new Uint8Array(0);

/** The file header with PreviousTagSize0 (FLV 10.1 §E.2). */
export function encodeFlvHeader(hasVideo: boolean, hasAudio: boolean): Uint8Array {
  const flags = (hasAudio ? 4 : 0) | (hasVideo ? 1 : 0);
  return Uint8Array.of(0x46, 0x4c, 0x56, 1, flags, 0, 0, 0, 9, 0, 0, 0, 0);
}

/** Tags as in a file, behind `header`. */
export function encodeTags(tags: readonly FlvTag[], header: Uint8Array = NO_HEADER): Uint8Array {
  let size = header.length;
  for (const { body } of tags) size += body.length + 15;
  const out = new Uint8Array(size);
  out.set(header, 0);
  let at = header.length;
  for (const { type, timestamp, body } of tags) {
    putTagHead(out, at, type, body.length, timestamp);
    out.set(body, at + 11);
    at += 11 + body.length;
    putTagEnd(out, at, body.length);
    at += 4;
  }
  return out;
}

/** The same as one chunk (RFC 9112 §7.1). */
export function chunkedTags(tags: readonly FlvTag[], header?: Uint8Array): Uint8Array {
  return encodeChunk(encodeTags(tags, header));
}

/** The same as one binary message. */
export function webSocketTags(tags: readonly FlvTag[], header?: Uint8Array): Uint8Array {
  return encodeFrame(BINARY, encodeTags(tags, header));
}

/** RTMP messages of message stream `stream`, in chunks of `chunkBytes`; there is no file header. */
export function rtmpMessages(stream: number, chunkBytes: number): Framing<FlvTag> {
  return (tags) =>
    concat(
      tags.map(({ type, timestamp, body }) => {
        const chunkStream = CHUNK_STREAMS[type];
        return encodeMessage({ chunkStream, type, stream, timestamp, payload: body }, chunkBytes);
      }),
    );
}

const CHUNK_STREAMS: Readonly<Record<FlvTag["type"], number>> = {
  [TagType.Audio]: ChunkStreamId.Audio,
  [TagType.Script]: ChunkStreamId.Data,
  [TagType.Video]: ChunkStreamId.Video,
};
