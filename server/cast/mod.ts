/** Viewers by HTTP-FLV, WS-FLV, MPEG-TS and AAC over HTTP, and RTMP. @module */
export type { Broadcasts } from "./broadcasts.ts";
export {
  type Admitted,
  Casts,
  type CastsOptions,
  type PlayRefusal,
  type Wanted,
} from "./casts.ts";
export { HttpOutlet, webSocketViewer } from "./outlets.ts";
export { rtmpFraming } from "./rtmp_framing.ts";
export type { Format, Outlet, Viewer } from "./viewer.ts";
