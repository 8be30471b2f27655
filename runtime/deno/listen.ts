import type { Conn, Listener, ListenOptions } from "../../core/base/io.ts";
import { asError, endpoint, onHost } from "../common/endpoint.ts";
import { reportBug } from "../common/process.ts";
import { DenoConn } from "./conn.ts";

const BACK_OFF_MILLIS = 100;

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
      else take(tcp, onConn);
    } catch (thrown) {
      if (isClosed()) return;
      options.onAcceptError?.(asError(thrown));
      await new Promise((resolve) => setTimeout(resolve, BACK_OFF_MILLIS));
    }
  }
}

function take(tcp: Deno.TcpConn, onConn: (conn: Conn) => void): void {
  let conn: DenoConn | undefined;
  try {
    tcp.setNoDelay(true);
    conn = new DenoConn(tcp);
    onConn(conn);
  } catch (thrown) {
    reportBug(thrown);
    if (conn) conn.destroy();
    else tcp.close();
  }
}
