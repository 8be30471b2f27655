/** Viewers by HTTP-FLV, WS-FLV and RTMP. @module */
export {
  type Admitted,
  Casts,
  type CastsOptions,
  type PlayRefusal,
  type Wanted,
} from "./casts.ts";
export { HttpOutlet, webSocketViewer } from "./outlets.ts";
export { rtmpFraming } from "./rtmp_framing.ts";
export type { Outlet, Viewer } from "./viewer.ts";
