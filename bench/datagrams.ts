/** What it costs to find the session of a datagram, and to drop a stranger's. @module */
import "./help.ts";
import type { UdpSocket } from "../core/base/mod.ts";
import { latin1Bytes } from "../core/bytes/mod.ts";
import { makeIceCredentials } from "../core/session/webrtc/ice_credentials.ts";
import { IceLite } from "../core/session/webrtc/ice_lite.ts";
import { Attr, BINDING_REQUEST, encodeStun } from "../core/wire/stun/mod.ts";
import { nodeCrypto } from "../runtime/common/crypto.ts";
import { plainHost } from "../runtime/common/endpoint.ts";
import { Datagrams } from "../server/rtc/datagrams.ts";
import type { RtcSession } from "../server/rtc/session.ts";
import { bench, heading } from "./harness.ts";

const PEERS = 1000;

const local = makeIceCredentials(nodeCrypto);
const ice = new IceLite({ local, crypto: nodeCrypto, now: 0 });
let admitted = true;
let passed = 0;
const session = {
  vet: (bytes: Uint8Array) => (admitted ? undefined : ice.vet(bytes)),
  acceptDatagram: () => 1,
  handleDatagram: () => void passed++,
} as unknown as RtcSession;
const datagrams = new Datagrams({
  find: (ufrag) => (ufrag === local.ufrag ? session : undefined),
  mayCheck: () => true,
  onFault: () => {},
  onDrop: () => {},
});
const socket = {} as UdpSocket;

function check(ufrag: string, password: string): Uint8Array {
  return encodeStun(
    {
      type: BINDING_REQUEST,
      transactionId: nodeCrypto.random(12),
      attributes: [{ type: Attr.Username, value: latin1Bytes(`${ufrag}:peer`) }],
    },
    nodeCrypto.hmac("sha1", latin1Bytes(password)),
  );
}

/** As the socket gives it: a string made for each datagram, IPv4 mapped into IPv6. */
const addresses = Array.from({ length: PEERS }, (_, i) =>
  Buffer.from(`::ffff:192.0.${i >> 8}.${i & 255}`),
);
const port = (i: number): number => 40_000 + i;
const from = (i: number): { readonly host: string; readonly port: number } => ({
  host: plainHost(addresses[i]?.toString("latin1") ?? ""),
  port: port(i),
});

for (let i = 0; i < PEERS; i++) datagrams.handle(socket, check(local.ufrag, ""), from(i));
admitted = false;

const media = new Uint8Array(1200).fill(0x80);
const strange = { host: "198.51.100.1", port: 9 };
const noSession = check("nobody00", "");
const forged = check(local.ufrag, "wrong");
let at = 0;

heading(`Datagrams, ${datagrams.size} 5-tuples`);
bench("make the address out of bytes", 1, () => {
  at = (at + 1) % PEERS;
  from(at);
});
bench("the same, and find the session of media", 1, () => {
  at = (at + 1) % PEERS;
  datagrams.handle(socket, media, from(at));
});
bench("drop a stranger's media", 1, () => datagrams.handle(socket, media, strange));
bench("drop a check for no session", 1, () => datagrams.handle(socket, noSession, strange));
bench("drop a forged check (peek, decode, one HMAC)", 1, () =>
  datagrams.handle(socket, forged, strange),
);
