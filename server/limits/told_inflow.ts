/** Inflows whose breaches are logged and counted. @module */
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { Inflow, Inflows } from "./inflow.ts";

export interface InflowParts {
  readonly inflows: Inflows;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Who it is, as far as that is known by now. */
export interface Sender {
  readonly address: string;
  readonly stream: string | undefined;
  readonly client: string | undefined;
}

/** `sender` is asked when there is something to tell. */
export function toldInflow(
  { inflows, log, metrics }: InflowParts,
  address: string,
  sender: () => Sender,
): Inflow | undefined {
  return inflows.begin(address, {
    onHeld: (limit) => {
      metrics.count("monoport_clients_held_back_total", limit);
      log.limited("warn", "A client sends more than it may, and is held back", {
        limit,
        ...sender(),
      });
    },
    onExceeded: (limit) => {
      log.limited("warn", "A client sends more than it may all the time, and is ended", {
        limit,
        ...sender(),
      });
    },
  });
}
