import type { Fault } from "../../base/mod.ts";
import type { Amf0Object } from "../../wire/amf0/mod.ts";

/** What a client wants, out of `connect` and `publish` or `play`. */
export interface RtmpTarget {
  /** The application, without query. */
  readonly app: string;
  /** The stream or its key, without query. */
  readonly stream: string;
  /** Parameters behind `?` of the stream, else of the application; without the mark. */
  readonly query: string;
  /** As the client names the server, `rtmp://host/app`; may be empty. */
  readonly tcUrl: string;
}

/** Answer `publish` and `play` by `accept` or `refuse` of the session. */
export type RtmpEvent =
  | { readonly type: "publish"; readonly target: RtmpTarget }
  | { readonly type: "play"; readonly target: RtmpTarget }
  /** `payload` is an FLV tag body; only while publishing. */
  | {
      readonly type: "audio" | "video";
      /** Milliseconds, 32 bits: wraps. */
      readonly timestamp: number;
      readonly payload: Uint8Array;
    }
  /** `onMetaData` of a publisher. */
  | { readonly type: "metadata"; readonly members: Amf0Object }
  /** The publisher or player has ended his stream; the connection may begin another. */
  | { readonly type: "stopped" }
  | { readonly type: "fault"; readonly fault: Fault }
  /** Close the connection, after what `pollTransmit` still has. */
  | { readonly type: "close" };
