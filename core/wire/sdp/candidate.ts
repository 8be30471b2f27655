/**
 * `a=candidate`, without the `a=`: the form of SDP and of trickle-ice-sdpfrag alike.
 *
 *     candidate:FOUNDATION COMPONENT TRANSPORT PRIORITY ADDRESS PORT typ TYPE [tcptype TCPTYPE] ...
 *
 * RFC 8839 §5.1, RFC 6544 §4.5.
 *
 * @module
 */
import type { Fault } from "../../base/mod.ts";
import type { Candidate } from "./description.ts";
import { BAD_CANDIDATE } from "./faults.ts";
import { fields, integer, isToken } from "./grammar.ts";

/** Longest address or name taken. */
const MAX_ADDRESS = 255;

/** Decodes what stands behind `candidate:`. */
export function decodeCandidate(value: string): Candidate | Fault {
  const [
    foundation,
    componentText,
    transport,
    priorityText,
    address,
    portText,
    typ,
    type,
    ...rest
  ] = fields(value);
  if (typ !== "typ" || type === undefined || portText === undefined) return BAD_CANDIDATE;
  if (foundation === undefined || foundation.length > 32) return BAD_CANDIDATE;
  if (address === undefined || address.length > MAX_ADDRESS) return BAD_CANDIDATE;
  const component = integer(componentText ?? "", 256);
  const priority = integer(priorityText ?? "", 0xffff_ffff);
  const port = integer(portText, 0xffff);
  if (component < 1 || priority < 0 || port < 0) return BAD_CANDIDATE;
  if (transport === undefined || !isToken(transport) || !isToken(type)) return BAD_CANDIDATE;
  let tcpType: string | undefined;
  for (let i = 0; i + 1 < rest.length; i += 2) {
    if (rest[i] === "tcptype") tcpType = rest[i + 1];
  }
  return {
    foundation,
    component,
    transport: transport.toLowerCase(),
    priority,
    address,
    port,
    type,
    tcpType,
  };
}

/** `candidate:1 1 tcp 2130706431 192.0.2.1 8080 typ host tcptype passive`. */
export function encodeCandidate(candidate: Candidate): string {
  const { foundation, component, transport, priority, address, port, type, tcpType } = candidate;
  const head = `candidate:${foundation} ${component} ${transport} ${priority} ${address} ${port} typ ${type}`;
  return tcpType === undefined ? head : `${head} tcptype ${tcpType}`;
}
