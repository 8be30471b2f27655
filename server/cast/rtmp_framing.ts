import type { Framing } from "../../core/egress/cast/mod.ts";
import { type FlvTag, rtmpMessages } from "../../core/egress/flv/mod.ts";
import { CHUNK_BYTES, STREAM_ID } from "../../core/session/rtmp/mod.ts";

/** The messages of a stream as every RTMP connection of ours takes them. */
export const rtmpFraming: Framing<FlvTag> = rtmpMessages(STREAM_ID, CHUNK_BYTES);
