import { ContentType, type DtlsRecord } from "../../../wire/dtls/mod.ts";
import type { DtlsCounters } from "./options.ts";
import { openFragment, type RecordKey } from "./record_cipher.ts";
import { ReplayWindow } from "./replay_window.ts";

/** Records of epoch 1 that overtook the handshake messages in front of them. */
const MAX_HELD_RECORDS = 4;
const MAX_HELD_BYTES = 512;

/** Reads records of epoch 1: each once, and only when its tag is right. */
export class ProtectedInput {
  readonly #counters: DtlsCounters;
  readonly #replay: ReplayWindow = new ReplayWindow();
  #key: RecordKey | undefined;
  #changeCipherSpecSeen = false;
  #held: DtlsRecord[] = [];

  constructor(counters: DtlsCounters) {
    this.#counters = counters;
  }

  /** Both the peer's ChangeCipherSpec and the keys are there. */
  get readable(): boolean {
    return this.#key !== undefined && this.#changeCipherSpecSeen;
  }

  /** To be called when everything in front of the peer's Finished was verified. */
  unprotect(key: RecordKey): void {
    this.#key = key;
  }

  /**
   * Only remembers it. Taking keys into use here, whatever has or has not been verified, is what
   * CVE-2014-0224 was. False when it is none.
   */
  handleChangeCipherSpec(record: DtlsRecord): boolean {
    const { type, fragment } = record;
    if (type !== ContentType.change_cipher_spec) return false;
    if (fragment.length !== 1 || fragment[0] !== 1) return false;
    this.#changeCipherSpecSeen = true;
    return true;
  }

  /** Keeps a record that cannot be read yet until those it has overtaken are there. */
  hold(record: DtlsRecord): void {
    if (this.#held.length === MAX_HELD_RECORDS || record.fragment.length > MAX_HELD_BYTES) {
      this.#counters.discardedRecords++;
      return;
    }
    this.#held.push({ ...record, fragment: record.fragment.slice() });
  }

  /** The records held, once they can be read. */
  takeHeld(): readonly DtlsRecord[] {
    return this.readable ? this.#held.splice(0) : [];
  }

  /** The plaintext of a fresh and genuine record. */
  open(record: DtlsRecord): Uint8Array | undefined {
    if (this.#key === undefined) return undefined;
    if (!this.#replay.isFresh(record.sequence)) {
      this.#counters.replayedRecords++;
      return undefined;
    }
    const plaintext = openFragment(this.#key, record);
    if (plaintext === undefined) {
      this.#counters.forgedRecords++;
      return undefined;
    }
    this.#replay.accept(record.sequence);
    return plaintext;
  }

  /** Forgets key and records. */
  erase(): void {
    this.#key = undefined;
    this.#held = [];
  }
}
