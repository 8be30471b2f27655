import type { Conn, Listener, ListenOptions } from "../../core/base/io.ts";
import { handConn } from "../common/accept.ts";
import { asError, codeOf, endpoint, onHost } from "../common/endpoint.ts";
import { reportBug } from "../common/process.ts";
import { DenoConn } from "./conn.ts";

const BACK_OFF_MILLIS = 100;
const PEER_GONE: ReadonlySet<string> = new Set(["ENOTCONN", "ECONNABORTED", "ECONNRESET"]);

/** Deno's own listener. Out of descriptors, connections wait in the backlog. */
export function listenDeno(
  options: ListenOptions,
  onConn: (conn: Conn) => void,
): Promise<Listener> {
  return onHost(options, async (hostname) => {
    const listener = Deno.listen({ hostname, port: options.port });
    const { addr } = listener;
    let closed = false;
    const accepting = acceptAll(listener, options, onConn, () => closed).catch(reportBug);
    return {
      local: endpoint(addr.hostname, addr.port),
      close: async () => {
        if (!closed) listener.close();
        closed = true;
        // Until the pending accept is given up, the kernel still takes connections.
        await accepting;
      },
    };
  });
}

async function acceptAll(
  listener: Deno.TcpListener,
  options: ListenOptions,
  onConn: (conn: Conn) => void,
  isClosed: () => boolean,
): Promise<void> {
  while (!isClosed()) {
    try {
      const tcp = await listener.accept();
      if (isClosed()) tcp.close();
      else take(tcp, options, onConn);
    } catch (thrown) {
      if (isClosed()) return;
      // The peer has reset the connection before it was accepted: that says nothing of the next
      // one.
      if (PEER_GONE.has(codeOf(thrown))) continue;
      options.onAcceptError?.(asError(thrown));
      await new Promise((resolve) => setTimeout(resolve, BACK_OFF_MILLIS));
    }
  }
}

function take(tcp: Deno.TcpConn, options: ListenOptions, onConn: (conn: Conn) => void): void {
  let conn: DenoConn;
  try {
    tcp.setNoDelay(true);
    conn = new DenoConn(tcp);
  } catch {
    tcp.close(); // reset meanwhile
    return;
  }
  handConn(conn, options, onConn);
}
