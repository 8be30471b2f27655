/** What is in the datagrams that the two exchange, and ways to change it. @module */

import { isFault } from "../../../../../core/base/mod.ts";
import { concat } from "../../../../../core/bytes/mod.ts";
import {
  ContentType,
  type DtlsRecord,
  decodeHandshakeFragment,
  decodeRecord,
  encodeRecord,
  HandshakeType,
} from "../../../../../core/wire/dtls/mod.ts";

/** The records of a datagram. */
export function recordsOf(datagram: Uint8Array): DtlsRecord[] {
  const records: DtlsRecord[] = [];
  for (let at = 0; at < datagram.length; ) {
    const record = decodeRecord(datagram, at);
    if (isFault(record)) throw new Error(String(record));
    records.push(record);
    at += 13 + record.fragment.length;
  }
  return records;
}

export function datagramOf(records: readonly DtlsRecord[]): Uint8Array {
  return concat(records.map(encodeRecord));
}

const names = new Map<number, string>(
  Object.entries(HandshakeType).map(([name, type]) => [type, name]),
);

/** `client_hello`, `change_cipher_spec`, `protected handshake`, ... */
export function nameOf(record: DtlsRecord): string {
  const types = Object.entries(ContentType);
  const kind = types.find(([, type]) => type === record.type)?.[0] ?? String(record.type);
  if (record.epoch > 0) return `protected ${kind}`;
  if (record.type !== ContentType.handshake) return kind;
  const fragment = decodeHandshakeFragment(record.fragment);
  return isFault(fragment) ? "malformed" : (names.get(fragment.type) ?? String(fragment.type));
}

/** The datagram with each record replaced by what `change` makes of it. */
export function changeRecords(
  datagram: Uint8Array,
  change: (record: DtlsRecord, name: string) => readonly DtlsRecord[],
): Uint8Array {
  return datagramOf(recordsOf(datagram).flatMap((record) => change(record, nameOf(record))));
}
