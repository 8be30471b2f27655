/** A controlling agent of the tests, and how it is answered. @module */
import assert from "node:assert/strict";
import { type Endpoint, type Hmac, isFault, type Millis } from "../../../../core/base/mod.ts";
import { latin1Bytes } from "../../../../core/bytes/mod.ts";
import type { IceAgent, IceEvent } from "../../../../core/session/webrtc/ice_agent.ts";
import { IceControlling } from "../../../../core/session/webrtc/ice_controlling.ts";
import type { IceCredentials } from "../../../../core/session/webrtc/ice_credentials.ts";
import { IceLite } from "../../../../core/session/webrtc/ice_lite.ts";
import { errorCode } from "../../../../core/session/webrtc/ice_refusal.ts";
import {
  BINDING_ERROR,
  BINDING_SUCCESS,
  decodeStun,
  encodeStun,
  type StunMessage,
} from "../../../../core/wire/stun/mod.ts";
import { nodeCrypto } from "../../../../runtime/common/crypto.ts";
import { type DatagramMachine, Network, type NetworkOptions } from "../../../sim/network.ts";

export const ours: IceCredentials = { ufrag: "relayrel", pwd: "0123456789abcdefghijklmnopqrstuv" };
export const theirs: IceCredentials = {
  ufrag: "farfarfa",
  pwd: "vutsrqponmlkjihgfedcba9876543210",
};
export const remote: Endpoint = { host: "192.0.2.33", port: 8080 };
export const hmacOfTheirs: Hmac = nodeCrypto.hmac("sha1", latin1Bytes(theirs.pwd));

export function full(reversed = false): IceControlling {
  return new IceControlling({
    local: reversed ? theirs : ours,
    remote: reversed ? ours : theirs,
    crypto: nodeCrypto,
    now: 0,
  });
}

export function lite(): IceLite {
  return new IceLite({ local: theirs, crypto: nodeCrypto, now: 0 });
}

/** An agent with a single pair, as a machine that speaks in datagrams. */
export function onOnePair(agent: IceAgent, transport: "tcp" | "udp"): DatagramMachine<IceEvent> {
  return {
    handleInput: (bytes, now) => agent.handleInput({ pair: 1, transport, remote, bytes }, now),
    handleTimeout: (now) => agent.handleTimeout(now),
    pollTransmit: () => agent.pollTransmit()?.bytes,
    pollEvent: () => agent.pollEvent(),
    nextTimeout: () => agent.nextTimeout(),
  };
}

export function join(
  a: IceControlling,
  b: IceAgent,
  transport: "tcp" | "udp",
  options: NetworkOptions = {},
): Network<IceEvent> {
  const network = new Network<IceEvent>(onOnePair(a, transport), onOnePair(b, transport), options);
  a.handlePairOpened(1, transport, remote, 0);
  b.handlePairOpened?.(1, transport, remote, 0);
  return network;
}

/** What is sent now, decoded. */
export function sent(agent: IceAgent): { pair: number; message: StunMessage }[] {
  const out: { pair: number; message: StunMessage }[] = [];
  for (let next = agent.pollTransmit(); next !== undefined; next = agent.pollTransmit()) {
    const message = decodeStun(next.bytes);
    assert.ok(!isFault(message), String(message));
    out.push({ pair: next.pair, message });
  }
  return out;
}

export function events(agent: IceAgent): IceEvent[] {
  const out: IceEvent[] = [];
  for (let next = agent.pollEvent(); next !== undefined; next = agent.pollEvent()) out.push(next);
  return out;
}

export function answer(
  agent: IceAgent,
  pair: number,
  request: StunMessage,
  now: Millis,
  code = 0,
): void {
  const { transactionId } = request;
  const attributes = code === 0 ? [] : [errorCode(code as 400 | 487)];
  const type = code === 0 ? BINDING_SUCCESS : BINDING_ERROR;
  const bytes = encodeStun({ type, transactionId, attributes }, hmacOfTheirs);
  agent.handleInput({ pair, transport: "udp", remote, bytes }, now);
}

export function selectedAt(network: Network<IceEvent>): Millis {
  let at = -1;
  network.run(60_000, () => {
    if (network.events.a.some(({ type }) => type === "selected")) at = network.now;
    return at >= 0;
  });
  return at;
}
