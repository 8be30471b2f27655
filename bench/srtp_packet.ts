/** SRTP per 1200-byte packet: one at a time, and a batch of 8 to one and to 64 viewers. */
import "./help.ts";
import { isFault, type SrtpKeys, type SrtpProfile } from "../core/base/mod.ts";
import { encodeRtpHeader } from "../core/wire/rtp/mod.ts";
import {
  PlainSrtpEngine,
  SRTP_PROFILES,
  SrtpReceiver,
  SrtpSender,
  srtpProfileInfo,
} from "../core/wire/srtp/mod.ts";
import { nodeCrypto } from "../runtime/common/crypto.ts";
import { bench, heading } from "./harness.ts";

const PACKET_BYTES = 1200;
const BATCH = 8;
/** Packets made ahead for `unprotect`, which changes them in place and takes each once. */
const PREPARED = 1000;

function keysOf(profile: SrtpProfile): SrtpKeys {
  const { keyBytes, saltBytes } = srtpProfileInfo(profile);
  return {
    profile,
    masterKey: nodeCrypto.random(keyBytes),
    masterSalt: nodeCrypto.random(saltBytes),
  };
}

const packet = nodeCrypto.random(PACKET_BYTES);
function numbered(index: number): Uint8Array {
  encodeRtpHeader(packet, 0, 96, false, index & 0xffff, index, 1);
  return packet;
}

function benchPackets(profile: SrtpProfile): void {
  const keys = keysOf(profile);
  const sender = new SrtpSender(nodeCrypto, keys);
  let index = 0;
  bench("protect", 1, () => void sender.protect(numbered(index), index++));

  const sealed: Uint8Array[] = [];
  const other = new SrtpSender(nodeCrypto, keys);
  for (let i = 0; i < PREPARED; i++) {
    const bytes = other.protect(numbered(i), i);
    if (isFault(bytes)) throw new Error(String(bytes));
    sealed.push(bytes);
  }
  const scratch = sealed.map((bytes) => bytes.slice());
  bench(`unprotect (with a copy of the packet)`, PREPARED, () => {
    const receiver = new SrtpReceiver(nodeCrypto, keys);
    for (let i = 0; i < PREPARED; i++) {
      const mine = scratch[i] as Uint8Array;
      mine.set(sealed[i] as Uint8Array);
      if (isFault(receiver.unprotect(mine))) throw new Error("refused");
    }
  });
}

function benchEngine(profile: SrtpProfile, viewers: number): void {
  const engine = new PlainSrtpEngine(nodeCrypto);
  const senders = Array.from({ length: viewers }, (_, i) => {
    const id = engine.addSender(keysOf(profile));
    engine.setTrack(id, 0, {
      ssrc: 1000 + i,
      payloadType: 100,
      indexOffset: i,
      timestampOffset: i,
    });
    return id;
  });
  const ids = new Array<number>(BATCH);
  let index = 0;
  let bytes = 0;
  bench(`engine, batch of ${BATCH} to ${viewers}, per packet sent`, BATCH * viewers, () => {
    engine.clearPackets();
    for (let i = 0; i < BATCH; i++) ids[i] = engine.putPacket(numbered(index), 0, index++, 0);
    engine.seal(senders, ids, true, (_, sealed) => {
      bytes += sealed.length;
    });
  });
  if (engine.refused > 0 || bytes === 0) throw new Error("not sealed");
}

heading(`srtp, ${PACKET_BYTES}-byte packet`);
for (const { name } of SRTP_PROFILES) {
  console.log(name);
  benchPackets(name);
  benchEngine(name, 1);
  benchEngine(name, 64);
}
