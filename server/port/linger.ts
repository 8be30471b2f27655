import type { Conn, Runtime } from "../../core/base/mod.ts";

/** What a peer may still send while the last bytes to him are on their way. */
const LINGER_BYTES = 64 * 1024;
const LINGER_MILLIS = 2000;

/**
 * Ends a connection so that what was written last arrives: FIN, then reading on for a while.
 * Closing with unread bytes would send a reset, and a reset takes back what the peer has not read.
 */
export function linger(runtime: Pick<Runtime, "now" | "wakeAt">, conn: Conn): void {
  let left = LINGER_BYTES;
  const deadline = runtime.wakeAt(runtime.now() + LINGER_MILLIS, () => conn.destroy());
  conn.handler = {
    data: (chunk) => {
      left -= chunk.length;
      if (left < 0) conn.destroy();
    },
    end: () => conn.destroy(),
    close: () => deadline[Symbol.dispose](),
  };
  conn.end();
}
