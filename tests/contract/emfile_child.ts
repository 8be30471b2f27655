/** A server with few descriptors: echoes, and tells twice in 100 ms how it is. */

import process from "node:process";
import type { Conn } from "../../core/base/io.ts";
import { loadRuntime } from "../../runtime/mod.ts";

const [net, policy, tls] = process.argv.slice(2);
const runtime = await loadRuntime({ net: net === "node" ? "node" : "native" });
const live = new Set<Conn>();
let accepted = 0;
let errors = 0;
let code = "";

function shed(): void {
  for (const conn of live) {
    if (live.size < 120) return;
    live.delete(conn);
    conn.destroy();
  }
}

const listener = await runtime.listen(
  {
    host: "127.0.0.1",
    port: 0,
    tls: tls === "tls",
    onAcceptError(error) {
      errors++;
      code = error.code ?? error.message;
      if (policy === "shed") shed();
    },
  },
  (conn) => {
    accepted++;
    live.add(conn);
    conn.handler = {
      data: (bytes) => conn.write(bytes),
      close: () => live.delete(conn),
    };
  },
);
setInterval(() => {
  const { cpuMillis } = runtime.usage();
  const { port } = listener.local;
  const now = runtime.now();
  runtime.print(JSON.stringify({ port, live: live.size, accepted, errors, code, cpuMillis, now }));
}, 50);
