import { type Framing, rtmpMessages } from "../../core/egress/flv/mod.ts";
import { CHUNK_BYTES, STREAM_ID } from "../../core/session/rtmp/mod.ts";

/** The messages of a stream as every RTMP connection of ours takes them. */
export const rtmpFraming: Framing = rtmpMessages(STREAM_ID, CHUNK_BYTES);
