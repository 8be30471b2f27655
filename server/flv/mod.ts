/** Viewers by HTTP-FLV, WS-FLV and RTMP. @module */
export {
  type Admitted,
  FlvServer,
  type FlvServerOptions,
  type PlayRefusal,
  type Wanted,
} from "./flv_server.ts";
export { HttpOutlet, webSocketViewer } from "./outlets.ts";
export { rtmpFraming } from "./rtmp_framing.ts";
export type { Outlet, Viewer } from "./viewer.ts";
