/**
 * Harm done to one message of a handshake on its way, over the virtual network or a real one.
 *
 * @module
 */

import type { Script, Side } from "../../../../sim/network.ts";
import { changeRecords, datagramOf } from "./records.ts";

/**
 * Every record of a handshake, by who sends it and its name. The second ClientHello has a cookie.
 */
export const everyRecord: readonly (readonly [Side, string])[] = [
  ["a", "client_hello"],
  ["b", "hello_verify_request"],
  ["a", "client_hello"],
  ["b", "server_hello"],
  ["b", "certificate"],
  ["b", "server_key_exchange"],
  ["b", "certificate_request"],
  ["b", "server_hello_done"],
  ["a", "certificate"],
  ["a", "client_key_exchange"],
  ["a", "certificate_verify"],
  ["a", "change_cipher_spec"],
  ["a", "protected handshake"],
  ["b", "change_cipher_spec"],
  ["b", "protected handshake"],
];

export type Damage = "dropped" | "dropped twice" | "doubled" | "late" | "corrupted";

/** Does it to the record that is number `index` of a perfect handshake. */
export function damage(index: number, kind: Damage): Script {
  const [side, name] = everyRecord[index]!;
  const before = everyRecord.slice(0, index).filter(([s, n]) => s === side && n === name).length;
  const wanted = kind === "dropped twice" ? 2 : 1;
  let seen = 0;
  return (datagram, from) => {
    if (from !== side) return undefined;
    const taken: Uint8Array[] = [];
    const rest = changeRecords(datagram, (record, found) => {
      if (found !== name || seen++ < before || seen > before + wanted) return [record];
      taken.push(datagramOf([record]));
      return kind === "doubled" ? [record] : [];
    });
    if (kind === "corrupted") {
      for (const record of taken) {
        const bit = record.length - 1;
        record[bit] = record[bit]! ^ 4;
      }
    }
    const copies = rest.length > 0 ? [{ bytes: rest }] : [];
    if (kind === "dropped" || kind === "dropped twice") return copies;
    const extraMillis = kind === "late" ? 150 : 0;
    return [...copies, ...taken.map((bytes) => ({ bytes, extraMillis }))];
  };
}
