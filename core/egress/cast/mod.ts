/** One stream for many viewers, whatever the format. @module */
export { chunkedBytes, type MadeBytes, plainBytes, webSocketBytes } from "./bytes_framing.ts";
export {
  Cast,
  type CastOptions,
  type CastViewer,
  KEPT_MAX_BYTES,
  TRACK_WAIT_MILLIS,
} from "./cast.ts";
export type { Beginning, CastMade, CastMuxer, Framing, Introduction } from "./muxer.ts";
