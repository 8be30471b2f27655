import type { Runtime } from "../core/base/io.ts";
import {
  baseRuntime,
  env,
  type NetKind,
  netKind,
  type RuntimeOptions,
} from "./common/base_runtime.ts";
import { listenDeno } from "./deno/listen.ts";
import { mayUse, needNetwork } from "./deno/permissions.ts";
import { openDatagram } from "./deno/udp.ts";

/**
 * Monoport on Deno. Nothing is asked for before the first `listen`, `connect` or `openUdp`, which
 * ask for `net`; what needs `env` or `sys` is empty without it.
 */
export function denoRuntime(options: RuntimeOptions = {}): Runtime {
  const base = baseRuntime("deno", Deno.version.deno);
  const optionalEnv = mayUse("env") ? env() : {};
  const native: NetKind = netKind(options, optionalEnv);
  return {
    ...base,
    args: Deno.args,
    pid: Deno.pid,
    env: () => (mayUse("env") ? env() : {}),
    interfaces: () => (mayUse("sys") ? base.interfaces() : []),
    async listen(options, onConn) {
      await needNetwork(options.host, options.port);
      // TLS can only be put on a socket of node:net whose first bytes were read.
      const own = native === "native" && options.tls !== true;
      return own ? listenDeno(options, onConn) : base.listen(options, onConn);
    },
    async connect(to, options) {
      await needNetwork(to.host, to.port);
      return base.connect(to, options);
    },
    async openUdp(options, onDatagram) {
      await needNetwork(options.host, options.port);
      const own = native === "native" ? openDatagram(options, onDatagram) : undefined;
      return own ?? base.openUdp(options, onDatagram);
    },
  };
}
