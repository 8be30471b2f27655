/** Our side in tests of negotiation. @module */
import assert from "node:assert/strict";
import {
  type Answer,
  isRefusal,
  type LocalParameters,
  type Refusal,
} from "../../../../../core/session/webrtc/negotiation/mod.ts";
import {
  decodeSdp,
  isSdpFault,
  type MediaDescription,
  type SessionDescription,
} from "../../../../../core/wire/sdp/mod.ts";

export function local(more: Partial<LocalParameters> = {}): LocalParameters {
  let ssrc = 1000;
  return {
    ufrag: "Mono",
    pwd: "MonoportMonoportMonoportMonoport",
    fingerprint: `sha-256 ${Array(32).fill("5A").join(":")}`,
    candidates: [
      { foundation: "1", transport: "tcp", priority: 2124414975, host: "127.0.0.1", port: 8080 },
      { foundation: "2", transport: "tcp", priority: 2124414719, host: "2001:db8::1", port: 8080 },
    ],
    sessionId: "4611686018427387904",
    preferredCodec: undefined,
    randomSsrc: () => ssrc++,
    cname: "monoport",
    streamName: "live/livestream",
    ...more,
  };
}

export function decoded(sdp: string): SessionDescription {
  const description = decodeSdp(sdp);
  if (isSdpFault(description)) assert.fail(description.message);
  return description;
}

export function accepted(result: Answer | Refusal): Answer {
  if (isRefusal(result)) assert.fail(`${result.status} ${result.message}`);
  return result;
}

export function refused(result: Answer | Refusal): Refusal {
  if (!isRefusal(result)) assert.fail(`taken: ${result.sdp}`);
  return result;
}

/** One m-line of an answer. */
export function answered(answer: Answer, index: number): MediaDescription {
  const media = decoded(answer.sdp).media[index];
  assert.ok(media);
  return media;
}
