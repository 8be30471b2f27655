import { concat } from "../../../bytes/mod.ts";
import {
  ContentType,
  DTLS_1_2,
  type DtlsRecord,
  encodeHandshakeFragment,
  encodeRecord,
  HANDSHAKE_HEADER_BYTES,
  type HandshakeMessage,
  MAX_RECORD_SEQUENCE,
  RECORD_HEADER_BYTES,
} from "../../../wire/dtls/mod.ts";
import type { Flight } from "./flight.ts";
import { PROTECTION_BYTES, type RecordKey, sealFragment } from "./record_cipher.ts";

/** A smaller piece of a message is left for the next datagram, unless it is the whole rest. */
const MIN_PIECE_BYTES = 64;

/**
 * Turns messages into records, each with a sequence number of its own, and records into datagrams.
 */
export class Outbox {
  readonly #mtu: number;
  readonly #datagrams: Uint8Array[] = [];
  /** Records of the datagram that is being filled. */
  #filling: Uint8Array[] = [];
  #filled = 0;
  readonly #nextSequence: [number, number] = [0, 0];
  #key: RecordKey | undefined;
  #exhausted = false;

  constructor(mtu: number) {
    this.#mtu = mtu;
  }

  /** A record could not be sent because its epoch has no sequence number left. */
  get exhausted(): boolean {
    return this.#exhausted;
  }

  /** Epoch 1 can be written. */
  protect(key: RecordKey): void {
    this.#key = key;
  }

  /** The next record of `epoch` gets at least this sequence number. */
  skipTo(epoch: 0 | 1, sequence: number): void {
    this.#nextSequence[epoch] = Math.max(this.#nextSequence[epoch], sequence);
  }

  /** Queues the flight, cut to the MTU, as many records in a datagram as fit. */
  writeFlight(flight: Flight): void {
    for (const item of flight.items) {
      if (item.kind === "message") this.#writeMessage(item.epoch, item.message);
      else this.#put(0, ContentType.change_cipher_spec, Uint8Array.of(1));
    }
    this.#flush();
  }

  /** Queues one record as a datagram. */
  writeRecord(epoch: 0 | 1, type: number, fragment: Uint8Array): void {
    this.#put(epoch, type, fragment);
    this.#flush();
  }

  /** Queues a record of epoch 0 under a number that is not ours (RFC 6347 §4.2.1). */
  writeStateless(sequence: number, message: HandshakeMessage): void {
    const fragment = encodeHandshakeFragment(message, 0, message.body.length);
    const type = ContentType.handshake;
    const record: DtlsRecord = { type, version: DTLS_1_2, epoch: 0, sequence, fragment };
    this.#datagrams.push(encodeRecord(record));
  }

  /** The oldest datagram, at most an MTU long. */
  poll(): Uint8Array | undefined {
    return this.#datagrams.shift();
  }

  #writeMessage(epoch: 0 | 1, message: HandshakeMessage): void {
    const overhead = overheadOf(epoch) + HANDSHAKE_HEADER_BYTES;
    let offset = 0;
    do {
      const rest = message.body.length - offset;
      if (this.#mtu - this.#filled < overhead + Math.min(rest, MIN_PIECE_BYTES)) this.#flush();
      const size = Math.min(rest, this.#mtu - this.#filled - overhead);
      this.#put(epoch, ContentType.handshake, encodeHandshakeFragment(message, offset, size));
      offset += size;
    } while (offset < message.body.length);
  }

  #put(epoch: 0 | 1, type: number, fragment: Uint8Array): void {
    if (this.#mtu - this.#filled < overheadOf(epoch) + fragment.length) this.#flush();
    const sequence = this.#nextSequence[epoch];
    if (sequence > MAX_RECORD_SEQUENCE) {
      this.#exhausted = true;
      return;
    }
    this.#nextSequence[epoch] = sequence + 1;
    const record: DtlsRecord = { type, version: DTLS_1_2, epoch, sequence, fragment };
    const bytes = this.#encode(record);
    if (bytes === undefined) return;
    this.#filling.push(bytes);
    this.#filled += bytes.length;
  }

  #encode(record: DtlsRecord): Uint8Array | undefined {
    if (record.epoch === 0) return encodeRecord(record);
    if (this.#key === undefined) return undefined;
    return encodeRecord({ ...record, fragment: sealFragment(this.#key, record) });
  }

  #flush(): void {
    if (this.#filled === 0) return;
    this.#datagrams.push(concat(this.#filling));
    this.#filling = [];
    this.#filled = 0;
  }
}

function overheadOf(epoch: 0 | 1): number {
  return RECORD_HEADER_BYTES + (epoch === 0 ? 0 : PROTECTION_BYTES);
}
