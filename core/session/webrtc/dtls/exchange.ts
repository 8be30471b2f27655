import type {
  CryptoProvider,
  EcdhKey,
  PrivateKey,
  PublicKey,
  SrtpProfile,
} from "../../../base/mod.ts";
import { concat } from "../../../bytes/mod.ts";
import {
  encodeHandshakeMessage,
  type HandshakeMessage,
  HandshakeType,
} from "../../../wire/dtls/mod.ts";
import type { SrtpKeyPair } from "../../../wire/srtp/mod.ts";
import type { Flight, FlightItem } from "./flight.ts";
import type { Fingerprint } from "./identity.ts";
import { BAD_PUBLIC_KEY, FINISHED_WRONG, Refusal } from "./refusal.ts";
import { type RecordKeys, Secrets } from "./secrets.ts";
import type { Suite } from "./suite.ts";

/** Our certificate and its key. */
export interface DtlsCertificate {
  /** DER, our own first. */
  readonly chain: readonly Uint8Array[];
  readonly key: PrivateKey;
}

/** What both roles need to know. */
export interface ExchangeOptions {
  readonly crypto: CryptoProvider;
  readonly certificate: DtlsCertificate;
  /** The peer's `a=fingerprint` lines. */
  readonly peerFingerprints: readonly Fingerprint[];
  /** Best first. */
  readonly srtpProfiles: readonly SrtpProfile[];
}

/** What a good message leads to. */
export interface Step {
  /**
   * An answer that leaves no trace: HelloVerifyRequest. The message that caused it is forgotten.
   */
  readonly stateless?: HandshakeMessage;
  /** Our next flight. */
  readonly flight?: Flight;
  /** Epoch 1 can be written, and from now on be read. */
  readonly recordKeys?: RecordKeys;
  /** The peer has proved everything. */
  readonly established?: Established;
}

export interface Established {
  readonly profile: SrtpProfile;
  readonly srtp: SrtpKeyPair;
  readonly suite: Suite;
  readonly extendedMasterSecret: boolean;
}

/** A message that was handled and asks for nothing. */
export const NOTHING: Step = {};

/** One role's part of the handshake. */
export interface Handshake {
  /** Takes the messages in the order of message_seq. After a refusal the message may come again. */
  handleMessage(message: HandshakeMessage): Step | Refusal;
}

/** What was agreed in the hellos. */
export interface Agreement {
  readonly suite: Suite;
  readonly profile: SrtpProfile;
  readonly clientRandom: Uint8Array;
  readonly serverRandom: Uint8Array;
  readonly extendedMasterSecret: boolean;
}

/** The state that both roles of a handshake share: transcript, numbering, secrets. */
export class Exchange {
  readonly options: ExchangeOptions;
  /** The peer's key, once his certificate matched a fingerprint. */
  peerKey: PublicKey | undefined;
  #transcript: Uint8Array[] = [];
  #messageSeq = 0;
  #secrets: Secrets | undefined;
  #agreement: Agreement | undefined;

  constructor(options: ExchangeOptions) {
    this.options = options;
  }

  get agreement(): Agreement | undefined {
    return this.#agreement;
  }

  agree(agreement: Agreement): void {
    this.#agreement = agreement;
  }

  /** The next message of ours will be number `messageSeq`. */
  numberFrom(messageSeq: number): void {
    this.#messageSeq = messageSeq;
  }

  /** Numbers a message of ours and puts it into the transcript. */
  write(type: number, body: Uint8Array): HandshakeMessage {
    const message = { type, messageSeq: this.#messageSeq++, body };
    this.record(message);
    return message;
  }

  /** Puts a message into the transcript, whole, whatever fragments it came in (RFC 6347 §4.2.6). */
  record(message: HandshakeMessage): void {
    this.#transcript.push(encodeHandshakeMessage(message));
  }

  /** Takes the last message out again: it was refused after all. */
  unrecord(): void {
    this.#transcript.pop();
  }

  forgetTranscript(): void {
    this.#transcript = [];
  }

  /** All messages up to now. */
  transcript(): Uint8Array {
    return concat(this.#transcript);
  }

  /** Both randoms and `params`: what a ServerKeyExchange signs. */
  signedParams(params: Uint8Array): Uint8Array {
    const randoms = this.#agreement;
    if (randoms === undefined) return params;
    return concat([randoms.clientRandom, randoms.serverRandom, params]);
  }

  /** Makes the secrets; ClientKeyExchange must be the transcript's last message. */
  deriveSecrets(own: EcdhKey, peerPublicKey: Uint8Array): RecordKeys | Refusal {
    const premaster = own.derive(peerPublicKey);
    const agreed = this.#agreement;
    if (premaster === undefined || agreed === undefined) return BAD_PUBLIC_KEY;
    this.#secrets = new Secrets(
      this.options.crypto,
      agreed.suite,
      agreed.clientRandom,
      agreed.serverRandom,
      premaster,
      agreed.extendedMasterSecret ? this.#transcriptHash(agreed) : undefined,
    );
    premaster.fill(0);
    return this.#secrets.recordKeys();
  }

  /** ChangeCipherSpec and our Finished, the end of a flight. */
  finish(side: "client" | "server"): readonly FlightItem[] {
    const message = this.write(HandshakeType.finished, this.#verifyData(side));
    return [{ kind: "change_cipher_spec" }, { kind: "message", epoch: 1, message }];
  }

  /** Undefined when the peer's Finished is right; it is then in the transcript. */
  checkFinished(side: "client" | "server", message: HandshakeMessage): Refusal | undefined {
    const expected = this.#verifyData(side);
    if (expected.length === 0 || !this.options.crypto.equal(expected, message.body)) {
      return FINISHED_WRONG;
    }
    this.record(message);
    return undefined;
  }

  /** The outcome; the master secret and the transcript are forgotten. */
  establish(): Established | Refusal {
    const agreed = this.#agreement;
    const secrets = this.#secrets;
    if (agreed === undefined || secrets === undefined) return FINISHED_WRONG;
    const { profile, suite, extendedMasterSecret } = agreed;
    const srtp = secrets.srtpKeys(profile);
    secrets.erase();
    this.#secrets = undefined;
    this.#transcript = [];
    return { profile, srtp, suite, extendedMasterSecret };
  }

  #transcriptHash(agreed: Agreement): Uint8Array {
    return this.options.crypto.hash(agreed.suite.hash, ...this.#transcript);
  }

  #verifyData(side: "client" | "server"): Uint8Array {
    if (this.#secrets === undefined || this.#agreement === undefined) return new Uint8Array(0);
    return this.#secrets.verifyData(side, this.#transcriptHash(this.#agreement));
  }
}

/** Tells a refusal from anything else. */
export function isRefusal(value: unknown): value is Refusal {
  return value instanceof Refusal;
}
