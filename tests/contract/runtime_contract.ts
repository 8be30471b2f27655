/** What every runtime does alike, whichever sockets it uses. @module */
import type { Runtime } from "../../core/base/io.ts";
import { connContract, type Differences } from "./conn_contract.ts";
import { processContract } from "./process_contract.ts";
import { tcpContract } from "./tcp_contract.ts";
import { tlsContract } from "./tls_contract.ts";
import { udpContract } from "./udp_contract.ts";

export function contract(name: string, runtime: Runtime, differences: Differences = {}): void {
  tcpContract(name, runtime);
  connContract(name, runtime, differences);
  tlsContract(name, runtime);
  udpContract(name, runtime);
  processContract(name, runtime);
}
