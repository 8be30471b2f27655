/** What every runtime does alike, whichever sockets it uses. @module */
import type { Runtime } from "../../core/base/io.ts";
import { connContract } from "./conn_contract.ts";
import { tcpContract } from "./tcp_contract.ts";
import { tlsContract } from "./tls_contract.ts";

export function contract(name: string, runtime: Runtime): void {
  connContract(name, runtime);
  tcpContract(name, runtime);
  tlsContract(name, runtime);
}
