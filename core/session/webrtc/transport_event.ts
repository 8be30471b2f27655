/** What a transport tells its owner. @module */
import type { Fault, SrtpKeys, SrtpProfile } from "../../base/mod.ts";
import type { IceExpiry } from "./ice_agent.ts";
import type { PairId } from "./ice_pairs.ts";

export type TransportEvent =
  /** Keys are agreed and the peer is who its offer said. */
  | { readonly type: "connected"; readonly profile: SrtpProfile; readonly sendKeys: SrtpKeys }
  /** What we send goes to this pair from now on. */
  | { readonly type: "selected"; readonly pair: PairId }
  | { readonly type: "close-pair"; readonly pair: PairId; readonly fault: Fault }
  /** After an ICE restart: checks for this ufrag of ours lead here no more. */
  | { readonly type: "retired"; readonly ufrag: string }
  /** A peer's mistake, to be counted. */
  | { readonly type: "fault"; readonly fault: Fault }
  /** The session is over; its keys are gone. */
  | { readonly type: "closed"; readonly reason: CloseReason; readonly fault?: Fault };

/** `peer`: close_notify. `dtls`: the handshake failed. The rest: see `IceExpiry`. */
export type CloseReason = "peer" | "local" | "dtls" | IceExpiry;
