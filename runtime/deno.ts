import type { Runtime } from "../core/base/io.ts";
import { baseRuntime, env, netKind, type RuntimeOptions } from "./common/base_runtime.ts";
import { listenDeno } from "./deno/listen.ts";
import {
  mayReadEnv,
  mayReadInterfaces,
  mayResolve,
  needNetwork,
  needWrite,
} from "./deno/permissions.ts";
import { openDatagram } from "./deno/udp.ts";

/**
 * Monoport on Deno. Nothing is asked for before the first `listen`, `connect` or `openUdp`, which
 * ask for `net`; what needs `env` or `sys` is empty without it.
 */
export function denoRuntime(options: RuntimeOptions = {}): Runtime {
  const base = baseRuntime("deno", Deno.version.deno);
  const readEnv = (): Readonly<Record<string, string>> => (mayReadEnv() ? env() : {});
  const native = netKind(options, readEnv()) === "native";
  return {
    ...base,
    args: Deno.args,
    pid: Deno.pid,
    env: readEnv,
    files: {
      ...base.files,
      // Never ask: the whole server would wait for the answer.
      async makeDir(path) {
        needWrite(path);
        await base.files.makeDir(path);
      },
      async open(path, how) {
        if (how !== "read") needWrite(path);
        return await base.files.open(path, how);
      },
    },
    interfaces: () => (mayReadInterfaces() ? base.interfaces() : []),
    async listen(options, onConn) {
      await needNetwork(options.host, options.port);
      // TLS can only be put on a socket of node:net whose first bytes were read.
      const own = native && options.tls !== true;
      return own ? listenDeno(options, onConn) : base.listen(options, onConn);
    },
    async connect(to, options) {
      await needNetwork(to.host, to.port);
      return base.connect(to, options);
    },
    async resolve(name) {
      // Never asks: a request waits for the answer.
      if (!mayResolve(name)) throw new Error(`Monoport may not look up names: --allow-net=${name}`);
      return await base.resolve(name);
    },
    async openUdp(options, onDatagram) {
      await needNetwork(options.host, options.port);
      const own = native ? openDatagram(options, onDatagram) : undefined;
      return own ?? base.openUdp(options, onDatagram);
    },
  };
}
