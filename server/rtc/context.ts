/** What the parts of the WebRTC server share. @module */
import type { Runtime } from "../../core/base/mod.ts";
import type { DtlsCertificate } from "../../core/session/webrtc/dtls/mod.ts";
import type { Hub } from "../../core/stream/mod.ts";
import type { PlainSrtpEngine } from "../../core/wire/srtp/mod.ts";
import type { DtlsIdentity } from "../certificates.ts";
import type { Config } from "../config/config.ts";
import type { Inflows } from "../limits/inflow.ts";
import type { Sessions } from "../limits/sessions.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { Clients } from "./clients.ts";

/** The CNAME of all we send (RFC 3550 §6.5.1). */
export const CNAME = "monoport";

export interface RtcContext {
  readonly runtime: Runtime;
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly certificate: DtlsIdentity;
  /** The same, as the DTLS machine takes it. */
  readonly dtlsCertificate: DtlsCertificate;
  readonly engine: PlainSrtpEngine;
  readonly hub: Hub;
  readonly clients: Clients;
  /** Those of all protocols. */
  readonly sessions: Sessions;
  /** What clients may send, by RTMP too. */
  readonly inflows: Inflows;
  /** To be called after anything that may have changed the hub. */
  readonly drain: () => void;
}

export function randomSsrc(runtime: Runtime): number {
  const [a = 0, b = 0, c = 0, d = 0] = runtime.crypto.random(4);
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}
