/** How many sessions there may be, in all and of one address, and of which streams. @module */
import type { Stream, StreamName } from "../../core/stream/mod.ts";
import type { Config } from "../config/config.ts";
import type { SignalRefusal } from "../signal.ts";
import type { RtcContext } from "./context.ts";

const RETRY_SECONDS = 10;

/** Why `address` gets no further session; `undefined` when it does. */
export function sessionRefusal(
  { config, clients, sessions }: Pick<RtcContext, "config" | "clients" | "sessions">,
  address: string,
  { key }: StreamName,
): SignalRefusal | undefined {
  const refusal = sessions.refusal(address, key);
  if (refusal !== undefined) return { ...refusal, retryAfterSeconds: RETRY_SECONDS };
  let unconnected = 0;
  for (const client of clients.from(address)) if (!client.session.connected) unconnected++;
  if (unconnected < config["limits.unconnected_sessions_per_address"]) return undefined;
  return {
    status: 429,
    message:
      "Too many sessions of this address wait for a connection (limits.unconnected_sessions_per_address)",
    retryAfterSeconds: RETRY_SECONDS,
  };
}

/** Why WebRTC viewers cannot have a stream that is live; `undefined` when they can. */
export function bridgeRefusal(
  config: Config,
  stream: Stream | undefined,
): SignalRefusal | undefined {
  const bridged = stream?.live && stream.publisher?.way === "rtmp";
  if (!bridged || config["vhost.rtc.rtmp_to_rtc"]) return undefined;
  const message = `${stream.name.key} is published by RTMP, and vhost.rtc.rtmp_to_rtc is off`;
  return { status: 406, message };
}
