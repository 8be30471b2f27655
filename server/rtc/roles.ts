/** The roles of sessions, out of what was negotiated. @module */
import type { Answer } from "../../core/session/webrtc/negotiation/mod.ts";
import type { Publisher, Subscriber, SubscriberOptions } from "../../core/stream/mod.ts";
import { CNAME, type RtcContext, randomSsrc } from "./context.ts";
import { Publishing } from "./publishing.ts";
import { Viewing, viewerTrack } from "./viewing.ts";

export function publishingRole(
  { runtime, config, metrics }: RtcContext,
  publisher: Publisher,
  answer: Pick<Answer, "media">,
): Publishing {
  return new Publishing({
    publisher,
    media: answer.media,
    localSsrc: randomSsrc(runtime),
    cname: CNAME,
    nack: config["vhost.rtc.nack"],
    twcc: config["vhost.rtc.twcc"],
    onFault: (fault) => metrics.fault(fault),
    onReceived: (packets, bytes) => {
      metrics.count("monoport_received_packets_total", "", packets);
      metrics.count("monoport_received_bytes_total", "", bytes);
    },
  });
}

/** What the hub sends to a viewer with this answer. */
export function subscriberOptions(
  answer: Pick<Answer, "media">,
  extmapAllowMixed: boolean,
): SubscriberOptions {
  const lines = new Map(
    answer.media.map((line) => [line.kind, viewerTrack(line, extmapAllowMixed)]),
  );
  const audio = lines.get("audio");
  const video = lines.get("video");
  return { ...(audio && { audio }), ...(video && { video }) };
}

export function viewingRole({ engine, metrics }: RtcContext, subscriber: Subscriber): Viewing {
  return new Viewing({
    subscriber,
    engine,
    cname: CNAME,
    onFault: (fault) => metrics.fault(fault),
    onSent: (packets, bytes) => {
      metrics.count("monoport_sent_packets_total", "", packets);
      metrics.count("monoport_sent_bytes_total", "", bytes);
    },
  });
}
