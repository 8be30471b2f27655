import type { Conn, Listener, ListenOptions } from "../../core/base/io.ts";
import { handConn } from "../common/accept.ts";
import type { DescriptorWatch } from "../common/descriptors.ts";
import { asError, endpoint, onHost } from "../common/endpoint.ts";
import { BunConn } from "./conn.ts";
import { bun } from "./types.ts";

/** Bun's own listener. */
export function listenBun(
  options: ListenOptions,
  onConn: (conn: Conn) => void,
  watch: DescriptorWatch,
): Promise<Listener> {
  return onHost(options, async (hostname) => {
    const listener = bun.listen<BunConn | undefined>({
      hostname,
      port: options.port,
      allowHalfOpen: true,
      socket: {
        open(socket) {
          if (!watch.hasRoom()) {
            socket.close();
            return;
          }
          socket.setNoDelay(true);
          const conn = new BunConn(socket as ConstructorParameters<typeof BunConn>[0]);
          socket.data = conn;
          handConn(conn, options, onConn);
        },
        data: (socket, bytes) => socket.data?.onData(bytes),
        drain: (socket) => socket.data?.onDrain(),
        end: (socket) => socket.data?.onEnd(),
        close: (socket, error) => socket.data?.onClose(error),
        error: (socket, error) => socket.data?.destroy(asError(error)),
      },
    });
    return {
      local: endpoint(listener.hostname, listener.port),
      close: async () => listener.stop(),
    };
  });
}
