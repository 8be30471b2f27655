/** What every runtime does alike, whichever sockets it uses. @module */
import { after } from "node:test";
import type { Runtime } from "../../core/base/io.ts";
import { closeContract } from "./close_contract.ts";
import { connContract, type Differences } from "./conn_contract.ts";
import { filesContract } from "./files_contract.ts";
import { closeAllPeers } from "./peer.ts";
import { processContract } from "./process_contract.ts";
import { tcpContract } from "./tcp_contract.ts";
import { tlsClientContract } from "./tls_client_contract.ts";
import { tlsContract } from "./tls_contract.ts";
import { udpContract } from "./udp_contract.ts";

export function contract(name: string, plain: Runtime, differences: Differences = {}): void {
  const { runtime, closeAll } = tracked(plain);
  tcpContract(name, runtime);
  connContract(name, runtime, differences);
  closeContract(name, runtime);
  tlsContract(name, runtime);
  tlsClientContract(name, runtime);
  udpContract(name, runtime);
  filesContract(name, runtime);
  processContract(name, runtime);
  // What a failed test left open would keep the process alive.
  after(async () => {
    closeAllPeers();
    await closeAll();
  });
}

function tracked(plain: Runtime): { runtime: Runtime; closeAll: () => Promise<void> } {
  const closers: (() => unknown)[] = [];
  const runtime: Runtime = {
    ...plain,
    async listen(options, onConn) {
      const listener = await plain.listen(options, (conn) => {
        closers.push(() => conn.destroy());
        onConn(conn);
      });
      closers.push(() => listener.close());
      return listener;
    },
    async connect(to, options) {
      const conn = await plain.connect(to, options);
      closers.push(() => conn.destroy());
      return conn;
    },
    async openUdp(options, onDatagram) {
      const socket = await plain.openUdp(options, onDatagram);
      closers.push(() => socket.close());
      return socket;
    },
  };
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0)) await close();
  };
  return { runtime, closeAll };
}
