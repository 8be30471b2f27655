/** What hooks are sent: the JSON of SRS 7.0.18. @module */
import type { Identity } from "../routes/envelope.ts";
import { streamId } from "../rtc/stream_facts.ts";
import type { Traffic, Visitor } from "./visit.ts";

const VHOST = "__defaultVhost__";

/** A segment of HLS that is complete. */
export interface SegmentFile {
  /** In seconds. */
  readonly duration: number;
  /** Path of the segment, empty when it is in memory alone; its URL, without the first slash. */
  readonly file: string;
  readonly url: string;
  /** The same of its playlist. */
  readonly m3u8: string;
  readonly m3u8_url: string;
  readonly seq_no: number;
}

/** A client with the id he has in the API. */
export interface Known {
  readonly id: string;
  readonly visitor: Visitor;
}

export function clientBody(
  { server, service }: Pick<Identity, "server" | "service">,
  action: string,
  { id, visitor }: Known,
  more: object = {},
): string {
  const { address, app, stream, file = stream, tcUrl, param } = visitor;
  return JSON.stringify({
    server_id: server,
    service_id: service,
    action,
    client_id: id,
    ip: address,
    vhost: VHOST,
    app,
    tcUrl,
    stream: file,
    param,
    ...more,
    stream_url: `/${app}/${stream}`,
    stream_id: streamId(`${app}/${stream}`),
  });
}

export function closeBody(
  { server, service }: Pick<Identity, "server" | "service">,
  { id, visitor: { address, app } }: Known,
  { sentBytes, receivedBytes }: Traffic,
): string {
  return JSON.stringify({
    server_id: server,
    service_id: service,
    action: "on_close",
    client_id: id,
    ip: address,
    vhost: VHOST,
    app,
    send_bytes: sentBytes,
    recv_bytes: receivedBytes,
  });
}
