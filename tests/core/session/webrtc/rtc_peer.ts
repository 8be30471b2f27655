/**
 * What a browser is to us: ICE controlling, DTLS, SRTP, over RFC 4571. The same peer speaks to a
 * transport in virtual time and, behind sockets, to a whole server.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Fault, type Hmac, isFault, type Millis } from "../../../../core/base/mod.ts";
import { latin1Bytes } from "../../../../core/bytes/mod.ts";
import {
  DtlsEndpoint,
  type DtlsEvent,
  type DtlsRole,
  type Fingerprint,
} from "../../../../core/session/webrtc/dtls/mod.ts";
import type { IceCredentials } from "../../../../core/session/webrtc/ice_credentials.ts";
import { Deframer, framed } from "../../../../core/wire/rfc4571/mod.ts";
import { isRtcp } from "../../../../core/wire/rtcp/mod.ts";
import { SrtpReceiver, SrtpSender } from "../../../../core/wire/srtp/mod.ts";
import {
  Attr,
  BINDING_REQUEST,
  decodeStun,
  encodeStun,
  type StunMessage,
} from "../../../../core/wire/stun/mod.ts";
import { nodeCrypto } from "../../../../runtime/common/crypto.ts";
import type { Identity } from "./dtls/peers.ts";

export interface RtcPeerOptions {
  readonly role: DtlsRole;
  readonly identity: Identity;
  /** Of the other side's answer. */
  readonly ice: IceCredentials;
  readonly fingerprints: readonly Fingerprint[];
}

export interface ReceivedRtp {
  readonly packet: Uint8Array;
  readonly index: number;
}

export class RtcPeer {
  readonly dtls: DtlsEndpoint;
  readonly events: DtlsEvent[] = [];
  /** What came and is not taken yet. */
  readonly answers: StunMessage[] = [];
  readonly rtp: ReceivedRtp[] = [];
  readonly rtcp: Uint8Array[] = [];
  /** Packets that could not be opened. */
  refused = 0;
  #ice: IceCredentials;
  #hmac: Hmac;
  #receiver: SrtpReceiver | undefined;
  #sender: SrtpSender | undefined;
  #transaction = 0;

  constructor(options: RtcPeerOptions) {
    this.#ice = options.ice;
    this.#hmac = nodeCrypto.hmac("sha1", latin1Bytes(options.ice.pwd));
    this.dtls = new DtlsEndpoint({
      role: options.role,
      crypto: nodeCrypto,
      certificate: options.identity.certificate,
      peerFingerprints: options.fingerprints,
      srtpProfiles: ["SRTP_AEAD_AES_128_GCM", "SRTP_AES128_CM_HMAC_SHA1_80"],
      reliable: true,
    });
  }

  get connected(): boolean {
    return this.#receiver !== undefined;
  }

  /** The peer said close_notify. */
  get closed(): boolean {
    return this.events.some((event) => event.type === "closed");
  }

  /** Checks from now on are for these credentials of the other side, as after an ICE restart. */
  useIce(ice: IceCredentials): void {
    this.#ice = ice;
    this.#hmac = nodeCrypto.hmac("sha1", latin1Bytes(ice.pwd));
  }

  /** A connectivity check, framed. */
  check(nominates: boolean, password: Hmac = this.#hmac): Uint8Array {
    const transactionId = new Uint8Array(12);
    new DataView(transactionId.buffer).setUint32(8, ++this.#transaction);
    const none = new Uint8Array(0);
    const attributes = [
      { type: Attr.Username, value: latin1Bytes(`${this.#ice.ufrag}:peer`) },
      { type: Attr.IceControlling, value: new Uint8Array(8).fill(5) },
      { type: Attr.Priority, value: Uint8Array.of(0x6e, 0, 1, 0xff) },
      ...(nominates ? [{ type: Attr.UseCandidate, value: none }] : []),
    ];
    return framed(encodeStun({ type: BINDING_REQUEST, transactionId, attributes }, password));
  }

  /** One packet without its frame. */
  handlePacket(bytes: Uint8Array, now: Millis): void {
    const first = bytes[0] ?? 0;
    if (first <= 3) {
      const message = decodeStun(bytes);
      assert.ok(!isFault(message), String(message));
      this.answers.push(message);
    } else if (first < 64) {
      this.dtls.handleInput(bytes, now);
      this.#drainEvents();
    } else {
      this.#handleMedia(bytes);
    }
  }

  /** What DTLS wants sent, each packet framed. */
  poll(): Uint8Array[] {
    const out: Uint8Array[] = [];
    for (let next = this.dtls.pollTransmit(); next; next = this.dtls.pollTransmit()) {
      out.push(framed(next));
    }
    return out;
  }

  /** SRTP, framed. */
  protect(packet: Uint8Array, index: number): Uint8Array {
    return sealed(this.#sender?.protect(packet, index));
  }

  /** SRTCP, framed. */
  protectRtcp(packet: Uint8Array): Uint8Array {
    return sealed(this.#sender?.protectRtcp(packet));
  }

  #handleMedia(bytes: Uint8Array): void {
    if (isRtcp(bytes)) {
      const plain = this.#receiver?.unprotectRtcp(bytes);
      if (plain === undefined || isFault(plain)) this.refused++;
      else this.rtcp.push(plain);
    } else {
      const plain = this.#receiver?.unprotect(bytes);
      if (plain === undefined || isFault(plain)) this.refused++;
      else this.rtp.push(plain);
    }
  }

  #drainEvents(): void {
    for (let event = this.dtls.pollEvent(); event; event = this.dtls.pollEvent()) {
      this.events.push(event);
      if (event.type !== "connected") continue;
      this.#receiver = new SrtpReceiver(nodeCrypto, event.remoteKeys);
      this.#sender = new SrtpSender(nodeCrypto, event.localKeys);
    }
  }
}

/** All packets of `bytes`, which end with a whole one. */
export function packetsOf(bytes: Uint8Array): Uint8Array[] {
  const deframer = new Deframer();
  deframer.push(bytes);
  const packets: Uint8Array[] = [];
  for (let next = deframer.poll(); next !== undefined; next = deframer.poll()) {
    assert.ok(!isFault(next), String(next));
    packets.push(next);
  }
  assert.equal(deframer.buffered, 0);
  return packets;
}

function sealed(packet: Uint8Array | Fault | undefined): Uint8Array {
  assert.ok(packet instanceof Uint8Array, String(packet));
  return framed(packet);
}
