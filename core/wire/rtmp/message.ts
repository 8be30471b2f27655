/** One RTMP message, put together from its chunks. */
export interface RtmpMessage {
  /** Chunk stream it came on. */
  readonly chunkStream: number;
  /** One of `MessageType`. */
  readonly type: number;
  /** Message stream; 0 is the connection itself. */
  readonly stream: number;
  /** Milliseconds, 32 bits: wraps after 49.7 days. */
  readonly timestamp: number;
  readonly payload: Uint8Array;
}

/** Message types (RTMP 1.0 §5.4, §6.2, §7.1). */
export const MessageType = {
  SetChunkSize: 1,
  Abort: 2,
  Acknowledgement: 3,
  UserControl: 4,
  WindowAcknowledgementSize: 5,
  SetPeerBandwidth: 6,
  Audio: 8,
  Video: 9,
  DataAmf3: 15,
  CommandAmf3: 17,
  DataAmf0: 18,
  CommandAmf0: 20,
  Aggregate: 22,
} as const;

/** Events of user control messages (RTMP 1.0 §7.1.7). */
export const UserControl = {
  StreamBegin: 0,
  StreamEof: 1,
  StreamDry: 2,
  SetBufferLength: 3,
  StreamIsRecorded: 4,
  PingRequest: 6,
  PingResponse: 7,
} as const;
