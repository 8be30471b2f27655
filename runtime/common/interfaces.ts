import { networkInterfaces } from "node:os";
import type { InterfaceAddress } from "../../core/base/io.ts";
import { plainHost } from "./endpoint.ts";

export function interfaces(): readonly InterfaceAddress[] {
  const found: InterfaceAddress[] = [];
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    for (const { address, family, internal } of addresses ?? []) {
      const ipv6 = family === "IPv6";
      found.push({ name, address: plainHost(address), family: ipv6 ? "ipv6" : "ipv4", internal });
    }
  }
  return found;
}
