import { MonoportError } from "../../core/base/error.ts";
import { plainHost } from "../common/endpoint.ts";

/** Whether the environment may be read; never asks. */
export function mayReadEnv(): boolean {
  return isGranted({ name: "env" });
}

/** Whether the addresses of the machine may be read; never asks. */
export function mayReadInterfaces(): boolean {
  return isGranted({ name: "sys", kind: "networkInterfaces" });
}

/** Whether a name may be looked up; never asks. */
export function mayResolve(name: string): boolean {
  return isGranted({ name: "net" }) || isGranted({ name: "net", host: name });
}

/** Throws Deno's own words, without asking, unless the path may be written to. */
export function needWrite(path: string): void {
  if (isGranted({ name: "write" }) || isGranted({ name: "write", path })) return;
  const error = new Error(
    `Requires write access to "${path}", run again with the --allow-write flag`,
  );
  throw Object.assign(error, { code: "EACCES" });
}

/**
 * Network access, for `host:port` or at all. A person at a terminal is asked once, for everything:
 * without this Deno would ask again for each address.
 */
export async function needNetwork(host: string | undefined, port: number): Promise<void> {
  if (isGranted({ name: "net" })) return;
  if (host !== undefined && isGranted({ name: "net", host: urlHost(host, port) })) return;
  const { state } = await Deno.permissions.request({ name: "net" });
  if (state === "granted") return;
  throw new MonoportError(
    "permission-missing",
    "Monoport needs network access. Run: deno run -P mod.ts",
  );
}

function isGranted(permission: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(permission).state === "granted";
}

function urlHost(host: string, port: number): string {
  const plain = plainHost(host);
  return `${plain.includes(":") ? `[${plain}]` : plain}:${port}`;
}
