import type { Conn, ListenOptions } from "../../core/base/io.ts";
import type { BaseConn } from "./base_conn.ts";
import { reportBug } from "./process.ts";

/** Hands an accepted connection to its listener's owner, and tells when it is gone. */
export function handConn(
  conn: BaseConn,
  options: ListenOptions,
  onConn: (conn: Conn) => void,
): void {
  const { onConnClosed } = options;
  if (onConnClosed !== undefined) conn.onGone = () => onConnClosed(conn);
  try {
    onConn(conn);
  } catch (thrown) {
    reportBug(thrown);
    conn.destroy();
  }
}
