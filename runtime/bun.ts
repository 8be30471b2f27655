import type { Runtime } from "../core/base/io.ts";
import { listenBun } from "./bun/listen.ts";
import { bun } from "./bun/types.ts";
import { openBunUdp } from "./bun/udp.ts";
import { baseRuntime, env, netKind, type RuntimeOptions } from "./common/base_runtime.ts";
import { descriptorWatch } from "./common/descriptors.ts";

/** Monoport on Bun. */
export function bunRuntime(options: RuntimeOptions = {}): Runtime {
  // Bun's node:dgram loses what is sent after a datagram to a peer that is gone.
  const base = { ...baseRuntime("bun", bun.version), openUdp: openBunUdp };
  if (netKind(options, env()) === "node") return base;
  return {
    ...base,
    listen(options, onConn) {
      // TLS can only be put on a socket of node:net whose first bytes were read.
      if (options.tls === true) return base.listen(options, onConn);
      return listenBun(options, onConn, descriptorWatch(options));
    },
  };
}
