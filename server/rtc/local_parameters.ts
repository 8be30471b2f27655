/** Our side of an answer, out of configuration and request. @module */
import type { Runtime } from "../../core/base/mod.ts";
import type { CodecName } from "../../core/media/mod.ts";
import { hostCandidates } from "../../core/session/webrtc/candidate.ts";
import type { IceCredentials } from "../../core/session/webrtc/ice_credentials.ts";
import type { LocalParameters } from "../../core/session/webrtc/negotiation/mod.ts";
import type { StreamName } from "../../core/stream/mod.ts";
import type { Config } from "../config/config.ts";
import type { SignalRequest } from "../signal.ts";

export interface LocalParametersOptions {
  readonly runtime: Runtime;
  readonly config: Config;
  readonly request: SignalRequest;
  readonly name: StreamName;
  readonly ice: IceCredentials;
  /** SHA-256 of our certificate, upper-case hex with colons. */
  readonly fingerprint: string;
  readonly cname: string;
  readonly randomSsrc: () => number;
}

/** Values of the `codec` query; SRS knows `av1` and `hevc`. */
const CODECS: Readonly<Record<string, CodecName>> = {
  av1: "av1",
  hevc: "h265",
  h265: "h265",
  h264: "h264",
  avc: "h264",
  vp8: "vp8",
  vp9: "vp9",
};

export function localParameters(options: LocalParametersOptions): LocalParameters {
  const { runtime, config, request, ice } = options;
  return {
    ufrag: ice.ufrag,
    pwd: ice.pwd,
    fingerprint: `sha-256 ${options.fingerprint}`,
    candidates: hostCandidates(request.candidates.tcp, request.candidates.udp),
    sessionId: sessionId(runtime),
    // SRS publishes H.264 unless asked otherwise, and what is bridged to other protocols needs it.
    preferredCodec: CODECS[request.codec.toLowerCase()] ?? "h264",
    declinedFeedback: [
      ...(config["vhost.rtc.nack"] ? [] : ["nack"]),
      ...(config["vhost.rtc.twcc"] ? [] : ["transport-cc"]),
    ],
    randomSsrc: options.randomSsrc,
    cname: options.cname,
    streamName: options.name.key,
  };
}

/** Random and below 2^53: exact as a number, and allowed in `o=` (RFC 8829 §5.2.1). */
export function sessionId(runtime: Runtime): string {
  let value = 0;
  for (const byte of runtime.crypto.random(6)) value = value * 256 + byte;
  return String(value);
}
