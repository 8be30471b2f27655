/** What a connectivity check costs: decode, authenticate, answer. @module */
import "./help.ts";
import { latin1Bytes } from "../core/bytes/mod.ts";
import { makeIceCredentials } from "../core/session/webrtc/ice_credentials.ts";
import { IceLite } from "../core/session/webrtc/ice_lite.ts";
import {
  Attr,
  BINDING_REQUEST,
  decodeStun,
  encodeStun,
  peekLocalUfrag,
} from "../core/wire/stun/mod.ts";
import { nodeCrypto } from "../runtime/common/crypto.ts";
import { bench, heading } from "./harness.ts";

const local = makeIceCredentials(nodeCrypto);
const request = encodeStun(
  {
    type: BINDING_REQUEST,
    transactionId: new Uint8Array(12),
    attributes: [
      { type: Attr.Username, value: latin1Bytes(`${local.ufrag}:peer`) },
      { type: Attr.IceControlling, value: new Uint8Array(8) },
      { type: Attr.Priority, value: new Uint8Array(4) },
    ],
  },
  nodeCrypto.hmac("sha1", latin1Bytes(local.pwd)),
);
const forged = request.slice();
forged[50] = (forged[50] ?? 0) ^ 1;
const garbage = new Uint8Array(request.length).fill(0x5a);

const ice = new IceLite({ local, crypto: nodeCrypto, now: 0 });
const check = (bytes: Uint8Array): void => {
  ice.handleInput({ pair: 1, transport: "udp", remote: { host: "192.0.2.1", port: 1 }, bytes }, 0);
  while (ice.pollTransmit() !== undefined);
  while (ice.pollEvent() !== undefined);
};

heading("STUN");
bench("find the session of a check (peekLocalUfrag)", 1, () => void peekLocalUfrag(request));
bench("decode a check", 1, () => void decodeStun(request));
bench("decode garbage (must be no slower)", 1, () => void decodeStun(garbage));
bench("answer a check", 1, () => check(request));
bench("refuse a forged check", 1, () => check(forged));
