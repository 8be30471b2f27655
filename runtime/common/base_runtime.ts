import process from "node:process";
import type { Runtime } from "../../core/base/io.ts";
import { now, wakeAt, wallClock } from "./clock.ts";
import { nodeCrypto } from "./crypto.ts";
import { descriptorWatch } from "./descriptors.ts";
import { files } from "./files.ts";
import { interfaces } from "./interfaces.ts";
import { connectNet, listenNet } from "./net.ts";
import { cwd, exit, onSignal, print, usage } from "./process.ts";
import { resolve } from "./resolve.ts";
import { startThread } from "./thread.ts";
import { tlsContext } from "./tls_context.ts";
import { openDgram } from "./udp.ts";

/** `native` is the runtime's own sockets, `node` its node:net; on Node they are the same. */
export type NetKind = "native" | "node";

export interface RuntimeOptions {
  /** Default: the environment variable MONOPORT_NET where it may be read, else `native`. */
  readonly net?: NetKind;
}

export function netKind(options: RuntimeOptions, env: Readonly<Record<string, string>>): NetKind {
  return options.net ?? (env["MONOPORT_NET"] === "node" ? "node" : "native");
}

/** A runtime out of node: modules alone; each runtime replaces what it does in its own way. */
export function baseRuntime(name: Runtime["name"], version: string): Runtime {
  return {
    name,
    version,
    crypto: nodeCrypto,
    files,
    pid: process.pid,
    cwd,
    args: process.argv.slice(2),
    env,
    now,
    wallClock,
    wakeAt,
    listen: (options, onConn) =>
      listenNet(options, onConn, descriptorWatch(options), name === "deno"),
    connect: connectNet,
    openUdp: (options, onDatagram) => openDgram(options, onDatagram, name === "deno"),
    resolve,
    startThread,
    tlsContext,
    interfaces,
    usage,
    print,
    onSignal,
    exit,
  };
}

export function env(): Readonly<Record<string, string>> {
  return { ...process.env } as Record<string, string>;
}
