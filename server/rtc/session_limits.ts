/** How many sessions there may be, in all and of one address, and of which streams. @module */
import type { Stream, StreamName } from "../../core/stream/mod.ts";
import type { Config } from "../config/config.ts";
import type { SignalRefusal } from "../signal.ts";
import type { Clients } from "./clients.ts";

/** Why `address` gets no further session; `undefined` when it does. */
export function sessionRefusal(
  config: Config,
  clients: Clients,
  address: string,
  name: StreamName,
): SignalRefusal | undefined {
  if (clients.size >= config["limits.sessions"]) {
    return { status: 503, message: "Too many sessions (limits.sessions)", retryAfterSeconds: 10 };
  }
  const own = clients.from(address);
  if (own.size >= config["limits.sessions_per_address"]) {
    return tooMany("sessions of this address (limits.sessions_per_address)");
  }
  let unconnected = 0;
  const streams = new Set<string>([name.key]);
  for (const client of own) {
    if (!client.session.connected) unconnected++;
    streams.add(client.name.key);
  }
  if (unconnected >= config["limits.unconnected_sessions_per_address"]) {
    return tooMany(
      "sessions of this address wait for a connection (limits.unconnected_sessions_per_address)",
    );
  }
  if (streams.size > config["limits.streams_per_address"]) {
    return tooMany("streams of this address (limits.streams_per_address)");
  }
  return undefined;
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

function tooMany(what: string): SignalRefusal {
  return { status: 429, message: `Too many ${what}`, retryAfterSeconds: 10 };
}
