/** What happens to streams, told to their clients, the log and the metrics. @module */
import type { HubEvent } from "../../core/stream/mod.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { Clients } from "./clients.ts";

export interface HubEventContext {
  readonly clients: Clients;
  readonly log: Log;
  readonly metrics: Metrics;
}

export function handleHubEvent(event: HubEvent, { clients, log, metrics }: HubEventContext): void {
  switch (event.type) {
    case "published":
    case "unpublished":
      log.event(event.type === "published" ? "Stream is live" : "Stream is gone", {
        stream: event.stream.name.key,
      });
      break;
    case "publisher-replaced":
      clients.publishing(event.publisher)?.session.close();
      break;
    case "keyframe-request":
      metrics.count("monoport_keyframe_requests_total");
      clients.publishing(event.publisher)?.publishing?.requestKeyframe(event.ssrc);
      break;
    case "viewer-stalled": {
      const client = clients.watching(event.subscriber);
      log.event("A viewer takes nothing any more", {
        stream: event.stream.name.key,
        client: client?.id,
      });
      client?.session.close();
      break;
    }
    case "format":
    case "viewer-state":
      break;
    default:
      event satisfies never;
  }
}
