/**
 * An office, a firewall with a proxy, and the Internet: three network namespaces in a row.
 *
 * ```
 *  office 198.51.100.2 -- 198.51.100.1 firewall 203.0.113.1 -- 203.0.113.2 internet
 * ```
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { need } from "../tools.ts";

export const OFFICE = "198.51.100.2";
export const PROXY = "198.51.100.1";
export const INTERNET = "203.0.113.2";

type Place = "office" | "firewall" | "internet";

export interface Office {
  /** What runs a command there. */
  inside(place: Place): readonly string[];
  /**
   * Lets TCP to this port through the firewall, both ways, or nothing at all; drops and counts the
   * rest.
   */
  open(port: number | undefined): void;
  /** Packets the firewall has dropped. */
  dropped(): number;
  remove(): void;
}

export function makeOffice(): Office {
  if (process.getuid?.() !== 0) throw new Error("Network namespaces need root: sudo npm test");
  const names: Record<Place, string> = {
    office: `monoport-office-${process.pid}`,
    firewall: `monoport-firewall-${process.pid}`,
    internet: `monoport-internet-${process.pid}`,
  };
  const inside = (place: Place): string[] => [need("ip"), "netns", "exec", names[place]];
  const run = (place: Place, ...command: string[]): string => {
    const [program = "", ...args] = [...inside(place), ...command];
    return execFileSync(program, args, { encoding: "utf8", timeout: 20_000 });
  };
  const ip = (...args: string[]): string =>
    execFileSync(need("ip"), args, { encoding: "utf8", timeout: 20_000 });
  const remove = (): void => {
    for (const name of Object.values(names)) {
      try {
        ip("netns", "del", name);
      } catch {
        // It was not made, or is gone.
      }
    }
  };
  const address = (place: Place, device: string, cidr: string): void => {
    ip("-n", names[place], "addr", "add", cidr, "dev", device);
    ip("-n", names[place], "link", "set", device, "up");
  };
  try {
    for (const name of Object.values(names)) {
      ip("netns", "add", name);
      ip("-n", name, "link", "set", "lo", "up");
    }
    const { office, firewall, internet } = names;
    ip(
      "link",
      "add",
      "in",
      "netns",
      firewall,
      "type",
      "veth",
      "peer",
      "name",
      "desk",
      "netns",
      office,
    );
    ip(
      "link",
      "add",
      "out",
      "netns",
      firewall,
      "type",
      "veth",
      "peer",
      "name",
      "net",
      "netns",
      internet,
    );
    address("office", "desk", `${OFFICE}/24`);
    address("firewall", "in", `${PROXY}/24`);
    address("firewall", "out", "203.0.113.1/24");
    address("internet", "net", `${INTERNET}/24`);
    ip("-n", office, "route", "add", "default", "via", PROXY);
    ip("-n", internet, "route", "add", "default", "via", "203.0.113.1");
    run("firewall", "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward");
  } catch (error) {
    remove();
    throw error;
  }
  const nft = (...rules: string[]): void => {
    for (const rule of rules) run("firewall", need("nft"), rule);
  };
  return {
    inside,
    open: (port) =>
      nft(
        "add table inet f",
        "delete table inet f",
        "add table inet f",
        "add chain inet f forward { type filter hook forward priority 0 ; policy drop ; }",
        ...(port === undefined
          ? []
          : [
              "add rule inet f forward ct state established accept",
              `add rule inet f forward tcp dport ${port} accept`,
            ]),
        "add rule inet f forward counter drop",
      ),
    dropped: () =>
      Number(/counter packets (\d+)/.exec(run("firewall", need("nft"), "list table inet f"))?.[1]),
    remove,
  };
}
