/** What can be wrong with a WebSocket peer, and the close code that says so. @module */
import { Fault } from "../../base/mod.ts";

const LAYER = "core/wire/websocket";
const CODE = new Map<Fault, number>();

function fault(closeCode: number, code: string, spec: string): Fault {
  const made = new Fault(LAYER, code, spec);
  CODE.set(made, closeCode);
  return made;
}

/** The close code (RFC 6455 §7.4.1) for a fault of this module; 1002 for any other. */
export function closeCodeOf(found: Fault): number {
  return CODE.get(found) ?? 1002;
}

export const NOT_MASKED: Fault = fault(1002, "not-masked", "RFC 6455 §5.1");
export const RESERVED_BIT: Fault = fault(1002, "reserved-bit", "RFC 6455 §5.2");
export const BAD_OPCODE: Fault = fault(1002, "bad-opcode", "RFC 6455 §5.2");
export const BAD_LENGTH: Fault = fault(1002, "bad-length", "RFC 6455 §5.2");
export const BAD_FRAGMENT: Fault = fault(1002, "bad-fragment", "RFC 6455 §5.4");
export const BAD_CONTROL_FRAME: Fault = fault(1002, "bad-control-frame", "RFC 6455 §5.5");
export const BAD_CLOSE: Fault = fault(1002, "bad-close", "RFC 6455 §5.5.1");
export const BAD_UTF8: Fault = fault(1007, "bad-utf8", "RFC 6455 §8.1");
export const MESSAGE_TOO_BIG: Fault = fault(1009, "message-too-big", "RFC 6455 §7.4.1");
