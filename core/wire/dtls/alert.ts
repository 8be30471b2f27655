/** Alerts (RFC 5246 §7.2): one byte of level, one of description. @module */

import type { Fault } from "../../base/mod.ts";
import { u8 } from "../../bytes/mod.ts";
import { ALERT_MALFORMED } from "./faults.ts";

export interface Alert {
  /** An `AlertLevel`. */
  readonly level: number;
  /** An `AlertDescription`, or a number we do not know. */
  readonly description: number;
}

export function decodeAlert(bytes: Uint8Array): Alert | Fault {
  if (bytes.length !== 2) return ALERT_MALFORMED;
  const level = u8(bytes, 0);
  if (level !== 1 && level !== 2) return ALERT_MALFORMED;
  return { level, description: u8(bytes, 1) };
}

export function encodeAlert(alert: Alert): Uint8Array {
  return Uint8Array.of(alert.level, alert.description);
}
