/**
 * An office, a firewall with a proxy, and the Internet: three network namespaces in a row.
 *
 * ```
 *  office 198.51.100.2 -- 198.51.100.1 firewall 203.0.113.1 -- 203.0.113.2 internet
 * ```
 *
 * @module
 */
import { type Namespace, Network } from "../namespaces.ts";

export const OFFICE = "198.51.100.2";
export const PROXY = "198.51.100.1";
export const INTERNET = "203.0.113.2";
/** The firewall's address towards the Internet. */
const OUTSIDE = "203.0.113.1";

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
  const network = new Network();
  try {
    return connected(network);
  } catch (error) {
    network.remove();
    throw error;
  }
}

function connected(network: Network): Office {
  const places: Record<Place, Namespace> = {
    office: network.add("office"),
    firewall: network.add("firewall"),
    internet: network.add("internet"),
  };
  const { office, firewall, internet } = places;
  network.join(firewall, `${PROXY}/24`, office, `${OFFICE}/24`);
  network.join(firewall, `${OUTSIDE}/24`, internet, `${INTERNET}/24`);
  office.defaultRoute(PROXY);
  internet.defaultRoute(OUTSIDE);
  firewall.forwards();
  const nft = (...rules: string[]): void => {
    for (const rule of rules) firewall.run("nft", rule);
  };
  return {
    inside: (place) => places[place].prefix,
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
      Number(/counter packets (\d+)/.exec(firewall.run("nft", "list table inet f"))?.[1]),
    remove: () => network.remove(),
  };
}
